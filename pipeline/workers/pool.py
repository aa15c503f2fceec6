"""The parent's side: starts workers when there is work, feeds them chunks, and takes the blame away from the innocent when one dies."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import orjson

from pipeline import log
from pipeline.errors import TryAgainError
from pipeline.report.model import Reading, Rejected
from pipeline.report.rows import build_rows
from pipeline.trust.dns import parse_address
from pipeline.work import NO_ENVELOPE, judge_of, read_chunk
from pipeline.workers.bounds import place_of, wall_seconds
from pipeline.workers.wire import LENGTH, MalformedFrameError, frame, pack_chunk, pack_job, unpack_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.row_types import MessageRows
    from pipeline.source import Fetched
    from pipeline.work import Job

MAXIMUM_REPLY_BYTES = 256 * 1024 * 1024
"""The rows of the largest report the limits let through are a tenth of it."""

START_SECONDS = 60.0
"""Patience with a starting worker; it takes a third of a second on an idle machine."""

GRACE_SECONDS = 10.0
"""What the parent waits beyond the worker's own timers before it ends it itself."""

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONHOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
"""Of the environment a worker gets these: passwords may stand in the others."""


class WorkerLostError(Exception):
    """A worker died or was ended in the middle of a message."""

    def __init__(self, rejected: Rejected, *, certain: bool) -> None:
        super().__init__(rejected.detail)
        self.rejected = rejected
        self.certain = certain
        """Whether the message is to blame for sure: its own processor time, not the state of worker or machine."""


class Worker:
    """One worker process."""

    def __init__(self, job: Job) -> None:
        """Start the process; the caller does not wait until it is ready."""
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-P", "-m", "pipeline.workers.child"]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, bufsize=0
            )
        except OSError as err:
            raise TryAgainError(f"no worker process can be started: {err.strerror}; free memory or processes and try again") from err
        self._patience = wall_seconds(job) + GRACE_SECONDS
        self._cpu_seconds = job.limits.seconds_per_message
        self._memory_bytes = job.limits.worker_memory_bytes
        self._received = bytearray()
        self._ready = False
        self.resolver_down = False
        self._write(frame(pack_job(job)))

    def read(self, chunk: Sequence[Fetched]) -> Iterator[MessageRows | Rejected]:
        """Yield the rows of each message of the chunk, in order, or why it has none.

        Raises:
            WorkerLostError: The worker is gone; the message to blame is the one whose rows would have come next.
        """
        self._await_start()
        for buffer in pack_chunk(chunk):
            self._write(buffer)
        for fetched in chunk:
            kind, *rest = self._reply(self._patience)
            yield self._rows(rest, fetched) if kind == "rows" else self._failure(*rest)
        _, self.resolver_down = self._reply(self._patience)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _await_start(self) -> None:
        if self._ready:
            return
        try:
            self._reply(START_SECONDS)
        except WorkerLostError as err:
            raise TryAgainError(f"a worker process did not start: {err}; free memory and try again") from err
        self._ready = True

    def _failure(self, kind: str, place: str) -> Rejected:
        """Return why a message has no rows; after running out of memory the process is given up, for it may be short because of others."""
        if kind == "MemoryError":
            detail = f"reading the message took more than {self._memory_bytes >> 20:,} MiB of memory"
            raise WorkerLostError(Rejected("limits_exceeded", detail), certain=False)
        return failure(kind, place)

    @staticmethod
    def _rows(parts: list[Any], fetched: Fetched) -> MessageRows:
        try:
            return unpack_rows(parts, fetched)
        except MalformedFrameError as err:
            raise WorkerLostError(Rejected("limits_exceeded", f"the worker gave back {err}"), certain=False) from err

    def _write(self, buffer: bytes) -> None:
        pipe = self._process.stdin
        left = memoryview(buffer)
        try:
            while left and pipe is not None:
                left = left[pipe.write(left) or 0 :]
        except (BrokenPipeError, ValueError):
            raise self._lost() from None

    def _reply(self, patience: float) -> list[Any]:
        """Return the next frame.

        Raises:
            WorkerLostError: None comes: the process died, or its time is up and it is ended now.
        """
        deadline = time.monotonic() + patience
        size = self._take(LENGTH.size, deadline)
        count: int = LENGTH.unpack(size)[0]
        if count > MAXIMUM_REPLY_BYTES:
            raise WorkerLostError(Rejected("limits_exceeded", f"the worker gave back {count:,} bytes"), certain=False)
        body = self._take(count, deadline)
        try:
            reply: list[Any] = orjson.loads(body)
        except ValueError:
            raise WorkerLostError(Rejected("limits_exceeded", "the worker gave back no JSON"), certain=False) from None
        return reply

    def _take(self, count: int, deadline: float) -> bytes:
        pipe = self._process.stdout
        while len(self._received) < count:
            if pipe is None or pipe.closed:
                raise self._lost()
            readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise _too_slow(f"{self._patience:g} seconds", certain=False)
            received = os.read(pipe.fileno(), 1 << 18)
            if not received:
                raise self._lost()
            self._received += received
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _lost(self) -> WorkerLostError:
        """Return why the process is gone."""
        try:
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGPROF:
            return _too_slow(f"{self._cpu_seconds:g} seconds of processor", certain=True)
        if code == -signal.SIGALRM:
            return _too_slow(f"{self._patience - GRACE_SECONDS:g} seconds", certain=False)
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        return WorkerLostError(Rejected("limits_exceeded", f"the worker process ended with {how} while it read the message"), certain=False)


def _too_slow(limit: str, *, certain: bool) -> WorkerLostError:
    return WorkerLostError(Rejected("timeout", f"reading the message took more than {limit}"), certain=certain)


def failure(kind: str, place: str) -> Rejected:
    """Return why a message that the program failed on is quarantined: an exception of that kind left its reader at that place."""
    if kind == "RecursionError":
        return Rejected("limits_exceeded", f"the message is nested too deeply for {place}")
    return Rejected("limits_exceeded", f"a fault of this program: {kind} in {place}; please report it")


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
            yield from ((chunk, [self._here(fetched) for fetched in chunk]) for chunk in chunks)
            return
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix="worker")
        waiting: deque[tuple[list[Fetched], Future[list[MessageRows]]]] = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, self._executor.submit(self._read_chunk, chunk)))
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

    def _read_chunk(self, chunk: Sequence[Fetched]) -> list[MessageRows]:
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

    def _condemned(self, fetched: Fetched, rejected: Rejected) -> MessageRows:
        log.warning("message-quarantined", code=rejected.code, folder=fetched.ref.folder, uid=fetched.ref.uid, reason=rejected.detail)
        reading = Reading(NO_ENVELOPE, (), rejected)
        return build_rows(fetched=fetched, reading=reading, verdicts=(), own=self._job.own, run=self._job.run)

    def _here(self, fetched: Fetched) -> MessageRows:
        """Read one message in this process."""
        try:
            rows = read_chunk([fetched], self._job)[0]
        except Exception as err:  # noqa: BLE001 -- one message must not end the run; it is quarantined, and that is said
            return self._condemned(fetched, failure(type(err).__name__, place_of(err)))
        if judge_of(self._job).resolver_down and not self._resolver_down:
            self._resolver_down = True
            self._say_resolver_down()
        return rows

    @staticmethod
    def _say_resolver_down() -> None:
        log.warning("resolver-down", consequence="no more DKIM keys are looked up in this run; the next runs try again for five days")
