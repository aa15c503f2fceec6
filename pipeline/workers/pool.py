"""The run's side: starts workers when there is work, feeds them chunks, and takes the blame away from the innocent when one dies."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from pipeline import log
from pipeline.errors import TryAgainError
from pipeline.report.model import Reading, Rejected
from pipeline.report.rows import build_rows
from pipeline.trust.dns import parse_address
from pipeline.work import NO_ENVELOPE, judge_of, stamp_of
from pipeline.workers.bounds import place_of
from pipeline.workers.wire import Task, read_task
from pipeline.workers.worker import Worker, WorkerLostError, failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.row_types import MessageRow, MessageRows
    from pipeline.source import Fetched
    from pipeline.work import Job

CHUNK = 200
"""Messages a worker gets at a time where the caller does not say."""


def default_workers() -> int:
    """Return how many workers are worth it here: two, or one where there is one processor."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2, available)


class Pool:
    """Reads chunks of messages into rows, in worker processes that start when there is work for them."""

    def __init__(self, job: Job, *, workers: int | None = None) -> None:
        """Prepare; no process is started yet.

        Args:
            job: What stays the same over the run.
            workers: Processes; by default `default_workers()`. 0 reads in this process, without any limit the kernel holds.

        Raises:
            ConfigError: The resolver of the job is not of the form host:port.
        """
        if job.trust.resolver:
            parse_address(job.trust.resolver)
        self._job = job
        self._count = default_workers() if workers is None else workers
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._closed = False
        self._resolver_down = False

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers, whatever they are doing."""
        with self._lock:
            self._closed = True
            workers, self._all = list(self._all), set()
        for worker in workers:
            worker.end()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    @property
    def resolver_down(self) -> bool:
        """Whether a worker has given up on the DNS."""
        return self._resolver_down

    def read(self, chunks: Iterable[list[Fetched]]) -> Iterator[tuple[list[Fetched], list[MessageRows]]]:
        """Yield each chunk with the rows of its messages, in order.

        As many chunks as there are workers, and one more, are taken before the first is given back, so that fetching, reading and
        committing overlap; what was taken when the source fails is still given back before its error is raised. Whatever a message does
        to its worker, it has rows here: at worst those of a quarantined message with the code `timeout` or `limits_exceeded`.

        Raises:
            TryAgainError: No worker process can be started.
        """
        if self._count == 0:
            yield from ((chunk, [self._here(Task(fetched)) for fetched in chunk]) for chunk in chunks)
            return
        waiting: deque[tuple[list[Fetched], Future[list[MessageRows]]]] = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, self._submit([Task(fetched) for fetched in chunk])))
                while waiting and (len(waiting) > self._count or waiting[0][1].done()):
                    taken, future = waiting.popleft()
                    yield taken, future.result()
        except GeneratorExit:
            waiting.clear()
            raise
        finally:
            while waiting:
                taken, future = waiting.popleft()
                yield taken, future.result()

    def read_again(self, messages: Sequence[tuple[MessageRow, Fetched]]) -> list[MessageRows]:
        """Return the rows of messages the ledger knows, in order: today's parser, the verdicts of the day they came.

        Raises:
            TryAgainError: No worker process can be started.
        """
        tasks = [Task(fetched, row) for row, fetched in messages]
        if self._count == 0:
            return [self._here(task) for task in tasks]
        shares = [self._submit(tasks[start : start + CHUNK]) for start in range(0, len(tasks), CHUNK)]
        return [rows for share in shares for rows in share.result()]

    def _submit(self, chunk: Sequence[Task]) -> Future[list[MessageRows]]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix="worker")
        return self._executor.submit(self._read_chunk, chunk)

    def _read_chunk(self, chunk: Sequence[Task]) -> list[MessageRows]:
        """Read a chunk. A message that ends its worker is tried once more in a fresh one, unless it is to blame for sure."""
        done: list[MessageRows] = []
        tried_alone = -1
        while len(done) < len(chunk):
            worker = self._take_worker()
            try:
                for rows in worker.read(chunk[len(done) :]):
                    done.append(self._condemned(chunk[len(done)], rows) if isinstance(rows, Rejected) else rows)
            except WorkerLostError as lost:
                self._discard(worker)
                if self._closed:
                    raise
                if len(done) == len(chunk):
                    break
                if lost.certain or tried_alone == len(done):
                    done.append(self._condemned(chunk[len(done)], lost.rejected))
                else:
                    tried_alone = len(done)
            else:
                self._give_back(worker)
        return done

    def _take_worker(self) -> Worker:
        with self._lock:
            if self._closed:
                raise TryAgainError("the run was stopped while messages were read; the next run reads them")
            if self._idle:
                return self._idle.pop()
            worker = Worker(self._job)
            self._all.add(worker)
            return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._idle.append(worker)
            said, self._resolver_down = self._resolver_down, self._resolver_down or worker.resolver_down
        if self._resolver_down and not said:
            self._say_resolver_down()

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.end()

    def _condemned(self, task: Task, rejected: Rejected) -> MessageRows:
        fetched, known = task
        log.warning("message-quarantined", code=rejected.code, folder=fetched.ref.folder, uid=fetched.ref.uid, reason=rejected.detail)
        reading = Reading(NO_ENVELOPE, (), rejected)
        return build_rows(fetched=fetched, reading=reading, verdicts=(), own=self._job.own, run=stamp_of(known, self._job))

    def _here(self, task: Task) -> MessageRows:
        """Read one message in this process."""
        try:
            rows = read_task(task, self._job)
        except Exception as err:  # noqa: BLE001 -- one message must not end the run; it is quarantined, and that is said
            return self._condemned(task, failure(type(err).__name__, place_of(err)))
        if judge_of(self._job).resolver_down and not self._resolver_down:
            self._resolver_down = True
            self._say_resolver_down()
        return rows

    @staticmethod
    def _say_resolver_down() -> None:
        log.warning("resolver-down", consequence="no more DKIM keys are looked up in this run; the next runs try again for five days")
