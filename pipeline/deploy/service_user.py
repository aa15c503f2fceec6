"""The system user that the program is to run as, and whether it can."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import NamedTuple

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
        environment = {
            name: text for name, text in os.environ.items() if name not in {"HOME", "USER", "LOGNAME"} and not name.startswith("XDG_")
        }
        environment |= {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        try:
            return subprocess.run(
                command,
                cwd="/",
                env=environment,
                user=self.uid,
                group=self.gid,
                extra_groups=os.getgrouplist(self.name, self.gid),
                check=False,
            ).returncode
        except PermissionError as err:
            python = command[0]
            raise ConfigError(
                f"user {self.name} cannot run {python}: a folder above it is closed; install it somewhere open, like /opt"
            ) from err


def service_user(name: str) -> ServiceUser:
    """Return a user by its name.

    Raises:
        UsageError: There is none, or we are not root and cannot hand files over to it.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError as err:
        raise UsageError(
            f"there is no user {name[:60]!r}; create it: useradd --system --create-home --home-dir /var/lib/tlsrpt {name[:60]}"
        ) from err
    if os.geteuid() != 0:
        raise UsageError("--service-user hands files over to another user, which root alone can; run it as root")
    return ServiceUser(name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
