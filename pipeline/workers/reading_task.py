"""From a chunk of messages to the rows of the lake: read, judge, derive. What a worker process runs.

It takes and returns plain values, touches no file, and asks the network nothing but the DNS for DKIM keys when that is configured.
"""

from __future__ import annotations

import time
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.envelope import NO_ENVELOPE
from pipeline.report.model import Reading, Rejected
from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.message.fetched import Fetched
    from pipeline.report.limits import Limits
    from pipeline.tables.row_types import MessageRow, MessageRows
    from pipeline.trust.judge import Judge
    from pipeline.trust.trust_rules import TrustRules


class Job(NamedTuple):
    """What stays the same over a run."""

    limits: Limits
    own: Ownership
    trust: TrustRules
    run: RunStamp
    vouch_before: datetime | None = None
    """Mail received before this moment counts as vouched: the operator says so (`ingest --vouch-before`)."""


def read_chunk(chunk: Sequence[Fetched], job: Job) -> list[MessageRows]:
    """Return the rows of each message, in order. Never raises on what a sender sent."""
    judge = judge_of(job)
    return [read_new(fetched, job, judge) for fetched in chunk]


def read_new(fetched: Fetched, job: Job, judge: Judge) -> MessageRows:
    """Return the rows of one message. Never raises on what a sender sent.

    Args:
        fetched: The message.
        job: The run.
        judge: That of the job: finding it takes as long as a twentieth of reading.
    """
    reading = read_one(fetched, job.limits)
    begun = time.perf_counter()
    verdicts = judge.judge(fetched, reading)
    judge.seconds += time.perf_counter() - begun
    return build_rows(fetched=fetched, reading=reading, verdicts=verdicts, own=job.own, run=job.run)


def read_again(row: MessageRow, fetched: Fetched, job: Job) -> MessageRows:
    """Return the rows of a message that the ledger knows: today's parser, what was proved and the stamp of the day it came.

    Args:
        row: What the ledger holds of it.
        fetched: The same message, with its bytes.
        job: The run that reads it again: its parser, limits and settings.
    """
    from pipeline.trust.stored_verdict import stored_verdicts

    reading = read_one(fetched, job.limits)
    verdicts = stored_verdicts(row, fetched, reading, job.trust, vouch_before=job.vouch_before)
    return build_rows(fetched=fetched, reading=reading, verdicts=verdicts, own=job.own, run=stamp_of(row, job))


def condemned(fetched: Fetched, why: Rejected, job: Job, known: MessageRow | None = None) -> MessageRows:
    """Return the rows of a message that could not be read within its bounds: it is quarantined.

    Args:
        fetched: The message, none of whose bytes are looked at.
        why: What becomes its reason.
        job: The run.
        known: Its row where the ledger has it: its rows keep the stamp of the run that took it in. None: it is new.
    """
    return build_rows(fetched=fetched, reading=Reading(NO_ENVELOPE, (), why), verdicts=(), own=job.own, run=stamp_of(known, job))


def stamp_of(row: MessageRow | None, job: Job) -> RunStamp:
    """Return the stamp of a message's rows: that of the run, or for one the ledger knows that of the run which took it in."""
    return job.run if row is None else RunStamp(row.run_id, row.ingested_at, job.run.parser_version)


def read_one(fetched: Fetched, limits: Limits) -> Reading:
    """Read one message or report file."""
    if fetched.content is None:
        limit = max(limits.message_bytes, limits.json_bytes) if fetched.bare else limits.message_bytes
        detail = f"it has {fetched.size_bytes:,} bytes, the limit is {limit:,}; it was not read"
        return Reading(NO_ENVELOPE, (), Rejected("too_large_message", detail))
    if fetched.bare:
        return read_file(fetched.content, name=fetched.ref.item, received_at=fetched.received_at, limits=limits)
    return read_mail(fetched.content, received_at=fetched.received_at, limits=limits)


def judge_of(job: Job) -> Judge:
    """Return the judge of a run: kept for the keys it has looked up, and not over runs, since it may have given up on the DNS."""
    return _judge(job.trust, job.vouch_before, job.run.run_id)


@lru_cache(maxsize=2)
def _judge(trust: TrustRules, vouch_before: datetime | None, _run_id: str) -> Judge:
    from pipeline.trust.judge import Judge

    return Judge(trust, vouch_before=vouch_before)
