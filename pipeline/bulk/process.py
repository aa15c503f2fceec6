"""Processes that do tasks, seen from whoever keeps them: started, asked, and replaced when they die.

A message that ends its process is found by a second, careful reading of its chunk, and is quarantined; that of any other death is simply
tried again.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Self

from pipeline.bulk.child import PLACE
from pipeline.bulk.tasks import Read, pack_task, unpack_task
from pipeline.errors import TryAgainError
from pipeline.workers.wire import LENGTH, frame
from pipeline.workers.worker import KEPT_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

_STORAGE_VARIABLES = ("HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", *(f"{which}_PROXY" for which in ("HTTPS", "HTTP", "NO")))
_STORAGE_PREFIX = "AWS_"
_SETTINGS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""What keeps a process small that reads one chunk after the other."""
_DEATHS = 3
"""Of processes in a row over one task, for no reason that lies in a message; then the machine is to be looked at."""


class ProcessLostError(Exception):
    """A process died in the middle of a task."""

    def __init__(self, place: int, code: int) -> None:
        super().__init__()
        self.place = place
        """The message it was reading; -1 for none."""
        self.code = code
        """As `Popen.returncode`."""

    @property
    def certain(self) -> bool:
        """Whether the message is to blame for sure: its own processor time, not the state of the machine."""
        return self.code == -signal.SIGPROF

    @property
    def why(self) -> tuple[str, str]:
        """Code and reason for the quarantine of the message."""
        if self.code in (-signal.SIGPROF, -signal.SIGALRM):
            return "timeout", "reading the message took more than the time a message may take"
        how = signal.Signals(-self.code).name if self.code < 0 else f"status {self.code}"
        return "limits_exceeded", f"the worker process ended with {how} while it read the message"


class Process:
    """One process."""

    def __init__(self, job: bytes) -> None:
        """Start it; `job` is what `pack_job` made."""
        with tempfile.TemporaryFile() as shared:
            shared.truncate(PLACE.size)
            self._place = mmap.mmap(shared.fileno(), PLACE.size)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "pipeline.bulk.child", str(shared.fileno())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                    pass_fds=[shared.fileno()],
                )
            except OSError as err:
                raise TryAgainError(f"no worker process can be started: {err.strerror}; free memory or processes and try again") from err
        self._job: bytes | None = job

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, text: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
        """Give it a task and return the reply.

        Raises:
            ProcessLostError: It died.
            TryAgainError: It did not even start.
        """
        if self._job is not None:
            try:
                self._send([self._job])
                self._receive()
            except ProcessLostError as err:
                raise TryAgainError(f"a worker process did not start ({err.why[1]}); free memory and try again") from err
            self._job = None
        self._send([text, content])
        return self._receive(), self._receive(), self._receive()

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what it did not read any more
                    pipe.close()
        self._place.close()

    def _send(self, bodies: Iterable[bytes]) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 -- for mypy
        try:
            for body in bodies:
                pipe.write(frame(body))
            pipe.flush()
        except (BrokenPipeError, ValueError):
            raise self._lost() from None

    def _receive(self) -> bytes:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 -- for mypy
        try:
            head = pipe.read(LENGTH.size)
            count = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else -1
            body = pipe.read(count) if count >= 0 else b""
        except ValueError:
            raise self._lost() from None
        if len(body) != count:
            raise self._lost()
        return body

    def _lost(self) -> ProcessLostError:
        self._process.kill()
        code = self._process.wait()
        place: int = PLACE.unpack_from(self._place)[0] if not self._place.closed else -1
        return ProcessLostError(place, code)


class Processes:
    """As many processes as tasks are done at the same time; they start when there is work."""

    def __init__(self, job: bytes) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._closed = False

    def __enter__(self) -> Self:
        """Return the processes."""
        return self

    def __exit__(self, *_: object) -> None:
        """End them all."""
        self.close()

    def close(self) -> None:
        """End them all."""
        with self._lock:
            self._closed = True
            processes, self._all, self._idle = self._all, set(), []
        for process in processes:
            process.end()

    def do(self, text: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
        """Have a task done, whatever happens to the process that does it.

        Raises:
            TryAgainError: Processes keep dying, or cannot be started.
        """
        doubted: set[int] = set()
        deaths = 0
        while True:
            process = self._take()
            try:
                said = process.ask(text, content)
            except ProcessLostError as lost:
                self._discard(process)
                if self._closed:
                    raise TryAgainError("the import was stopped; the next run goes on from there") from None
                deaths += lost.place < 0
                if deaths > _DEATHS:
                    raise TryAgainError(f"worker processes keep dying ({lost.why[1]}); free memory and run again") from lost
                text = _again(text, lost, doubted, sure=deaths != 1)
            except TryAgainError:
                self._discard(process)
                raise
            else:
                self._give_back(process)
                return said

    def _take(self) -> Process:
        with self._lock:
            if self._closed:
                raise TryAgainError("the import was stopped; the next run goes on from there")
            if self._idle:
                return self._idle.pop()
            process = Process(self._job)
            self._all.add(process)
            return process

    def _give_back(self, process: Process) -> None:
        with self._lock:
            self._idle.append(process)

    def _discard(self, process: Process) -> None:
        with self._lock:
            self._all.discard(process)
        process.end()


def _again(text: bytes, lost: ProcessLostError, doubted: set[int], *, sure: bool) -> bytes:
    """Return the task as it is tried again: carefully, and without the messages that are to blame."""
    task = unpack_task(text, b"")
    if not isinstance(task, Read):
        return text
    if not task.careful:
        # A process that somebody killed says nothing about the messages.
        return pack_task(task._replace(careful=True))[0] if sure or lost.certain else text
    if lost.place >= 0:
        if lost.certain or lost.place in doubted:
            return pack_task(task._replace(condemned={**task.condemned, lost.place: lost.why}))[0]
        doubted.add(lost.place)
    return text


def _environment() -> dict[str, str]:
    """Return the variables a process gets: those of the object storage beside the usual ones; passwords may stand in the others."""
    names = [*KEPT_VARIABLES, *_STORAGE_VARIABLES, *(name for name in os.environ if name.startswith(_STORAGE_PREFIX))]
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | _SETTINGS | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
