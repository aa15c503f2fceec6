"""Tries everything a run needs, and says of each what to do: configuration, lake, disk, clock, DNS, mailboxes."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import TryAgainError
from pipeline.ingest.doctor_lake import clock, ground_lines, lake_lines, secrets
from pipeline.ingest.doctor_line import Check, guarded
from pipeline.ingest.doctor_mail import mailbox_lines, source_line, spool_line
from pipeline.trust.key_lookup import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings


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
        yield guarded("spool", lambda: spool_line(settings))
    elif not settings.polled:
        yield Check("mailbox", "warn", "none configured; write a [[mailbox]] section, or import files: tlsrpt ingest PATH…")
    for box in settings.mailbox:
        yield from mailbox_lines(box, settings)
    for place in settings.source:
        yield guarded(f"source {place.name}", partial(source_line, place, settings))


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
