"""Chunks read side by side and given back in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from pipeline.tables.chunk_columns import chunk_columns, concat
from pipeline.workers.protocol import Task
from pipeline.workers.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.message.fetched import Fetched
    from pipeline.stages import Stages
    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import MessageRow
    from pipeline.workers.reading_task import Job

CHUNK = 200
"""Messages a worker gets at a time where the caller does not say."""


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_count() -> int:
    """Return how many processes read where nobody says: one for each processor, two at most (decision 0070)."""
    return min(2, processors())


class Pool:
    """Reads chunks of messages into rows, in worker processes that start when there is work for them."""

    def __init__(self, job: Job, *, workers: int | None = None, stages: Stages | None = None) -> None:
        """Prepare; no process is started yet.

        Args:
            job: What stays the same over the run.
            workers: Processes; None: by the number of processors, see `usual_count`. 0 reads in this process, without any limit the kernel
                holds.
            stages: Gets what reading and judging cost.

        Raises:
            ConfigError: The resolver of the job is not of the form host:port.
        """
        self._count = usual_count() if workers is None else workers
        self._sandbox = Sandbox(job, here=self._count == 0, stages=stages)
        self._executor: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers, whatever they are doing."""
        self._sandbox.close()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    @property
    def resolver_down(self) -> bool:
        """Whether a worker has given up on the DNS."""
        return self._sandbox.resolver_down

    def read(self, chunks: Iterable[list[Fetched]]) -> Iterator[tuple[list[Fetched], ChunkColumns]]:
        """Yield each chunk with the rows of its messages, in order.

        As many chunks as there are workers, and two more, are taken before the first is given back, so that fetching, reading and
        committing overlap; what was taken when the source fails is still given back before its error is raised. Every message has rows
        (see `Sandbox.read`).

        Raises:
            TryAgainError: No worker process can be started.
        """
        if self._count == 0:
            yield from ((chunk, self._sandbox.read([Task(fetched.hashed()) for fetched in chunk])) for chunk in chunks)
            return
        waiting: deque[tuple[list[Fetched], Future[ChunkColumns]]] = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, self._submit([Task(fetched.hashed()) for fetched in chunk])))
                while waiting and (len(waiting) > self._count + 1 or waiting[0][1].done()):
                    taken, future = waiting.popleft()
                    yield taken, future.result()
        except GeneratorExit:
            waiting.clear()
            raise
        finally:
            while waiting:
                taken, future = waiting.popleft()
                yield taken, future.result()

    def read_again(self, messages: Sequence[tuple[MessageRow, Fetched]]) -> ChunkColumns:
        """Return the rows of messages the ledger knows, in order: today's parser, the verdicts of the day they came.

        Raises:
            TryAgainError: No worker process can be started.
        """
        tasks = [Task(fetched, row) for row, fetched in messages]
        if not tasks:
            return chunk_columns([])
        if self._count == 0:
            return self._sandbox.read(tasks)
        shares = [self._submit(tasks[start : start + CHUNK]) for start in range(0, len(tasks), CHUNK)]
        return concat([share.result() for share in shares])

    def _submit(self, chunk: Sequence[Task]) -> Future[ChunkColumns]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix="worker")
        return self._executor.submit(self._sandbox.read, chunk)
