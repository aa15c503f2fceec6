"""A worker's first task: a chunk becomes Arrow columns in the spool, and a few of them go to the driver, who weighs what is new.

The quick way reads thousands of messages in one call. Whatever goes wrong in it, the chunk is read once more message by message, each with
limits of its own, and the one to blame is quarantined (`pipeline.bulk.process`).
"""

from __future__ import annotations

import signal
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bulk.fetching import Fetch
from pipeline.bulk.spool import Spool
from pipeline.bulk.tasks import Read, ReadReply
from pipeline.columns import ChunkColumns, chunk_columns, column_schema
from pipeline.report.model import Reading, Rejected
from pipeline.report.rows import build_rows
from pipeline.work import NO_ENVELOPE, Job, judge_of, read_columns
from pipeline.workers.bounds import place_of, wall_seconds
from pipeline.workers.wire import Task, read_task
from pipeline.workers.worker import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.row_types import MessageRows
    from pipeline.source import Fetched

PIECE_MESSAGES = 4_000
PIECE_BYTES = 4 * 1024 * 1024
"""What is turned into columns in one call: bounds the memory of a worker."""
_QUICK_SECONDS = 0.005
"""Of processor, that a message may take on average on the quick way; some tenths of a millisecond is usual."""
_CAREFUL_ROWS = 20_000
_KEEPS = ("stored", "quarantined")
MESSAGE_IX, REPORT_IX = "message_ix", "report_ix"
"""Columns of the spool: the place of a row's message, or report, in the chunk."""


def read(task: Read, job: Job, at: Callable[[int], None]) -> ReadReply:
    """Read a chunk and spool its rows.

    Args:
        task: What to read.
        job: What stays the same over the run.
        at: Told which message is being read, so that somebody else knows should this process end.

    Raises:
        InputError: The source cannot be read.
        LakeError: The spool cannot be written.
    """
    fetch = Fetch(task.chunk, received_at=job.run.ingested_at, limits=job.limits)
    read_piece = _carefully if task.careful else _quickly
    done: list[ChunkColumns] = []
    count = 0
    for piece in _pieces(fetch):
        done += read_piece(piece, task, job, _Places(at, count))
        count += len(piece)
    at(-1)
    tables = _tables(done)
    token = Spool(task.lake, task.folder).write(tables) if task.folder is not None else ""
    sizes = {name: table.nbytes for name, table in tables.items()}
    messages, reports = _essence(tables)
    return ReadReply(token, messages, reports, fetch.skipped, fetch.unreadable, judge_of(job).resolver_down, sizes)


class _Places:
    """Tells the places of a piece as places of the chunk; knows what is condemned by them, too."""

    def __init__(self, at: Callable[[int], None], first: int) -> None:
        self._at, self.first = at, first

    def __call__(self, place: int) -> int:
        """Tell which message is being read; return its place in the chunk."""
        self._at(self.first + place)
        return self.first + place


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


def _quickly(piece: list[Fetched], task: Read, job: Job, at: _Places) -> list[ChunkColumns]:
    signal.setitimer(signal.ITIMER_PROF, job.limits.seconds_per_message + _QUICK_SECONDS * len(piece))
    try:
        return [read_columns(piece, job)]
    except Exception:  # noqa: BLE001 -- which message it was is found out one by one
        return _carefully(piece, task, job, at)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _carefully(piece: list[Fetched], task: Read, job: Job, at: _Places) -> list[ChunkColumns]:
    done, rows, heavy = [], [], 0
    for place, fetched in enumerate(piece):
        rows.append(_one(fetched, task.condemned.get(at(place)), job))
        heavy += 1 + sum(len(report.failures) + len(report.policies) for report in rows[-1].reports)
        if heavy >= _CAREFUL_ROWS:
            done.append(chunk_columns(rows))
            rows, heavy = [], 0
    return [*done, chunk_columns(rows)] if rows or not done else done


def _one(fetched: Fetched, condemned: tuple[str, str] | None, job: Job) -> MessageRows:
    """Read one message within its limits."""
    if condemned is not None:
        return _quarantined(fetched, Rejected(*condemned), job)
    signal.setitimer(signal.ITIMER_PROF, job.limits.seconds_per_message)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds(job))
    try:
        return read_task(Task(fetched), job)
    except Exception as err:  # noqa: BLE001 -- one message must not end the run; it is quarantined with the reason
        return _quarantined(fetched, failure(type(err).__name__, place_of(err)), job)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _quarantined(fetched: Fetched, why: Rejected, job: Job) -> MessageRows:
    return build_rows(fetched=fetched, reading=Reading(NO_ENVELOPE, (), why), verdicts=(), own=job.own, run=job.run)


def _tables(done: list[ChunkColumns]) -> dict[str, pa.Table]:
    """Return what is spooled, by table: rows without batch, and the places that the driver's decisions go by."""
    done = done or [chunk_columns([])]
    names = ("messages", "reports", "policies", "failures")
    messages, reports, policies, failures = (pa.concat_tables([getattr(each, name) for each in done]).combine_chunks() for name in names)
    return {
        "messages": messages,
        "raw": _raw(messages, list(chain.from_iterable(each.contents for each in done))),
        "reports": reports,
        "policies": _placed(policies, reports.column("policy_count")),
        "failures": _placed(failures, reports.column("failure_detail_count")),
    }


def _placed(rows: pa.Table, counts: pa.ChunkedArray[pa.Int32Scalar]) -> pa.Table:
    places = np.repeat(np.arange(len(counts), dtype=np.int32), counts.to_numpy())
    return rows.append_column(REPORT_IX, pa.array(places))


def _raw(messages: pa.Table, contents: list[bytes]) -> pa.Table:
    keeps = _keeps(messages)
    kept = pa.array(contents, pa.binary()).filter(keeps)
    head = messages.select(["received_month", "message_sha256"]).filter(keeps)
    columns: list[Any] = [*head.columns, pc.binary_length(kept).cast(pa.int64()), kept]
    places = pa.array(np.flatnonzero(keeps.to_numpy(zero_copy_only=False)).astype(np.int32))
    return pa.Table.from_arrays(columns, schema=column_schema("raw")).append_column(MESSAGE_IX, places)


def _keeps(messages: pa.Table) -> pa.BooleanArray:
    """Say of each message whether its bytes are to be kept, should its reports be new."""
    outcomes = messages.column("outcome").combine_chunks()
    return pc.is_in(outcomes, value_set=pa.array(_KEEPS))


def _essence(tables: dict[str, pa.Table]) -> tuple[pa.Table, pa.Table]:
    """Return the few columns that settling goes by."""
    messages, reports = tables["messages"], tables["reports"]
    told = messages.select(["message_sha256", "outcome", "reject_code", "dkim_result"])
    told = told.append_column("keeps", _keeps(messages)).append_column("reports", pc.list_value_length(messages.column("report_keys")))
    return told, reports.select(["report_key", "identity", "trust_tier", "content_sha256", "report_month"])
