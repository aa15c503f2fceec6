"""The process that does the tasks: it reads what strangers sent, so it has limits the kernel holds, and speaks JSON and Arrow only.

Started as `python -m pipeline.bulk.child`, by the driver or by a Dask worker. Unlike the workers of `ingest` it writes to the lake, for
that is what it is for; it has the keys of the object storage in its environment, and of the other secrets none.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import signal
import struct
import sys
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import orjson

from pipeline.bulk.events import collected
from pipeline.bulk.reading import read
from pipeline.bulk.tasks import Read, pack_parts, pack_read_reply, unpack_task
from pipeline.bulk.writing import write
from pipeline.errors import TlsrptError
from pipeline.report.identity import organisational_domain
from pipeline.work import judge_of
from pipeline.workers.bounds import place_of
from pipeline.workers.child import limit_memory, read_frame, send, take_pipes
from pipeline.workers.wire import unpack_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.work import Job

PLACE = struct.Struct("=q")
"""What stands in the memory shared with the parent: the message being read, -1 for none."""
ARROW_BYTES = 1 << 30
"""Address space for columns, beside what reading one message may take."""


def main() -> None:
    """Serve until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    for timer in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(timer, signal.SIG_DFL)
    shared = mmap.mmap(int(sys.argv[1]), PLACE.size)
    requests, replies = take_pipes()
    with requests, replies, contextlib.suppress(EOFError, BrokenPipeError):
        _serve(requests, replies, lambda place: PLACE.pack_into(shared, 0, place))


def _serve(requests: BinaryIO, replies: BinaryIO, at: Callable[[int], None]) -> NoReturn:
    """Do tasks until a pipe is closed.

    Raises:
        EOFError: The parent closed its end, or is gone.
        BrokenPipeError: The same, noticed while replying.
    """
    job = unpack_job(read_frame(requests))
    judge_of(job)
    organisational_domain("example.org")  # the list of suffixes is not the first message's time
    limit_memory(job.limits.worker_memory_bytes + ARROW_BYTES)
    # A chunk makes a million values that refer to no circle: looking for circles among them while they grow costs a third of the reading.
    gc.disable()
    gc.freeze()
    send(replies, b'["ready"]')
    while True:
        text, content = read_frame(requests), read_frame(requests)
        at(-1)
        for body in _done(text, content, job, at):
            send(replies, body)
        gc.collect()


def _done(text: bytes, content: bytes, job: Job, at: Callable[[int], None]) -> tuple[bytes, bytes, bytes]:
    """Do a task; return how it went, and the two parts of its reply."""
    try:
        task = unpack_task(text, content)
        with collected() as warnings:
            if isinstance(task, Read):
                reply = read(task, job, at)
                return (b'["done"]', *pack_read_reply(reply._replace(warnings=warnings)))
            return (b'["done"]', *pack_parts(write(task)))
    except TlsrptError as err:
        return orjson.dumps(("refused", type(err).__name__, str(err))), b"", b""
    except Exception as err:  # noqa: BLE001 -- the driver says it and tries again
        return orjson.dumps(("failed", type(err).__name__, place_of(err))), b"", b""


if __name__ == "__main__":
    main()
