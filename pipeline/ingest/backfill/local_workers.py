"""Tasks done on this machine: by threads that fetch and write, while the processes of the sandbox read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeAlias

from pipeline.ingest.backfill.carry_out import do
from pipeline.ingest.backfill.tasks import Read, ReadReply, Write
from pipeline.workers.sandbox import Sandbox

if TYPE_CHECKING:
    from pipeline.ingest.backfill.cluster import ClusterWorkers
    from pipeline.lake.delta.stage import StagedPart
    from pipeline.workers.reading_task import Job


Workers: TypeAlias = "LocalWorkers | ClusterWorkers"
"""Those who do the tasks of an import."""


class LocalWorkers:
    """Threads of this machine, with a process of the sandbox for each."""

    shared_disk = True
    """Whether they all see the temporary folder of the driver."""

    def __init__(self, job: Job, count: int) -> None:
        self.width = count
        """How many tasks are done at the same time."""
        self.closed = False
        """Whether they take no tasks any more."""
        self._job = job
        self._sandbox = Sandbox(job)
        self.stages = self._sandbox.stages
        """What the tasks cost, as far as they are done on this machine."""
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
        """Have a task done; the future may raise any `TlsrptError`."""
        return self._threads.submit(do, task, self._job, self._sandbox)
