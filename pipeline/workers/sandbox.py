"""The worker processes of a run: started when there is work and replaced when they die; a message is blamed only for a death of its own.

Their time, memory, environment and replies are limited (`child_process`, `worker_process`); files and the network are not closed to them:
that is left to the service they run in (`pipeline.deploy.units`).

One for `ingest`, `rebuild` and `backfill`, here and on the workers of a cluster. Several threads may read at the same time; each has a
process of its own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from pipeline import log
from pipeline.errors import TryAgainError
from pipeline.report.model import Rejected
from pipeline.stages import JUDGE, READ, Stages
from pipeline.tables.chunk_columns import chunk_columns, concat
from pipeline.trust.key_lookup import parse_address
from pipeline.workers.protocol import read_task
from pipeline.workers.reading_task import condemned, judge_of
from pipeline.workers.time_bounds import place_of
from pipeline.workers.worker_process import Worker, WorkerLostError, failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import MessageRows
    from pipeline.trust.judge import Judge
    from pipeline.workers.protocol import Task
    from pipeline.workers.reading_task import Job

_STOPPED = "the run was stopped while messages were read; the next run reads them"


class Sandbox:
    """Reads chunks of messages into rows, whatever the messages do to the process that reads them."""

    def __init__(self, job: Job, *, here: bool = False, stages: Stages | None = None) -> None:
        """Prepare; no process is started yet.

        Args:
            job: What stays the same over the run.
            here: Read in this process, without any limit the kernel holds.
            stages: Gets what reading and judging cost.

        Raises:
            ConfigError: The resolver of the job is not of the form host:port.
        """
        if job.trust.resolver:
            parse_address(job.trust.resolver)
        self._job, self._here = job, here
        self.stages = stages or Stages()
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._closed = False
        self.resolver_down = False
        """Whether a worker has given up on the DNS."""

    def __enter__(self) -> Self:
        """Return the sandbox."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes, whatever they are doing."""
        self.close()

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        with self._lock:
            self._closed = True
            workers, self._all, self._idle = self._all, set(), []
        for worker in workers:
            worker.end()

    def read(self, chunk: Sequence[Task]) -> ChunkColumns:
        """Return the rows of a chunk.

        Whatever a message does to its process, it has rows here: at worst those of a quarantined message with the code `timeout` or
        `limits_exceeded`. A message whose process ended is read once more, alone in a fresh one, unless it is to blame for sure.

        Raises:
            TryAgainError: No process can be started, or the sandbox was closed meanwhile.
        """
        with self.stages.timing(READ, messages=len(chunk), size_bytes=sum([len(task.fetched.content or b"") for task in chunk])):
            return self._read(chunk)

    def _read(self, chunk: Sequence[Task]) -> ChunkColumns:
        if self._here:
            judge = judge_of(self._job)
            rows = [self._read_here(task, judge) for task in chunk]
            self._note_resolver(down=judge.resolver_down)
            return chunk_columns(rows)
        done: list[ChunkColumns] = []
        guilty: dict[int, Rejected] = {}
        suspects: set[int] = set()
        first = 0
        while first < len(chunk):
            if first in guilty:
                done.append(chunk_columns([self._condemned(chunk[first], guilty[first])]))
                first += 1
                continue
            alone = first in suspects
            until = first + 1 if alone else min((place for place in (*suspects, *guilty) if place > first), default=len(chunk))
            worker, begun = self._take_worker(), first
            try:
                for found in worker.read(chunk[first:until]):
                    done.append(chunk_columns([self._condemned(chunk[first], found)]) if isinstance(found, Rejected) else found)
                    first += len(done[-1].contents)
            except WorkerLostError as lost:
                place = begun + lost.place if lost.place >= 0 else -1
                self._discard(worker)
                if self._closed:
                    raise TryAgainError(_STOPPED) from None
                if alone or (lost.certain and first <= place < until):
                    guilty[first if alone else place] = lost.rejected
                else:
                    # where it does not say which message it was, each of them is read alone
                    suspects.update([place] if first <= place < until else range(first, until))
            else:
                # judging is done while reading, and is a stage of its own
                self.stages.add(READ, seconds=-worker.judge_seconds)
                size_bytes = sum([len(task.fetched.content or b"") for task in chunk[begun:until]])
                self.stages.add(JUDGE, messages=until - begun, size_bytes=size_bytes, seconds=worker.judge_seconds)
                self._give_back(worker)
        return concat(done) if done else chunk_columns([])

    def _take_worker(self) -> Worker:
        with self._lock:
            if self._closed:
                raise TryAgainError(_STOPPED)
            if self._idle:
                return self._idle.pop()
            worker = Worker(self._job)
            self._all.add(worker)
            return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._idle.append(worker)
        self._note_resolver(down=worker.resolver_down)

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.end()

    def _condemned(self, task: Task, rejected: Rejected) -> MessageRows:
        fetched, known = task
        log.warning("message-quarantined", code=rejected.code, folder=fetched.ref.folder, uid=fetched.ref.uid, reason=rejected.detail)
        return condemned(fetched, rejected, self._job, known)

    def _read_here(self, task: Task, judge: Judge) -> MessageRows:
        try:
            return read_task(task, self._job, judge)
        except Exception as err:  # noqa: BLE001 -- one message must not end the run; it is quarantined, and that is said
            return self._condemned(task, failure(type(err).__name__, place_of(err)))

    def _note_resolver(self, *, down: bool) -> None:
        with self._lock:
            said, self.resolver_down = self.resolver_down, self.resolver_down or down
        if down and not said:
            log.warning("resolver-down", consequence="no more DKIM keys are looked up in this run; the next runs try again for five days")
