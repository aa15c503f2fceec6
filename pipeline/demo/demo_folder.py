"""The demo's folder: keys, certificate, password, settings, lake, and which world is in it.

A folder holds one world, which began on one day; started again on a later day, the world has gone on since, and only the mail of the new
days is new.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pipeline.demo.imap_server import Endpoint
from pipeline.demo.mail import RUA, DemoMail
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from pipeline.errors import InputError, UsageError

WORLD_FILE = Path(__file__).with_name("worlds") / "demo.toml"
"""The world of `tlsrpt demo`."""


class DemoFolder(NamedTuple):
    """A prepared demo folder."""

    folder: Path
    world: World
    first_start: bool

    @property
    def password_file(self) -> Path:
        """Where the mailbox's password is; made for this folder."""
        return self.folder / "password"

    @property
    def settings_file(self) -> Path:
        """The configuration that the demo runs with."""
        return self.folder / "tlsrpt.toml"

    @property
    def uidvalidity(self) -> int:
        """Of the mailbox: the day the world began, so that the same mail keeps its name over restarts (RFC 9051 §2.3.1.1)."""
        return int(f"{self.world.spec.first_day:%Y%m%d}")

    def mails(self, now: datetime) -> list[DemoMail]:
        """Return what has been received up to now."""
        return [mail for mail in self.world.mails() if mail.received_at <= now]

    def write_settings(self, mailbox: Endpoint, resolver: str, dashboard_port: int) -> None:
        """Write the configuration: the mailbox with its certificate, the lake, our domains, the resolver with the senders' keys.

        Args:
            mailbox: Where the mailbox can be reached, and the file with the certificate that verifies it.
            resolver: `host:port` of the DNS server that has the senders' keys.
            dashboard_port: The port that the page listens on.
        """
        lines = [
            "# Written by `tlsrpt demo`; the mailbox and the resolver are there while it ingests.",
            *_table("lake", path=str(self.folder / "lake")),
            *_table(
                "[mailbox]",
                name="demo",
                host=mailbox.host,
                port=mailbox.port,
                ca_file=str(mailbox.ca_file),
                user=RUA,
                password_file=str(self.password_file),
            ),
            *_table("domains", own=list(self.world.own_domains), mx=list(self.world.own_hosts)),
            *_table("trust", dkim="verify", resolver=resolver),
            *_table("dashboard", port=dashboard_port),
        ]
        self.settings_file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def prepare(folder: Path, *, world_file: Path | None, days: int | None, today: date) -> DemoFolder:
    """Make the folder ready, or go on with what is there.

    Args:
        folder: The demo's folder; made if it is not there.
        world_file: A world of the user's own; None: the demo's.
        days: Length of the world up to today at its first start; None: as the file says.
        today: Last day of the world.

    Raises:
        InputError: The folder or the world file cannot be used.
        ConfigError: The world file is wrong.
        UsageError: The folder holds another world.
    """
    path = world_file or WORLD_FILE
    asked = read_spec(path, last_day=today, days=days)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        begun = _begun(folder, digest, days)
        first_start = begun is None
        if begun is None:
            begun = (today, days)
            _write(folder / "world.json", json.dumps({"world": digest, "last_day": str(today), "days": days}))
        if not (folder / "password").exists():
            _write(folder / "password", secrets.token_urlsafe(18))
    except OSError as err:
        raise InputError(f"demo folder {folder} cannot be used: {err.strerror}; name another with --dir") from err
    spec = asked if first_start else read_spec(path, last_day=begun[0], days=begun[1])
    return DemoFolder(folder, World(spec._replace(last_day=max(today, spec.last_day)), KeyRing(folder / "keys")), first_start)


def default_folder() -> Path:
    """Return `data/demo` in a checkout, else a folder in the user's cache."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and os.access(checkout, os.W_OK):
        return checkout / "data" / "demo"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlsrpt" / "demo"


def yesterday(now: datetime) -> date:
    """Return the last day (UTC) about which reports may have been sent."""
    return (now.astimezone(UTC) - timedelta(days=1)).date()


def _begun(folder: Path, digest: str, days: int | None) -> tuple[date, int | None] | None:
    """Return the last day and length of the world as it was at the first start of this folder; None: it is new."""
    path = folder / "world.json"
    if not path.exists():
        if any(folder.iterdir()):
            raise UsageError(f"folder {folder} is not empty and holds no demo; name another with --dir")
        return None
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
        last_day, length = date.fromisoformat(begun["last_day"]), begun["days"]
    except (ValueError, KeyError, TypeError) as err:
        raise InputError(f"{path} cannot be read; remove {folder} and start again") from err
    if begun.get("world") != digest or (days is not None and days != length):
        raise UsageError(f"folder {folder} holds the demo of another world; remove it, or name another with --dir")
    return last_day, length


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _table(name: str, /, **values: object) -> list[str]:
    """One table of TOML; JSON's strings, numbers and lists of strings are TOML's too."""
    return ["", f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
