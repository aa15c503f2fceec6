"""What the driver and its workers say to each other: two kinds of task and their replies, as JSON and Arrow, never as pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from pipeline import errors
from pipeline.bulk import chunk as chunks
from pipeline.bulk.chunk import Chunk
from pipeline.errors import TlsrptError
from pipeline.lake.stage import StagedPart
from pipeline.lake.tables import Part


class Read(NamedTuple):
    """Read a chunk, and spool its rows."""

    chunk: Chunk
    lake: str
    folder: str | None
    """Of the spool; None: nothing is kept (a dry run)."""
    careful: bool = False
    """Message by message, each with its own limits of time: after the quick way has ended the worker."""
    condemned: Mapping[int, tuple[str, str]] = MappingProxyType({})
    """Messages, by place in the chunk, that are not to be read at all: code and reason."""


class Kept(NamedTuple):
    """What a batch takes of a chunk; what is not named here is taken as it is."""

    folder: str
    token: str
    dropped: list[int]
    """Messages that get no row: their bytes are known."""
    outcomes: dict[int, str]
    """Messages whose outcome is not what the worker thought."""
    old_reports: list[int]
    """Rows of `reports` that are not new."""
    no_bytes: list[int]
    """Messages whose bytes are not kept."""


class Write(NamedTuple):
    """Write the data files of one table of a batch."""

    lake: str
    stage: str
    """Folder of the stage, below the lake."""
    batch: int
    table: str
    kept: list[Kept]


class ReadReply(NamedTuple):
    """What is in a chunk."""

    token: str
    messages: pa.Table
    """message_sha256, outcome, reject_code, dkim_result, keeps (whether there are bytes), reports (how many); a row a message."""
    reports: pa.Table
    """report_key, identity, trust_tier, content_sha256, report_month; a row a report, in the order of the messages."""
    skipped: int
    unreadable: int
    resolver_down: bool
    sizes: dict[str, int]
    """Bytes in the spool, by table."""
    warnings: Sequence[tuple[str, dict[str, Any]]] = ()


def pack_task(task: Read | Write) -> tuple[bytes, bytes]:
    """Return a task as JSON, and the bytes that travel with it."""
    if isinstance(task, Read):
        condemned = [(place, *why) for place, why in task.condemned.items()]
        return orjson.dumps(("read", chunks.pack(task.chunk), task.lake, task.folder, task.careful, condemned)), task.chunk.content
    kept = [_pack_kept(each) for each in task.kept]
    return orjson.dumps(("write", task.lake, task.stage, task.batch, task.table, kept)), b""


def _pack_kept(kept: Kept) -> tuple[Any, ...]:
    return (kept.folder, kept.token, kept.dropped, list(kept.outcomes.items()), kept.old_reports, kept.no_bytes)


def unpack_task(text: bytes, content: bytes) -> Read | Write:
    """Return the task that `pack_task` packed."""
    kind, *values = orjson.loads(text)
    if kind == "read":
        chunk, lake, folder, careful, condemned = values
        why = {place: (code, detail) for place, code, detail in condemned}
        return Read(chunks.unpack(chunk, content), lake, folder, careful, why)
    lake, stage, batch, table, kept = values
    takes = [Kept(folder, token, dropped, dict(outcomes), old, none) for folder, token, dropped, outcomes, old, none in kept]
    return Write(lake, stage, batch, table, takes)


def pack_read_reply(reply: ReadReply) -> tuple[bytes, bytes]:
    """Return a reply as JSON and Arrow."""
    sink = pa.BufferOutputStream()
    for table in (reply.messages, reply.reports):
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    values = (reply.token, reply.skipped, reply.unreadable, reply.resolver_down, reply.sizes, reply.warnings)
    return orjson.dumps(values), sink.getvalue().to_pybytes()


def unpack_read_reply(text: bytes, content: bytes) -> ReadReply:
    """Return the reply that `pack_read_reply` packed."""
    token, skipped, unreadable, down, sizes, warnings = orjson.loads(text)
    source = pa.BufferReader(content)
    messages, reports = (pa.ipc.open_stream(source).read_all() for _ in range(2))
    return ReadReply(token, messages, reports, skipped, unreadable, down, sizes, [(event, fields) for event, fields in warnings])


def pack_parts(parts: list[StagedPart]) -> tuple[bytes, bytes]:
    """Return written files as JSON."""
    return orjson.dumps([(staged, *part) for staged, part in parts]), b""


def unpack_parts(text: bytes) -> list[StagedPart]:
    """Return the files that `pack_parts` packed."""
    return [StagedPart(staged, Part(*part)) for staged, *part in orjson.loads(text)]


def reply_of(task: Read | Write, said: tuple[bytes, bytes, bytes]) -> ReadReply | list[StagedPart]:
    """Return what a worker replied to a task.

    Raises:
        TlsrptError: The one that the worker met.
    """
    how, *why = orjson.loads(said[0])
    if how == "refused":
        raise getattr(errors, why[0], TlsrptError)(why[1])
    if how == "failed":
        raise TlsrptError(f"a worker failed: {why[0]} in {why[1] or 'a library'}; please report it")
    return unpack_read_reply(said[1], said[2]) if isinstance(task, Read) else unpack_parts(said[1])
