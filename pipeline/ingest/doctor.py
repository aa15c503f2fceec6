"""Tries everything a run needs, and says of each what to do: configuration, lake, disk, clock, DNS, mailboxes."""

from __future__ import annotations

import os
import shlex
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.errors import ConfigError, LakeError, TlsrptError, TryAgainError
from pipeline.insight.phrases import count_of
from pipeline.lake.delta.snapshot import open_snapshot, said_of_schema
from pipeline.lake.delta.whole import BACKUP, MEND
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.location import Location
from pipeline.lake.storage.near import nearest, refuse_missing
from pipeline.lake.upkeep.repair import damage_of
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.post_action_check import try_after
from pipeline.query import open_lake
from pipeline.spool import Spool
from pipeline.tables.schema import MADE_ANEW
from pipeline.trust.key_lookup import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.config import Settings
    from pipeline.settings.mailbox_tables import MailboxSettings, SourceSettings

ROOM_BYTES = 1024**3
"""Less free disk than this is worth a word."""

State = Literal["ok", "warn", "fail"]


class Check(NamedTuple):
    """One line of the doctor."""

    name: str
    state: State
    says: str
    """What was found, and, where something is wrong, what to do."""
    exit_code: int = 0


def examine(settings: Settings, source: Path | None, now: datetime | None = None) -> Iterator[Check]:
    """Yield the checks one by one; none raises.

    Args:
        settings: The settings, already read.
        source: The file they were read from.
        now: The time, for tests.
    """
    moment = now or datetime.now(UTC)
    yield Check("config", "ok", f"read from {source}" if source else "no file; built-in settings and environment")
    yield from _secrets(settings, source)
    yield from _lake(settings)
    yield from _ground(settings, moment)
    yield _clock(settings, moment)
    yield _dns(settings)
    if not settings.domains.own:
        yield Check("domains", "warn", "[domains] own is empty: reports about any domain count; list yours")
    if settings.receive.spool:
        yield _guarded("spool", lambda: _spool(settings))
    elif not settings.polled:
        yield Check("mailbox", "warn", "none configured; write a [[mailbox]] section, or import files: tlsrpt ingest PATH…")
    for box in settings.mailbox:
        yield from _mailbox(box, settings)
    for place in settings.source:
        yield _guarded(f"source {place.name}", partial(_source, place, settings))


def _spool(settings: Settings) -> str:
    """Say what waits in the spool.

    Raises:
        TlsrptError: It cannot be written, or its disk is full.
    """
    spool = Spool(settings.receive.spool, full_percent=settings.receive.full_percent)
    try:
        spool.make()
        full = spool.is_full()
        waiting, others = len(spool.files()), len(list(spool.others()))
    except OSError as err:
        raise LakeError(f"{spool.folder}: {err.strerror}; its folder has to be writable for the group of the poller") from err
    if full:
        raise TryAgainError(f"{spool.folder}: the disk is {settings.receive.full_percent} % full, nothing more is taken; make room")
    aside = f"; {others:,} mails that are no reports lie in {spool.folder}/other" if others else ""
    return f"{spool.folder}, {waiting:,} {'file waits' if waiting == 1 else 'files wait'} for ingest{aside}"


def _source(source: SourceSettings, settings: Settings) -> str:
    """Say what lies at a source.

    Raises:
        TlsrptError: It cannot be listed.
    """
    from pipeline.ingest.bucket_source import BucketSource

    return f"{source.path}, {count_of(len(BucketSource(source, settings.report_limits).names()), 'object')}"


