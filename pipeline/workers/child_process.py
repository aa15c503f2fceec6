"""The worker process: reads messages from its standard input, writes their rows to its standard output, and dies rather than overstay.

Started as `python -m pipeline.workers.child_process`. The limits are the kernel's: an address space (RLIMIT_AS) over the whole life, and
two timers per message whose signals end the process wherever it is, also inside one call of a C library.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import orjson

from pipeline.report.keys.identity import organisational_domain
from pipeline.tables.column_text import chunk_as_values
from pipeline.workers.protocol import LENGTH, frame, read_task, unpack_chunk, unpack_job
from pipeline.workers.reading_task import judge_of
from pipeline.workers.time_bounds import PIECE_ROWS, PLACE, place_of, wall_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.tables.row_types import MessageRows
    from pipeline.trust.judge import Judge
    from pipeline.workers.protocol import Task
    from pipeline.workers.reading_task import Job


def main() -> None:
    """Serve until the parent closes the pipe; what would interrupt or end it politely is blocked by the parent before it starts."""
    for timer in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(timer, signal.SIG_DFL)
    shared = mmap.mmap(int(sys.argv[1]), PLACE.size)
    requests, replies = _take_pipes()
    with requests, replies, contextlib.suppress(EOFError, BrokenPipeError):
        _serve(requests, replies, lambda place: PLACE.pack_into(shared, 0, place))


def _serve(requests: BinaryIO, replies: BinaryIO, at: Callable[[int], None]) -> NoReturn:
    """Read and reply until a pipe is closed.

    Raises:
        EOFError: The parent closed its end, or is gone.
        BrokenPipeError: The same, noticed while replying.
    """
    job = unpack_job(_read_frame(requests))
    judge = judge_of(job)  # what it imports is not the first message's time, nor is the list of public suffixes
    organisational_domain("example.org")
    _limit_memory(job.limits.worker_memory_bytes)
    # A chunk makes a million values that refer to no circle: looking for circles among them while they grow costs a third of the reading.
    gc.disable()
    gc.freeze()
    _send(replies, b'["ready"]')
    while True:
        about = _read_frame(requests)
        for body in _read(unpack_chunk(about, _read_frame(requests)), job, at):
            _send(replies, body)
        _send(replies, orjson.dumps(("done", judge.resolver_down, judge.seconds)))
        judge.seconds = 0.0
        gc.collect(0)  # what a chunk left; nothing in it is older


def _read(chunk: Sequence[Task], job: Job, at: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the rows of a chunk in pieces that bound the memory they take, and in their place what went wrong inside Python."""
    judge = judge_of(job)
    rows: list[MessageRows] = []
    heavy = 0
    for place, task in enumerate(chunk):
        at(place)
        try:
            rows.append(_read_one(task, job, judge))
        except Exception as err:  # noqa: BLE001 -- one message must not end the run; the parent quarantines it and says so
            if rows:
                yield _packed(rows, job, at)
                rows, heavy = [], 0
            yield orjson.dumps(("failed", type(err).__name__, place_of(err)))
            continue
        heavy += 1 + sum([len(report.failures) + len(report.policies) for report in rows[-1].reports])
        if heavy >= PIECE_ROWS:
            yield _packed(rows, job, at)
            rows, heavy = [], 0
    if rows:
        yield _packed(rows, job, at)


def _read_one(task: Task, job: Job, judge: Judge) -> MessageRows:
    signal.setitimer(signal.ITIMER_PROF, job.limits.seconds_per_message)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds(job))
    try:
        return read_task(task, job, judge)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _packed(rows: Sequence[MessageRows], job: Job, at: Callable[[int], None]) -> bytes:
    at(-1)
    signal.setitimer(signal.ITIMER_PROF, job.limits.seconds_per_message)
    try:
        return orjson.dumps(("rows", len(rows), chunk_as_values(rows)))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the pipes away from the standard streams, so that nothing which prints can garble them."""
    requests, replies = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 -- a file descriptor is wanted
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb", buffering=0)


def _read_frame(requests: BinaryIO) -> bytes:
    """Return the body of the next frame.

    Raises:
        EOFError: The parent closed the pipe.
    """
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return requests.read(LENGTH.unpack(head)[0])


def _send(replies: BinaryIO, body: bytes) -> None:
    """Write a frame, whole."""
    left = memoryview(frame(body))
    while left:
        left = left[replies.write(left) :]


def _limit_memory(beyond: int) -> None:
    """Bound the address space to what it is now and so many bytes more. Where the system has no such limit the timers still hold."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            now = int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        now = 0
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (now + beyond, now + beyond))


if __name__ == "__main__":
    main()
