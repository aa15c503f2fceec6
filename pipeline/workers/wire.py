"""What goes over the pipes between the run and its workers: frames of JSON, and message bytes as they are.

No pickle: the process at the other end parses hostile mail, and a pickle it returned could run code here. JSON of the rows costs the parent
some fifteen microseconds a mail. The bytes of a message are not sent back; the parent still has them.
"""

from __future__ import annotations

import struct
from datetime import date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import orjson

from pipeline.report.limits import Limits
from pipeline.report.rows import Ownership, RunStamp
from pipeline.row_types import FailureRow, MessageRow, MessageRows, PolicyRow, ReportRow, ReportRows
from pipeline.schema import TABLES
from pipeline.source import Fetched, MessageRef
from pipeline.work import Job, read_again, read_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.config import TrustSettings

Row = TypeVar("Row")

LENGTH = struct.Struct("!Q")
"""Every frame begins with its length in bytes."""

_TYPES: dict[str, tuple[type, Callable[[Any], Any] | None]] = {
    "string": (str, None),
    "int64": (int, None),
    "int32": (int, None),
    "int16": (int, None),
    "bool": (bool, None),
    "date": (str, date.fromisoformat),
    "timestamp": (str, datetime.fromisoformat),
    "strings": (list, lambda texts: tuple(_texts(texts))),
}
"""The JSON type of a column type, and what makes a value of it."""


def _texts(values: list[Any]) -> list[str]:
    if not all(type(value) is str for value in values):
        raise TypeError("not only texts")
    return values


class Rules(NamedTuple):
    """The part of `[trust]` that a worker needs; importing the settings themselves would cost its start a sixth of a second."""

    dkim: str
    resolver: str
    dns_timeout: float
    authserv_ids: tuple[str, ...]


class MalformedFrameError(Exception):
    """The other side sent something that is no frame of ours."""


def frame(body: bytes) -> bytes:
    """Return a body with its length in front."""
    return LENGTH.pack(len(body)) + body


def pack_job(job: Job) -> bytes:
    """Return the job as JSON."""
    trust = Rules(job.trust.dkim, job.trust.resolver, job.trust.dns_timeout, job.trust.authserv_ids)
    return orjson.dumps((job.limits, job.own, trust, job.run, job.vouch_before), default=tuple)


def unpack_job(body: bytes) -> Job:
    """Return the job that `pack_job` packed."""
    limits, own, trust, run, vouch_before = orjson.loads(body)
    return Job(
        limits=Limits(*limits),
        own=Ownership(*(tuple(names) for names in own)),
        trust=cast("TrustSettings", Rules(trust[0], trust[1], trust[2], tuple(trust[3]))),
        run=RunStamp(run[0], datetime.fromisoformat(run[1]), run[2]),
        vouch_before=None if vouch_before is None else datetime.fromisoformat(vouch_before),
    )


class Task(NamedTuple):
    """One message to read."""

    fetched: Fetched
    known: MessageRow | None = None
    """Its ledger row, where it is read again: then its verdict is kept."""


def read_task(task: Task, job: Job) -> MessageRows:
    """Return the rows of one message, new or known."""
    return read_chunk([task.fetched], job)[0] if task.known is None else read_again(task.known, task.fetched, job)


def pack_chunk(chunk: Sequence[Task]) -> list[bytes]:
    """Return the buffers to write: where each message came from as JSON, then the bytes of all."""
    about = [
        (one.ref, one.received_at, one.size_bytes, one.bare, None if one.content is None else len(one.content), known)
        for one, known in chunk
    ]
    contents = b"".join(one.content for one, _ in chunk if one.content is not None)
    return [frame(orjson.dumps(about, default=tuple)), frame(contents)]


def unpack_chunk(about: bytes, contents: bytes) -> list[Task]:
    """Return the messages that `pack_chunk` packed."""
    chunk = []
    place = 0
    for ref, received_at, size_bytes, bare, length, known in orjson.loads(about):
        content = None if length is None else contents[place : place + length]
        place += length or 0
        fetched = Fetched(MessageRef(*ref), content, datetime.fromisoformat(received_at), size_bytes, bare)
        chunk.append(Task(fetched, None if known is None else _row("messages", MessageRow, known)))
    return chunk


def pack_rows(rows: MessageRows) -> bytes:
    """Return the rows of one message as JSON, without its bytes; only whether they are kept."""
    return orjson.dumps(("rows", bool(rows.content), rows.message, rows.reports), default=tuple)


def unpack_rows(parts: list[Any], fetched: Fetched) -> MessageRows:
    """Return the rows of one message, with every value of the type its column has.

    Raises:
        MalformedFrameError: They are not rows of our tables.
    """
    try:
        kept, message, reports = parts
        return MessageRows(
            _row("messages", MessageRow, message),
            tuple(
                ReportRows(
                    _row("reports", ReportRow, report),
                    tuple([_row("policies", PolicyRow, policy) for policy in policies]),
                    tuple([_row("failures", FailureRow, failure) for failure in failures]),
                )
                for report, policies, failures in reports
            ),
            fetched.content if kept and fetched.content is not None else b"",
        )
    except (TypeError, ValueError) as err:
        raise MalformedFrameError(f"no rows: {err}") from err


@cache
def _columns(table: str) -> tuple[tuple[tuple[type, ...], ...], tuple[tuple[int, Callable[[Any], Any]], ...]]:
    """Return the JSON types each column may have, and the columns whose values are to be made of JSON ones."""
    columns = TABLES[table].columns[1:]
    kinds = [_TYPES[column.type] for column in columns]
    allowed = tuple((kind, type(None)) if column.nullable else (kind,) for (kind, _), column in zip(kinds, columns, strict=True))
    return allowed, tuple((place, make) for place, (_, make) in enumerate(kinds) if make is not None)


@lru_cache(maxsize=4096)
def _fits(table: str, types: tuple[type, ...]) -> bool:
    allowed, _ = _columns(table)
    return len(types) == len(allowed) and all(kind in choice for kind, choice in zip(types, allowed, strict=True))


def _row(table: str, row: Callable[..., Row], values: list[Any]) -> Row:
    if not _fits(table, tuple(map(type, values))):
        raise TypeError(f"no row of {table}")
    for place, make in _columns(table)[1]:
        if values[place] is not None:
            values[place] = make(values[place])
    return row(*values)
