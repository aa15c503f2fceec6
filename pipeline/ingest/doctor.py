"""Tries everything a run needs, and says of each what to do: configuration, lake, disk, clock, DNS, mailboxes, the spool, other sources."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import LakeError, TlsrptError, TryAgainError
from pipeline.ingest.doctor_lake import clock, ground_lines, lake_lines, secrets
from pipeline.ingest.doctor_line import Check, failed, guarded
from pipeline.insight.phrases import count_of
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.post_action_check import try_after
from pipeline.spool import Spool
from pipeline.trust.key_lookup import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings
    from pipeline.settings.mailbox_tables import MailboxSettings, SourceSettings


def examine(settings: Settings, source: Path | None, now: datetime | None = None) -> Iterator[Check]:
    """Yield the checks one by one; none raises.

    Args:
        settings: The settings, already read.
        source: The file they were read from.
        now: The time, for tests.
    """
    moment = now or datetime.now(UTC)
    yield Check("config", "ok", f"read from {source}" if source else "no file; built-in settings and environment")
    yield from secrets(settings, source)
    yield from lake_lines(settings)
    yield from ground_lines(settings, moment)
    yield clock(settings, moment)
    yield _dns(settings)
    if not settings.domains.own:
        yield Check("domains", "warn", "[domains] own is empty: reports about any domain count; list yours")
    if settings.receive.spool:
        yield guarded("spool", lambda: _spool_line(settings))
    elif not settings.polled:
        yield Check("mailbox", "warn", "none configured; write a [[mailbox]] section, or import files: tlsrpt ingest PATH…")
    for box in settings.mailbox:
        yield from mailbox_lines(box, settings)
    for place in settings.source:
        yield guarded(f"source {place.name}", partial(_source_line, place, settings))


def _dns(settings: Settings) -> Check:
    if settings.trust.dkim == "off":
        return Check("dns", "warn", 'not needed: [trust] dkim = "off", everything in the mailbox is trusted; set dkim = "verify"')

    def asked() -> str:
        resolver = Resolver(settings.trust.resolver, timeout=settings.trust.dns_timeout)
        if not resolver.answers():
            where = settings.trust.resolver or "the system's resolver"
            raise TryAgainError(f"{where} does not answer; DKIM keys cannot be looked up, reports stay unauthenticated until it does")
        return f"{settings.trust.resolver or 'the system resolver'} answers"

    return guarded("dns", asked)


def mailbox_lines(box: MailboxSettings, settings: Settings) -> Iterator[Check]:
    """Yield whether a mailbox can be signed in to, what its server can do, and each folder with what `after` wants of it."""
    name = f"mailbox {box.name}"
    if box.kind == "graph":
        from pipeline.ingest.graph_source import GraphSource

        source = GraphSource(box, settings.report_limits)
        yield guarded(name, source.count)
        source.close()
        return
    try:
        with ImapMailbox(box, settings.report_limits) as mailbox:
            capabilities = mailbox.capabilities()
            yield Check(name, "ok", f"signed in to {box.host}:{box.effective_port} as {box.user}")
            yield _capabilities(name, box, capabilities)
            for folder in box.all_folders:
                opened = guarded(f"{name}, folder {folder}", lambda folder=folder: _folder(mailbox, folder))  # type: ignore[misc]
                yield opened
                if opened.state != "fail" and box.after != "keep":
                    yield guarded(f"{name}, after, {folder}", lambda: try_after(mailbox))
    except TlsrptError as err:
        yield failed(name, err)


def _folder(mailbox: ImapMailbox, folder: str) -> str:
    mailbox.open(folder)
    mailbox.new_uids(list)  # none is known, so that every one has to be listed
    state = mailbox.state
    how = "opened read-only" if state.read_only else "opened for changes"
    if mailbox.unlisted:
        raise TryAgainError(f"the server counts {state.exists:,} messages and lists {mailbox.unlisted:,} of them under no UID")
    return f"{count_of(state.exists, 'message')}, UIDVALIDITY {state.uidvalidity}, {how}"


def _capabilities(name: str, box: MailboxSettings, capabilities: frozenset[str]) -> Check:
    helpful = [each for each in ("MOVE", "UIDPLUS", "IDLE") if each in capabilities]
    told = ", ".join(helpful) or "neither MOVE, UIDPLUS nor IDLE"
    if box.after in {"move", "delete"} and "UIDPLUS" not in capabilities and not (box.after == "move" and "MOVE" in capabilities):
        return Check(f"{name}, server", "warn", f'has {told}: after = "{box.after}" cannot be done safely; use "seen" or "keep"')
    return Check(f"{name}, server", "ok", f"has {told}")


def _spool_line(settings: Settings) -> str:
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


def _source_line(source: SourceSettings, settings: Settings) -> str:
    """Say what lies at a source.

    Raises:
        TlsrptError: It cannot be listed.
    """
    from pipeline.ingest.bucket_source import BucketSource

    return f"{source.path}, {count_of(len(BucketSource(source, settings.report_limits).names()), 'object')}"
