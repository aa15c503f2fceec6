"""What the doctor looks at on this machine and in the lake: files, rights, disk, clock, and whether reports come and count."""

from __future__ import annotations

import os
import shlex
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, LakeError, TlsrptError, TryAgainError
from pipeline.ingest.doctor_line import Check, State, guarded
from pipeline.insight.phrases import count_of
from pipeline.lake.delta.snapshot import open_snapshot, said_of_schema
from pipeline.lake.delta.whole import BACKUP, MEND
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.location import Location
from pipeline.lake.storage.near import nearest, refuse_missing
from pipeline.lake.upkeep.repair import damage_of
from pipeline.query import open_lake
from pipeline.tables.schema import MADE_ANEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings

ROOM_BYTES = 1024**3
"""Less free disk than this is worth a word."""


def secrets(settings: Settings, source: Path | None) -> Iterator[Check]:
    """Name files with passwords that every user of this machine can read, or that this one cannot."""
    files = {box.password_file for box in settings.mailbox if box.password_file}
    if source is not None and any(box.password for box in settings.mailbox):
        files.add(str(source))
    files |= {file for file in (settings.receive.token_file, settings.receive.key_file) if file}
    for file in sorted(files):
        try:
            mode = Path(file).expanduser().stat().st_mode
        except OSError:
            continue  # whoever needs it says so
        if not os.access(Path(file).expanduser(), os.R_OK):
            yield Check(
                "password file",
                "fail",
                f"{file} cannot be read by this user: chgrp it to the user's group, and chmod g+r",
                ConfigError.exit_code,
            )
        elif mode & 0o007:
            yield Check("password file", "warn", f"every user of this machine can read {file}: chmod o-rwx {shlex.quote(file)}")


def lake_lines(settings: Settings) -> Iterator[Check]:
    """Yield whether the lake reads, is whole, can be locked, is closed to others, and has room to grow."""
    location = configured_location(settings.lake)

    def readable() -> str:
        if not location.exists():
            meant = nearest(location)
            raise TryAgainError(
                f"{location.uri} does not exist yet; the first ingest creates it{f'; the nearest lake is {meant}' if meant else ''}"
            )
        refuse_missing(location)
        snapshot = open_snapshot(location)
        return f"{location.uri}, schema {said_of_schema(snapshot.schema_version)}, batch {snapshot.batch:,}"

    def writable() -> str:
        if not location.exists():
            return "nothing to lock yet"
        with location.writer_lock():
            location.store.put("_state/doctor", b"")
            location.store.remove("_state/doctor")
        return "free to write"

    readable_check = guarded("lake", readable)
    yield readable_check
    if readable_check.state == "ok":
        yield guarded("lake files", lambda: _files(location))
        yield guarded("lake lock", writable)
    if "://" not in settings.lake.path and settings.lake.readable_by != "everybody":
        yield from _readers(Path(settings.lake.path))
    if "://" not in settings.lake.path:
        yield _disk(Path(settings.lake.path))


def _files(location: Location) -> str:
    """Open the footer of every file that a table names.

    Raises:
        LakeError: One is gone, broken, or has another number of rows than its table says.
    """
    found = open_snapshot(location).files if location.exists() else {}
    files = [(name, entry.path.removeprefix(f"{location.uri}/"), entry.rows) for name, entries in found.items() for entry in entries]
    broken = [(name, says) for name, path, rows in files if (says := damage_of(location, path, rows)) is not None]
    if broken:
        lost = {name for name, _ in broken} - MADE_ANEW
        raise LakeError(
            f"{len(broken):,} of {len(files):,} files are missing or broken, the first is {broken[0][1]}; {BACKUP if lost else MEND}"
        )
    return f"{count_of(len(files), 'file')}, every footer reads"


def _readers(lake: Path) -> Iterator[Check]:
    """Say who else of this machine can read the lake; a folder that is closed closes what is in it."""
    try:
        mode = lake.stat().st_mode
    except OSError:
        return
    if mode & 0o007:
        says = f"every user of this machine can read the mails in {lake}: chmod -R o-rwx {shlex.quote(str(lake.absolute()))}"
        yield Check("lake permissions", "warn", says)
    else:
        yield Check("lake permissions", "ok", f"for its owner and group ({mode & 0o777:04o})")


def _disk(path: Path) -> Check:
    here = path.absolute()
    while not here.exists():
        here = here.parent
    free = shutil.disk_usage(here).free
    state: State = "ok" if free >= ROOM_BYTES else "warn"
    advice = "" if state == "ok" else "; make room: a full disk stops the next ingest"
    return Check("disk", state, f"{free / 1024**3:,.1f} GiB free at the lake{advice}")


def clock(settings: Settings, now: datetime) -> Check:
    """Compare the clock: one that is behind judges signatures and days wrongly; the lake remembers a time that has surely passed."""
    from pipeline.lake.writer import Rehearsal

    try:
        newest = Rehearsal(settings.lake.path).ledger.last_ingest()
    except TlsrptError as err:
        return Check("clock", "warn", f"not compared: {err}")
    if newest is not None and newest > now + timedelta(minutes=5):
        return Check(
            "clock",
            "fail",
            f"it is {now:%Y-%m-%d %H:%M} UTC here, but the lake was last written at {newest:%Y-%m-%d %H:%M}; set the clock",
            1,
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def ground_lines(settings: Settings, now: datetime) -> Iterator[Check]:
    """Yield what conclusions rest on, and when each mailbox was last looked into."""
    try:
        if not configured_location(settings.lake).exists():
            return
        with open_lake(settings=settings) as lake:
            ground, boxes = lake.ground(as_of=now.date()), lake.mailboxes(now=now)
            unproved = sum(row["reports"] for row in lake.ask("proved_without_bytes").to_pylist())
    except TlsrptError as err:
        yield Check("reports", "warn", f"not counted: {err}")
        return
    yield Check(
        "reports", "fail" if ground.is_nothing else "ok" if ground.reports else "warn", " ".join(ground.lines()), int(ground.is_nothing)
    )
    if unproved:
        kept = f"{count_of(unproved, 'authenticated report')} of mail that is no longer stored"
        yield Check("reports without mail", "ok", f"{kept}: `tlsrpt rebuild` leaves their trust as it was judged when they came")
    for box in boxes:
        yield Check(
            f"looks {box.mailbox}",
            "fail" if box.why else "warn" if box.error else "ok",
            f"{box.sentence()} {box.fix()}".strip(),
            int(bool(box.why)),
        )
