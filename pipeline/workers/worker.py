"""One worker process, seen from the run: started, fed, waited for no longer than agreed, and asked why it died."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.errors import TryAgainError
from pipeline.report.model import Rejected
from pipeline.workers.bounds import wall_seconds
from pipeline.workers.wire import LENGTH, MalformedFrameError, Task, frame, pack_chunk, pack_job, unpack_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.row_types import MessageRows
    from pipeline.source import Fetched
    from pipeline.work import Job

MAXIMUM_REPLY_BYTES = 256 * 1024 * 1024
"""The rows of the largest report the limits let through are a tenth of it."""

START_SECONDS = 60.0
"""Patience with a starting worker; it takes a third of a second on an idle machine."""

GRACE_SECONDS = 10.0
"""What the parent waits beyond the worker's own timers before it ends it itself."""

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONHOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
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
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
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

    def read(self, chunk: Sequence[Task]) -> Iterator[MessageRows | Rejected]:
        """Yield the rows of each message of the chunk, in order, or why it has none.

        Raises:
            WorkerLostError: The worker is gone; the message to blame is the one whose rows would have come next.
        """
        self._await_start()
        for buffer in pack_chunk(chunk):
            self._write(buffer)
        for fetched, _ in chunk:
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