def _guarded(name: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", attempt())
    except TlsrptError as err:
        return _failed(name, err)


def _failed(name: str, err: TlsrptError) -> Check:
    """Return what a check says that failed; an error that begins with the name of what was tried does not name it twice."""
    return Check(name, "warn" if isinstance(err, TryAgainError) else "fail", str(err).removeprefix(f"{name}: "), err.exit_code)


def _lake(settings: Settings) -> Iterator[Check]:
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

    readable_check = _guarded("lake", readable)
    yield readable_check
    if readable_check.state == "ok":
        yield _guarded("lake files", lambda: _files(location))
        yield _guarded("lake lock", writable)
    if "://" not in settings.lake.path and settings.lake.readable_by != "everybody":
        yield from _readers(Path(settings.lake.path))
    if "://" not in settings.lake.path:
        yield _disk(Path(settings.lake.path))


def _ground(settings: Settings, now: datetime) -> Iterator[Check]:
    """What conclusions rest on, and when each mailbox was last looked into."""
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


def _secrets(settings: Settings, source: Path | None) -> Iterator[Check]:
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


def _disk(path: Path) -> Check:
    here = path.absolute()
    while not here.exists():
        here = here.parent
    free = shutil.disk_usage(here).free
    state: State = "ok" if free >= ROOM_BYTES else "warn"
    advice = "" if state == "ok" else "; make room: a full disk stops the next ingest"
    return Check("disk", state, f"{free / 1024**3:,.1f} GiB free at the lake{advice}")


def _clock(settings: Settings, now: datetime) -> Check:
    """A clock that is behind judges signatures and days wrongly; the lake remembers a time that has surely passed."""
    try:
        newest = _newest_ingest(settings)
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


def _newest_ingest(settings: Settings) -> datetime | None:
    from pipeline.lake.dry_run import Rehearsal

    return Rehearsal(settings.lake.path).last_ingest()


def _dns(settings: Settings) -> Check:
    if settings.trust.dkim == "off":
        return Check("dns", "warn", 'not needed: [trust] dkim = "off", everything in the mailbox is trusted; set dkim = "verify"')

    def asked() -> str:
        resolver = Resolver(settings.trust.resolver, timeout=settings.trust.dns_timeout)
        if not resolver.answers():
            where = settings.trust.resolver or "the system's resolver"
            raise TryAgainError(f"{where} does not answer; DKIM keys cannot be looked up, reports stay unauthenticated until it does")
        return f"{settings.trust.resolver or 'the system resolver'} answers"

    return _guarded("dns", asked)


def _mailbox(box: MailboxSettings, settings: Settings) -> Iterator[Check]:
    name = f"mailbox {box.name}"
    if box.kind == "graph":
        from pipeline.ingest.graph_source import GraphSource

        source = GraphSource(box, settings.report_limits)
        yield _guarded(name, source.count)
        source.close()
        return
    try:
        with ImapMailbox(box, settings.report_limits) as mailbox:
            capabilities = mailbox.capabilities()
            yield Check(name, "ok", f"signed in to {box.host}:{box.effective_port} as {box.user}")
            yield _capabilities(name, box, capabilities)
            for folder in box.all_folders:
                opened = _guarded(f"{name}, folder {folder}", lambda folder=folder: _folder(mailbox, folder))  # type: ignore[misc]
                yield opened
                if opened.state != "fail" and box.after != "keep":
                    yield _guarded(f"{name}, after, {folder}", lambda: try_after(mailbox))
    except TlsrptError as err:
        yield _failed(name, err)


def _folder(mailbox: ImapMailbox, folder: str) -> str:
    mailbox.open(folder)
    mailbox.new_uids(_Nothing())
    state = mailbox.state
    how = "opened read-only" if state.read_only else "opened for changes"
    if mailbox.unlisted:
        raise TryAgainError(f"the server counts {state.exists:,} messages and lists {mailbox.unlisted:,} of them under no UID")
    return f"{count_of(state.exists, 'message')}, UIDVALIDITY {state.uidvalidity}, {how}"


class _Nothing:
    """A ledger that knows no message, so that every one has to be listed."""

    def missing(self, uids: Iterable[int]) -> list[int]:
        return list(uids)


def _capabilities(name: str, box: MailboxSettings, capabilities: frozenset[str]) -> Check:
    helpful = [each for each in ("MOVE", "UIDPLUS", "IDLE") if each in capabilities]
    told = ", ".join(helpful) or "neither MOVE, UIDPLUS nor IDLE"
    if box.after in {"move", "delete"} and "UIDPLUS" not in capabilities and not (box.after == "move" and "MOVE" in capabilities):
        return Check(f"{name}, server", "warn", f'has {told}: after = "{box.after}" cannot be done safely; use "seen" or "keep"')
    return Check(f"{name}, server", "ok", f"has {told}")
