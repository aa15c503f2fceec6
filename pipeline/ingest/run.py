"""The order of one ingest: lock, recover, ask the DNS again, read, commit, treat the mailbox, compact."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from pipeline import __version__, log
from pipeline.errors import ConfigError, LakeError, TlsrptError, TryAgainError, most_lasting
from pipeline.ingest import folder_memory
from pipeline.ingest.context import Hands
from pipeline.ingest.import_files import import_files
from pipeline.ingest.kept_mail import vouch_for_earlier
from pipeline.ingest.looks_written import Looking
from pipeline.ingest.options import Outcome, RunOptions
from pipeline.ingest.source import take
from pipeline.ingest.stop import Stop
from pipeline.ingest.tally import Tally
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.writer import LakeWriter, Rehearsal
from pipeline.report.rows import Ownership, RunStamp
from pipeline.tables.chunk_columns import message_rows
from pipeline.trust.dns_retry import rejudge, waiting_since
from pipeline.trust.quota import Quota
from pipeline.trust.trust_rules import TrustRules
from pipeline.workers.pool import Pool
from pipeline.workers.reading_task import Job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.config import Settings
    from pipeline.ingest.source import Source
    from pipeline.settings.mailbox_tables import MailboxSettings

_REPLACED_AT_ONCE = 1_000
"""Messages about which the DNS has answered, replaced in one commit: as many as are held in memory."""


def ingest(settings: Settings, options: RunOptions, stop: Stop | None = None) -> Outcome:
    """Run once: import `options.paths`, or poll the mailboxes.

    Args:
        settings: The configuration.
        options: What the command line asks of this run.
        stop: Once asked, the run ends after the current batch; None: only SIGTERM and SIGINT end it early.

    Raises:
        TryAgainError: Another run holds the lake.
        LakeError: The lake cannot be written; what was committed stays.
        InputError: A path is missing.
        NotAReportError: One file was named, and it is not a report.
        ConfigError: There is nothing to poll, or no such mailbox.
    """
    begun = time.monotonic()
    boxes = () if options.paths else wanted_mailboxes(settings, options.mailboxes)
    sources = () if options.paths else wanted_sources(settings, options.mailboxes)
    stop = Stop() if stop is None else stop  # not `or`: a Stop that nobody asked is false
    job = make_job(settings, options.vouch_before)
    with stop.on_signals(), _hands(settings, options, job, stop) as hands:
        looked_into = [name for name in (*(box.name for box in boxes), *(source.name for source in sources)) if name in settings.polled]
        looking = Looking(hands.writer.location if hands.writer else None, job, looked_into, settings.domains.own)
        looking.begin()
        try:
            _ask_dns_again(hands)
            vouch_for_earlier(hands)
            if options.paths:
                import_files(hands, options.paths)
            else:
                _poll(hands, boxes, sources, looking)
        except TlsrptError as err:
            looking.end(err)
            raise
        else:
            looking.end()
        finally:
            _put_down(hands)
    seconds = time.monotonic() - begun
    hands.tally.log(job.run.run_id, seconds)
    codes = [*hands.tally.exit_codes, *([TryAgainError.exit_code] if stop else [])]
    return Outcome(hands.tally, seconds, most_lasting(codes))


def wanted_mailboxes(settings: Settings, only: Sequence[str], kinds: Sequence[str] = ("imap",)) -> tuple[MailboxSettings, ...]:
    """Return the configured mailboxes of some kinds, or those of them that are named.

    Args:
        settings: Its `[[mailbox]]` tables.
        only: Names, of mailboxes and sources; empty: all.
        kinds: Of which kinds: `imap`, `graph`.

    Raises:
        ConfigError: None is configured, or not the one that is named.
    """
    known = settings.polled
    if not (known or settings.receive.spool):
        raise ConfigError("no mailbox is configured; write a [[mailbox]] section, or name files: tlsrpt ingest PATH…")
    for name in only:
        if name not in known:
            raise ConfigError(f"no mailbox {name!r} is configured; there is {', '.join(known) or 'none'}")
    return tuple(box for box in settings.mailbox if box.kind in kinds and (not only or box.name in only))


def wanted_sources(settings: Settings, only: Sequence[str]) -> tuple[Source, ...]:
    """Return the spool and the configured sources, or those named."""
    sources: list[Source] = [] if only else _spools(settings)
    for box in settings.mailbox:
        if box.kind == "graph" and (not only or box.name in only):
            from pipeline.ingest.graph_source import GraphSource

            sources.append(GraphSource(box, settings.report_limits))
    if settings.source:
        from pipeline.ingest.bucket_source import BucketSource

        sources += [BucketSource(each, settings.report_limits) for each in settings.source if not only or each.name in only]
    return tuple(sources)


def _spools(settings: Settings) -> list[Source]:
    """Return the spool where there is one."""
    if not settings.receive.spool:
        return []
    from pipeline.ingest.spool_source import SpoolSource

    return [SpoolSource(settings.receive.spool, settings.report_limits)]


def take_spool(settings: Settings) -> int:
    """Take all that lies in the spool, whoever sent how much, before a domain is erased; return how many messages."""
    stop, options = Stop(), RunOptions(workers=1)
    with _hands(settings, options, make_job(settings), stop) as hands:
        hands.quota = Quota(0)
        for source in _spools(settings):
            take(hands, source)
        return hands.tally.messages


def _poll(hands: Hands, boxes: Sequence[MailboxSettings], sources: Sequence[Source], looking: Looking) -> None:
    """Take the sources, then the mailboxes."""
    for source in sources:
        before, failed = hands.tally.messages, None
        try:
            take(hands, source)
        except LakeError:
            raise
        except TlsrptError as err:
            say = log.error if looking.is_news(source.name, err) else log.info
            say("source-failed", source=source.name, reason=err)
            hands.tally.mailboxes_failed += 1
            hands.tally.exit_codes.append(err.exit_code)
            failed = err
        finally:
            source.close()
        if source.name in hands.settings.polled:
            looking.ended(source.name, failed, hands.tally.messages - before)
        if hands.stop:
            return
    if boxes:
        from pipeline.ingest.poll import poll  # IMAP and its sign-ins are not for files to wait for

        poll(hands, boxes, looking)


def make_job(settings: Settings, vouch_before: datetime | None = None, *, run_id: str | None = None) -> Job:
    """Return what stays the same over a run, with the time of now.

    Args:
        settings: The limits, the domains of ours, and what is believed.
        vouch_before: The operator vouches for mail received before this moment.
        run_id: By default a fresh one.
    """
    now = datetime.now(UTC)
    stamp = RunStamp(run_id or f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", ingested_at=now, parser_version=__version__)
    own = Ownership(own=settings.domains.own, mx=settings.domains.mx)
    trust = TrustRules(**{name: getattr(settings.trust, name) for name in TrustRules._fields})
    return Job(settings.report_limits, own, trust, stamp, vouch_before)


@contextlib.contextmanager
def _hands(settings: Settings, options: RunOptions, job: Job, stop: Stop) -> Iterator[Hands]:
    location = configured_location(settings.lake)
    with contextlib.ExitStack() as held:
        tally = Tally()
        lake: LakeWriter | Rehearsal = (
            Rehearsal(location) if options.dry_run else held.enter_context(LakeWriter(location, run_id=job.run.run_id, stages=tally.stages))
        )
        pool = held.enter_context(Pool(job, workers=options.workers, stages=tally.stages))
        quota = Quota(settings.trust.unknown_submitter_per_day, reporters=settings.trust.reporters)
        memories = folder_memory.load(location)
        yield Hands(settings, job, lake, pool, _with_today(quota, lake, job), options.progress, stop, tally, memories)


def _with_today(quota: Quota, lake: LakeWriter | Rehearsal, job: Job) -> Quota:
    """Return the quota with what this UTC day has taken already."""
    if isinstance(lake, Rehearsal):
        return quota
    midnight = job.run.ingested_at.replace(hour=0, minute=0, second=0, microsecond=0)
    taken: Counter[str] = Counter()
    for row in lake.ledger.unvouched_since(midnight):
        share = quota.share_of(row)
        if share is not None:
            taken[share] += 1
    return quota.having(taken)


def _ask_dns_again(hands: Hands) -> None:
    """Look up the DKIM keys once more that the DNS did not give at ingestion."""
    writer = hands.writer
    if writer is None or hands.settings.trust.dkim == "off":
        return
    now = hands.job.run.ingested_at
    waiting = writer.ledger.waiting_for_dns(waiting_since(now))
    if not waiting:
        return
    judged = rejudge(
        waiting,
        raw=lambda rows: writer.raw_contents([row.message_sha256 for row in rows], {row.received_month for row in rows}),
        read=lambda chunk: [rows for _, columns in hands.pool.read([chunk]) for rows in message_rows(columns)],
        now=now,
    )
    answered = 0
    while some := list(islice(judged, _REPLACED_AT_ONCE)):
        writer.replace(some)
        answered += len(some)
    log.info("dns-asked-again", messages=len(waiting), answered=answered)


def _put_down(hands: Hands) -> None:
    """Keep the lake in shape."""
    writer = hands.writer
    if writer is None:
        return
    if hands.tally.messages:
        writer.compact_if_needed()
