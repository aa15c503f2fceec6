"""A command as a process of its own: its CPU seconds with those of its children, its seconds by the clock, its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.02


class Run(NamedTuple):
    """What a process cost."""

    wall_seconds: float
    cpu_seconds: float
    """Of the process and of the children it waited for."""
    peak_mib: float
    """Of the process alone, as far as a look every few milliseconds sees it."""
    output: str


def run(command: Sequence[str | os.PathLike[str]], *, cwd: Path = ROOT, **environment: str) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: It did not end well.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment}, stdout=out, stderr=err)
        peak = _Peak(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {err.read()[-2000:].decode(errors='replace')}")
        return Run(wall, usage.ru_utime + usage.ru_stime, peak.mib(), out.read().decode(errors="replace"))


def best(attempt: Callable[[], Run], rounds: int) -> Run:
    """Return the run that took the least CPU: on a shared machine the others measure the neighbours."""
    return min((attempt() for _ in range(rounds)), key=lambda each: each.cpu_seconds)


class _Peak:
    """The peak of a process, looked up while it runs: `ru_maxrss` is inherited from whoever started it."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._kib = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            try:
                peaks = [line for line in self._status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")]
            except OSError:
                return
            if not peaks:  # a zombie has no memory
                return
            self._kib = int(peaks[0].split()[1])
            time.sleep(_LOOK_SECONDS)

    def mib(self) -> float:
        self._thread.join()
        return round(self._kib / 1024, 1)


def tlsrpt(where: Path, *arguments: str | os.PathLike[str], **environment: str) -> Run:
    """Run the program on a lake, without the configuration of the machine."""
    nothing = ROOT / "tests" / "bench" / "results" / "empty.toml"
    nothing.parent.mkdir(exist_ok=True)
    nothing.touch()
    return run([sys.executable, "-m", "pipeline.cli", "--lake", where, *arguments], TLSRPT_CONFIG=str(nothing), **environment)
