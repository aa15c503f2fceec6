"""Tasks done on this machine: by threads that fetch and write, while the processes of the sandbox read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from pipeline.ingest.backfill.carry_out import do
from pipeline.ingest.backfill.tasks import Read, ReadReply, Write
from pipeline.workers.sandbox import Sandbox

if TYPE_CHECKING:
    from pipeline.lake.delta.stage import StagedPart
    from pipeline.stages import Stages
    from pipeline.workers.reading_task import Job


class Workers(Protocol):
    """Those who do tasks."""

    shared_disk: bool
    """Whether they all see the temporary folder of the driver."""

    closed: bool
    """Whether they take no tasks any more."""

    stages: Stages
    """What the tasks cost, as far as they are done on this machine."""

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


class LocalWorkers:
    """Threads of this machine, with a process of the sandbox for each."""

    shared_disk = True

    def __init__(self, job: Job, count: int) -> None:
        self.width = count
        self.closed = False
        self._job = job
        self._sandbox = Sandbox(job)
        self.stages = self._sandbox.stages
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="bulk")

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them, whatever they are doing."""
        self.closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._sandbox.close()
        self._threads.shutdown()

    def check(self) -> None:
        """Nothing to see: they start when there is work."""

    def submit(self, task: Read | Write) -> Future[ReadReply | list[StagedPart]]:
        """Have a task done."""
        return self._threads.submit(do, task, self._job, self._sandbox)
