"""What goes over the pipes between a run and its workers: frames of JSON, and message bytes as they are.

No pickle and no Arrow: the process at the other end parses hostile mail, and what it returned could run code here. A chunk comes back as
its columns in JSON (`pipeline.tables.column_text`), which the parent types. The bytes of a message are not sent back; the parent still has
them.
"""

from __future__ import annotations

import struct
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.report.limits import Limits
from pipeline.report.rows import Ownership, RunStamp
from pipeline.tables.row_types import MessageRow
from pipeline.tables.schema import TABLES
from pipeline.trust.trust_rules import TrustRules
from pipeline.workers.reading_task import Job, read_again, read_new

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.tables.row_types import MessageRows
    from pipeline.trust.judge import Judge

LENGTH = struct.Struct("!Q")
"""Every frame begins with its length in bytes."""


def frame(body: bytes) -> bytes:
    """Return a body with its length in front."""
    return LENGTH.pack(len(body)) + body


def pack_job(job: Job) -> bytes:
    """Return the job as JSON."""
    trust = [getattr(job.trust, name) for name in TrustRules._fields]
    return orjson.dumps((job.limits, job.own, trust, job.run, job.vouch_before), default=tuple)


def unpack_job(body: bytes) -> Job:
    """Return the job that `pack_job` packed."""
    limits, own, trust, run, vouch_before = orjson.loads(body)
    return Job(
        limits=Limits(*limits),
        own=Ownership(*(tuple(names) for names in own)),
        trust=TrustRules(*trust[:3], *map(tuple, trust[3:])),
        run=RunStamp(run[0], datetime.fromisoformat(run[1]), run[2]),
        vouch_before=None if vouch_before is None else datetime.fromisoformat(vouch_before),
    )


class Task(NamedTuple):
    """One message to read."""

    fetched: Fetched
    known: MessageRow | None = None
    """Its ledger row, where it is parsed again: then its verdict is kept."""


def read_task(task: Task, job: Job, judge: Judge) -> MessageRows:
    """Return the rows of one message, new or known.

    Args:
        task: The message.
        job: The run.
        judge: That of the job.
    """
    return read_new(task.fetched, job, judge) if task.known is None else read_again(task.known, task.fetched, job)


def pack_chunk(chunk: Sequence[Task]) -> list[bytes]:
    """Return the buffers to write: where each message came from as JSON, then the bytes of all."""
    about = [
        (one.ref, one.received_at, one.size_bytes, one.bare, one.sha256, None if one.content is None else len(one.content), known)
        for one, known in chunk
    ]
    contents = b"".join(one.content for one, _ in chunk if one.content is not None)
    return [frame(orjson.dumps(about, default=tuple)), frame(contents)]


def unpack_chunk(about: bytes, contents: bytes) -> list[Task]:
    """Return the messages that `pack_chunk` packed."""
    chunk = []
    place = 0
    for ref, received_at, size_bytes, bare, digest, length, known in orjson.loads(about):
        content = None if length is None else contents[place : place + length]
        place += length or 0
        fetched = Fetched(MessageRef(*ref), content, datetime.fromisoformat(received_at), size_bytes, bare, digest)
        chunk.append(Task(fetched, None if known is None else _ledger_row(known)))
    return chunk


@cache
def _made() -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """Return the columns of a ledger row whose values are made of JSON ones."""
    make: dict[str, Callable[[Any], Any]] = {"timestamp": datetime.fromisoformat, "strings": tuple}
    return tuple((place, make[column.type]) for place, column in enumerate(TABLES["messages"].columns[1:]) if column.type in make)


def _ledger_row(values: list[Any]) -> MessageRow:
    for place, make in _made():
        if values[place] is not None:
            values[place] = make(values[place])
    return MessageRow(*values)
