"""The system user that the program is to run as, and whether it can."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import Any, NamedTuple

from pipeline.errors import ConfigError, UsageError


class ServiceUser(NamedTuple):
    """One user of this machine."""

    name: str
    uid: int
    gid: int
    home: str

    def call(self, *arguments: str) -> int:
        """Run `tlsrpt` as this user and return its exit code.

        Raises:
            ConfigError: The user can not run it.
        """
        command = [sys.executable, "-P", "-m", "pipeline.cli", *arguments]
        try:
            return self._run(command).returncode
        except PermissionError as err:
            python = command[0]
            raise ConfigError(
                f"user {self.name} cannot run {python}: a folder above it is closed; install it somewhere open, like /opt"
            ) from err

    def can_run(self, program: str) -> bool:
        """Whether this user can run `tlsrpt`; who is not root can only tell of itself, and takes it for granted of others."""
        if os.geteuid() not in {0, self.uid}:
            return True
        try:
            return self._run([program, "--version"], quiet=True).returncode == 0
        except OSError:
            return False

    def _run(self, command: list[str], *, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
        environment = {
            name: text for name, text in os.environ.items() if name not in {"HOME", "USER", "LOGNAME"} and not name.startswith("XDG_")
        }
        environment |= {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        other: dict[str, Any] = (
            {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)} if os.geteuid() == 0 else {}
        )
        return subprocess.run(command, cwd="/", env=environment, capture_output=quiet, check=False, **other)


def user_of(name: str) -> ServiceUser:
    """Return a user by its name.

    Raises:
        UsageError: There is none.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError as err:
        raise UsageError(
            f"there is no user {name[:60]!r}; create it: useradd --system --create-home --home-dir /var/lib/tlsrpt {name[:60]}"
        ) from err
    return ServiceUser(name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def service_user(name: str) -> ServiceUser:
    """Return a user by its name, to hand files over to.

    Raises:
        UsageError: There is none, or we are not root and cannot hand files over to it.
    """
    user = user_of(name)
    if os.geteuid() != 0:
        raise UsageError("--service-user hands files over to another user, which root alone can; run it as root")
    return user
