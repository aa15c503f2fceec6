"""Doing the two kinds of task of a bulk import: chunks are read in the sandbox and spooled, and what a batch takes of them is written.

Done by a thread of the driver, or by a Dask worker: those fetch the bytes and hold the keys of the storage, and no message is read in them.
"""

from __future__ import annotations

import logging
import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from pipeline.errors import TlsrptError
from pipeline.ingest.backfill.chunk_messages import Fetch
from pipeline.ingest.backfill.tasks import Read, ReadReply, pack_parts, pack_read_reply, unpack_task
from pipeline.ingest.backfill.waiting_rows import WaitingRows
from pipeline.lake.dedup.batch_rows import essence_of, tables_of, take
from pipeline.lake.delta.data_files import by_month, describe, encode
from pipeline.lake.delta.stage import StagedPart
from pipeline.lake.storage.locate import locate
from pipeline.message.fetched import messages_and_bytes
from pipeline.stages import COMMIT, FETCH
from pipeline.tables.chunk_columns import chunk_columns, concat, with_batch
from pipeline.workers.protocol import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.ingest.backfill.tasks import Write
    from pipeline.message.fetched import Fetched
    from pipeline.workers.reading_task import Job
    from pipeline.workers.sandbox import Sandbox

PIECE_MESSAGES = 4_000
PIECE_BYTES = 4 * 1024 * 1024
"""What a worker process gets at a time: bounds its memory."""
_MOST_WARNINGS = 100
"""Of one task; a million unreadable files need not be said one by one."""
_LOGGER = logging.getLogger("tlsrpt")


def do(task: Read | Write, job: Job, sandbox: Sandbox) -> ReadReply | list[StagedPart]:
    """Do a task.

    Args:
        task: What is to be done.
        job: What stays the same over the import.
        sandbox: The processes in which mail is read.

    Raises:
        TlsrptError: Any; those of `read` and `write` among them.
    """
    if isinstance(task, Read):
        return read(task, job, sandbox)
    with sandbox.stages.timing(COMMIT):
        return write(task)


def do_packed(text: bytes, content: bytes, job: Job, sandbox: Sandbox) -> tuple[bytes, bytes, bytes]:
    """Do a task that came from another machine; return how it went, and the two parts of its reply.

    Args:
        text: The task as JSON, from `pack_task`.
        content: The bytes that travel with it.
        job: What stays the same over the import.
        sandbox: The processes in which mail is read.
    """
    try:
        with _collected() as warnings:
            done = do(unpack_task(text, content), job, sandbox)
    except TlsrptError as err:
        return orjson.dumps(("refused", type(err).__name__, str(err))), b"", b""
    return (b'["done"]', *(pack_read_reply(done._replace(warnings=warnings)) if isinstance(done, ReadReply) else pack_parts(done)))


def read(task: Read, job: Job, sandbox: Sandbox) -> ReadReply:
    """Read a chunk and spool its rows.

    Args:
        task: The chunk, and where its rows are spooled; in a dry run nowhere.
        job: What stays the same over the import.
        sandbox: The processes in which mail is read.

    Raises:
        InputError: The source cannot be read.
        LakeError: The spool cannot be written.
        TryAgainError: No worker process can be started.
    """
    fetch = Fetch(task.chunk, received_at=job.run.ingested_at, limits=job.limits)
    done = [
        sandbox.read([Task(fetched.hashed()) for fetched in piece])
        for piece in sandbox.stages.over(FETCH, _pieces(fetch), messages_and_bytes)
    ]
    tables = tables_of(concat(done) if done else chunk_columns([]))
    token = WaitingRows(task.lake, task.folder).write(tables) if task.folder is not None else ""
    sizes = {name: table.nbytes for name, table in tables.items()}
    return ReadReply(token, essence_of(tables), fetch.skipped, fetch.unreadable, sizes)


def _pieces(fetch: Iterable[Fetched]) -> Iterator[list[Fetched]]:
    piece: list[Fetched] = []
    size = 0
    for fetched in fetch:
        piece.append(fetched)
        size += len(fetched.content or b"")
        if len(piece) >= PIECE_MESSAGES or size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def write(task: Write) -> list[StagedPart]:
    """Write the data files of one table, durably, where the batch expects them; no table names them yet.

    Raises:
        LakeError: They cannot be written, or the spool is gone.
    """
    spooled = ((each, WaitingRows(task.lake, each.folder).read(each.token, task.table)) for each in task.kept)
    rows = pa.concat_tables([take(task.table, some, each.taken) for each, some in spooled])
    if not rows.num_rows:
        return []
    location = locate(task.lake)
    parts = []
    with location.errors("write"):
        for month, some in by_month(task.table, with_batch(task.table, rows, task.batch)).items():
            content = encode(task.table, some)
            part = describe(task.table, some, month=month, size_bytes=content.size, prefix=f"b{task.batch}")
            staged = location.staged(task.stage, f"{task.table}-{secrets.token_hex(8)}.parquet", f"{task.table}/{part.path}")
            location.store.put(staged, memoryview(content))
            parts.append(StagedPart(staged, part))
    return parts


class _Gathering(logging.Handler):
    def __init__(self, found: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(logging.WARNING)
        self._found = found
        self._thread = threading.get_ident()  # beside ours, other tasks run in this process

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._found) < _MOST_WARNINGS and record.thread == self._thread:
            fields: dict[str, Any] = getattr(record, "fields", {})
            self._found.append((record.getMessage(), {name: str(value) for name, value in fields.items()}))


@contextmanager
def _collected() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Gather the warnings of a worker while inside, for the driver, who has the log."""
    found: list[tuple[str, dict[str, Any]]] = []
    gathering = _Gathering(found)
    _LOGGER.addHandler(gathering)
    _LOGGER.propagate = False
    try:
        yield found
    finally:
        _LOGGER.removeHandler(gathering)
