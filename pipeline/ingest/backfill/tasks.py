"""The two kinds of task of a bulk import and their replies; as JSON and Arrow where they travel to the workers of a cluster.

Both ends of that way are trusted: neither reads a message itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from pipeline import errors
from pipeline.errors import TlsrptError
from pipeline.ingest.backfill import chunk as chunks
from pipeline.ingest.backfill.chunk import Chunk
from pipeline.lake.dedup.batch_rows import Essence, Taken
from pipeline.lake.delta.delta_tables import AddedFile
from pipeline.lake.delta.stage import StagedPart


class Read(NamedTuple):
    """Read a chunk, and spool its rows."""

    chunk: Chunk
    lake: str
    folder: str | None
    """Of the spool; None: nothing is kept (a dry run)."""


class Kept(NamedTuple):
    """What a batch takes of a spooled chunk."""

    folder: str
    token: str
    taken: Taken


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
    essence: Essence
    skipped: int
    unreadable: int
    sizes: dict[str, int]
    """Bytes in the spool, by table."""
    warnings: Sequence[tuple[str, dict[str, Any]]] = ()
    """What a worker of a cluster would log."""

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return self.essence.messages.num_rows


def pack_task(task: Read | Write) -> tuple[bytes, bytes]:
    """Return a task as JSON, and the bytes that travel with it."""
    if isinstance(task, Read):
        return orjson.dumps(("read", chunks.pack(task.chunk), task.lake, task.folder)), task.chunk.content
    kept = [(folder, token, (taken.dropped, list(taken.outcomes.items()), *taken[2:])) for folder, token, taken in task.kept]
    return orjson.dumps(("write", task.lake, task.stage, task.batch, task.table, kept), default=tuple), b""


def unpack_task(text: bytes, content: bytes) -> Read | Write:
    """Return the task that `pack_task` packed."""
    kind, *values = orjson.loads(text)
    if kind == "read":
        chunk, lake, folder = values
        return Read(chunks.unpack(chunk, content), lake, folder)
    lake, stage, batch, table, kept = values
    takes = [Kept(folder, token, Taken(dropped, dict(outcomes), *more)) for folder, token, (dropped, outcomes, *more) in kept]
    return Write(lake, stage, batch, table, takes)


def pack_read_reply(reply: ReadReply) -> tuple[bytes, bytes]:
    """Return a reply as JSON and Arrow."""
    sink = pa.BufferOutputStream()
    for table in reply.essence:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    values = (reply.token, reply.skipped, reply.unreadable, reply.sizes, reply.warnings)
    return orjson.dumps(values), sink.getvalue().to_pybytes()


def unpack_read_reply(text: bytes, content: bytes) -> ReadReply:
    """Return the reply that `pack_read_reply` packed."""
    token, skipped, unreadable, sizes, warnings = orjson.loads(text)
    source = pa.BufferReader(content)
    essence = Essence(*(pa.ipc.open_stream(source).read_all() for _ in Essence._fields))
    return ReadReply(token, essence, skipped, unreadable, sizes, [(event, fields) for event, fields in warnings])


def pack_parts(parts: list[StagedPart]) -> tuple[bytes, bytes]:
    """Return written files as JSON."""
    return orjson.dumps([(staged, *part) for staged, part in parts]), b""


def unpack_parts(text: bytes) -> list[StagedPart]:
    """Return the files that `pack_parts` packed."""
    return [StagedPart(staged, AddedFile(*part)) for staged, *part in orjson.loads(text)]


def reply_of(task: Read | Write, said: tuple[bytes, bytes, bytes]) -> ReadReply | list[StagedPart]:
    """Return what a worker of a cluster replied to a task.

    Raises:
        TlsrptError: The one that the worker met.
    """
    how, *why = orjson.loads(said[0])
    if how == "refused":
        raise getattr(errors, why[0], TlsrptError)(why[1])
    return unpack_read_reply(said[1], said[2]) if isinstance(task, Read) else unpack_parts(said[1])
