"""One worker process, seen from the run: started, fed, waited for no longer than agreed, and asked why it died."""

from __future__ import annotations

import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any

import orjson

from pipeline.errors import TryAgainError
from pipeline.report.model import Rejected
from pipeline.report.rows import arrival_of
from pipeline.tables.chunk_columns import ChunkColumns, MalformedChunkError, typed_chunk
from pipeline.workers.protocol import LENGTH, frame, pack_chunk, pack_job
from pipeline.workers.reading_task import stamp_of
from pipeline.workers.time_bounds import PLACE, wall_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.workers.protocol import Task
    from pipeline.workers.reading_task import Job

MAXIMUM_REPLY_BYTES = 256 * 1024 * 1024
"""The rows of the largest report the limits let through are a tenth of it."""

START_SECONDS = 60.0
"""Patience with a starting worker; it takes a third of a second on an idle machine."""

GRACE_SECONDS = 10.0
"""What the parent waits beyond the worker's own timers before it ends it itself."""

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONHOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
"""Of the environment a worker gets these: passwords may stand in the others."""

_OF_THE_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that often reach every process of a terminal or service at once: the parent acts on them, and a worker reads to its end."""


class WorkerLostError(Exception):
    """A worker died or was ended in the middle of a message."""

    def __init__(self, rejected: Rejected, *, certain: bool = False, place: int = -1) -> None:
        super().__init__(rejected.detail)
        self.rejected = rejected
        self.certain = certain
        """Whether the message is to blame for sure: its own processor time, not the state of worker or machine."""
        self.place = place
        """Which message of those that were to be read it was in the middle of; -1 where that is not known."""


class Worker:
    """One worker process."""

    def __init__(self, job: Job) -> None:
        """Start the process; the caller does not wait until it is ready."""
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        with tempfile.TemporaryFile() as shared:
            shared.truncate(PLACE.size)
            self._shared = mmap.mmap(shared.fileno(), PLACE.size)
            # From its first moment on: until it could ignore them itself, Ctrl-C, or a service that is stopped, would end it.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_PARENT)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "pipeline.workers.child_process", str(shared.fileno())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    bufsize=0,
                    pass_fds=[shared.fileno()],
                )
            except OSError as err:
                raise TryAgainError(f"no worker process can be started: {err.strerror}; free memory or processes and try again") from err
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._job = job
        self._patience = wall_seconds(job) + GRACE_SECONDS
        self._cpu_seconds = job.limits.seconds_per_message
        self._memory_bytes = job.limits.worker_memory_bytes
        self._received = bytearray()
        self._ready = False
        self.resolver_down = False
        self.judge_seconds = 0.0
        """What judging took of the last chunk."""
        try:
            self._write(frame(pack_job(job)))
        except WorkerLostError as err:
            self.end()
            raise _not_started(err) from err

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def read(self, chunk: Sequence[Task]) -> Iterator[ChunkColumns | Rejected]:
        """Yield the rows of the chunk, in order: those of some messages at a time, or why one message has none.

        Raises:
            WorkerLostError: The worker is gone; what was not yielded yet is to be read again.
        """
        self._await_start()
        PLACE.pack_into(self._shared, 0, -1)
        for buffer in pack_chunk(chunk):
            self._write(buffer)
        deadline = time.monotonic() + (len(chunk) + 1) * self._patience
        done = 0
        while done < len(chunk):
            match self._reply(deadline):
                case ["rows", int(count), dict(values)]:
                    columns = self._columns(values, chunk[done : done + max(count, 1)])
                    done += len(columns.contents)
                    yield columns
                case ["failed", str(kind), str(where)]:
                    done += 1
                    yield self._failure(kind, where, place=done - 1)
                case _:
                    raise WorkerLostError(Rejected("limits_exceeded", "the worker gave back something else than rows"))
        match self._reply(deadline):
            case ["done", bool(down), float(seconds)]:
                self.resolver_down, self.judge_seconds = down, seconds

    @property
    def _place(self) -> int:
        """The message of the chunk that is being read, by what the worker says; -1 for none."""
        place: int = PLACE.unpack_from(self._shared)[0] if not self._shared.closed else -1
        return place

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._shared.close()

    def _await_start(self) -> None:
        if self._ready:
            return
        try:
            self._reply(time.monotonic() + START_SECONDS)
        except WorkerLostError as err:
            raise _not_started(err) from err
        self._ready = True

    def _failure(self, kind: str, where: str, *, place: int) -> Rejected:
        """Return why a message has no rows; after running out of memory the process is given up, for it may be short because of others."""
        if kind == "MemoryError":
            detail = f"reading the message took more than {self._memory_bytes >> 20:,} MiB of memory"
            raise WorkerLostError(Rejected("limits_exceeded", detail), place=place)
        return failure(kind, where)

    def _columns(self, values: dict[str, list[Any]], chunk: Sequence[Task]) -> ChunkColumns:
        arrivals = [arrival_of(task.fetched, stamp_of(task.known, self._job)) for task in chunk]
        try:
            return typed_chunk(values, arrivals, [task.fetched.content or b"" for task in chunk])
        except MalformedChunkError as err:
            raise WorkerLostError(Rejected("limits_exceeded", f"the worker gave back {err}")) from err

    def _write(self, buffer: bytes) -> None:
        pipe = self._process.stdin
        left = memoryview(buffer)
        try:
            while left and pipe is not None:
                left = left[pipe.write(left) or 0 :]
        except (BrokenPipeError, ValueError):
            raise self._lost() from None

    def _reply(self, deadline: float) -> list[Any]:
        """Return the next frame.

        Raises:
            WorkerLostError: None comes: the process died, or its time is up and it is ended now.
        """
        count: int = LENGTH.unpack(self._take(LENGTH.size, deadline))[0]
        if count > MAXIMUM_REPLY_BYTES:
            raise WorkerLostError(Rejected("limits_exceeded", f"the worker gave back {count:,} bytes"))
        body = self._take(count, deadline)
        try:
            reply: list[Any] = orjson.loads(body)
        except ValueError:
            raise WorkerLostError(Rejected("limits_exceeded", "the worker gave back no JSON")) from None
        return reply

    def _take(self, count: int, deadline: float) -> bytes:
        pipe = self._process.stdout
        while len(self._received) < count:
            if pipe is None or pipe.closed:
                raise self._lost()
            self._await_bytes(pipe, deadline)
            received = os.read(pipe.fileno(), 1 << 18)
            if not received:
                raise self._lost()
            self._received += received
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _await_bytes(self, pipe: IO[bytes], deadline: float) -> None:
        """Wait for as long as one message may take; for another as long where the worker has gone on to another message meanwhile."""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        before = self._place
        while True:
            left = min(self._patience, deadline - time.monotonic()) if self._ready else deadline - time.monotonic()
            if poll.poll(max(0.0, left) * 1000):
                return
            if self._place == before or time.monotonic() >= deadline:
                raise _too_slow(f"{self._patience:g} seconds", self._place)
            before = self._place

    def _lost(self) -> WorkerLostError:
        """Return why the process is gone."""
        try:
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGPROF:
            return _too_slow(f"{self._cpu_seconds:g} seconds of processor", self._place, certain=True)
        if code == -signal.SIGALRM:
            return _too_slow(f"{self._patience - GRACE_SECONDS:g} seconds", self._place)
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        why = Rejected("limits_exceeded", f"the worker process ended with {how} while it read the message")
        return WorkerLostError(why, place=self._place)


def _not_started(err: WorkerLostError) -> TryAgainError:
    return TryAgainError(f"a worker process did not start: {err}; free memory and try again")


def _too_slow(limit: str, place: int, *, certain: bool = False) -> WorkerLostError:
    return WorkerLostError(Rejected("timeout", f"reading the message took more than {limit}"), certain=certain, place=place)


def failure(kind: str, place: str) -> Rejected:
    """Return why a message that the program failed on is quarantined: an exception of that kind left its reader at that place."""
    if kind == "RecursionError":
        return Rejected("limits_exceeded", f"the message is nested too deeply for {place}")
    return Rejected("limits_exceeded", f"a fault of this program: {kind} in {place}; please report it")
