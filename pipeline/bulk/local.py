"""Tasks done by processes of this machine."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from pipeline.bulk.process import Processes
from pipeline.bulk.tasks import Read, ReadReply, Write, pack_task, reply_of

if TYPE_CHECKING:
    from pipeline.lake.stage import StagedPart


class Workers(Protocol):
    """Those who do tasks."""

    shared_disk: bool
    """Whether they all see the temporary folder of the driver."""

    closed: bool
    """Whether they take no tasks any more."""

    @property
    def width(self) -> int:
        """How many tasks are done at the same time."""

    def check(self) -> None:
        """See that there is somebody.

        Raises:
            TryAgainError: There is nobody, and has not been for a while.
        """

    def submit(self, task: Read | Write) -> Future[ReadReply | list[StagedPart]]:
        """Have a task done; the future may raise any `TlsrptError`."""


def default_workers() -> int:
    """Return how many processes this machine carries: one a processor."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalWorkers:
    """Processes of this machine, with a thread each that waits for it."""

    shared_disk = True

    def __init__(self, job: bytes, count: int) -> None:
        self.width = count
        self.closed = False
        self._processes = Processes(job)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="bulk")

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them, whatever they are doing."""
        self.closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._processes.close()
        self._threads.shutdown()

    def check(self) -> None:
        """Nothing to see: they start when there is work."""

    def submit(self, task: Read | Write) -> Future[ReadReply | list[StagedPart]]:
        """Have a task done."""
        return self._threads.submit(self._do, task)

    def _do(self, task: Read | Write) -> ReadReply | list[StagedPart]:
        return reply_of(task, self._processes.do(*pack_task(task)))
