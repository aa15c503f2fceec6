"""The worker process: reads messages from its standard input, writes their rows to its standard output, and dies rather than overstay.

Started as `python -m pipeline.workers.child`. The limits are the kernel's: an address space (RLIMIT_AS) over the whole life, and two timers
per message whose signals end the process wherever it is, also inside one call of a C library.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import orjson

from pipeline.work import judge_of
from pipeline.workers.bounds import place_of, wall_seconds
from pipeline.workers.wire import LENGTH, frame, pack_rows, read_task, unpack_chunk, unpack_job

if TYPE_CHECKING:
    from pipeline.work import Job
    from pipeline.workers.wire import Task


def main() -> None:
    """Serve until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    for timer in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(timer, signal.SIG_DFL)
    requests, replies = take_pipes()
    with requests, replies, contextlib.suppress(EOFError, BrokenPipeError):
        _serve(requests, replies)


def _serve(requests: BinaryIO, replies: BinaryIO) -> NoReturn:
    """Read and reply until a pipe is closed.

    Raises:
        EOFError: The parent closed its end, or is gone.
        BrokenPipeError: The same, noticed while replying.
    """
    job = unpack_job(read_frame(requests))
    judge = judge_of(job)  # what it imports is not the first message's time
    limit_memory(job.limits.worker_memory_bytes)
    send(replies, b'["ready"]')
    while True:
        about = read_frame(requests)
        for task in unpack_chunk(about, read_frame(requests)):
            send(replies, _read_one(task, job))
        send(replies, orjson.dumps(("done", judge.resolver_down)))


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the pipes away from the standard streams, so that nothing which prints can garble them."""
    requests, replies = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 -- a file descriptor is wanted
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb", buffering=0)


def read_frame(requests: BinaryIO) -> bytes:
    """Return the body of the next frame.

    Raises:
        EOFError: The parent closed the pipe.
    """
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return requests.read(LENGTH.unpack(head)[0])


def send(replies: BinaryIO, body: bytes) -> None:
    """Write a frame, whole."""
    left = memoryview(frame(body))
    while left:
        left = left[replies.write(left) :]


def limit_memory(beyond: int) -> None:
    """Bound the address space to what it is now and so many bytes more. Where the system has no such limit the timers still hold."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            now = int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        now = 0
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (now + beyond, now + beyond))


def _read_one(task: Task, job: Job) -> bytes:
    """Return the reply about one message: its rows, or what went wrong inside Python."""
    signal.setitimer(signal.ITIMER_PROF, job.limits.seconds_per_message)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds(job))
    try:
        return pack_rows(read_task(task, job))
    except Exception as err:  # noqa: BLE001 -- one message must not end the run; the parent quarantines it and says so
        return orjson.dumps(("failed", type(err).__name__, place_of(err)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
