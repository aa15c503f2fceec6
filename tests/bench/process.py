"""A command as a process of its own: its CPU seconds with those of its children, its seconds by the clock, the peak memory of all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.memory import Peak

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]


class Run(NamedTuple):
    """What a process cost."""

    wall_seconds: float
    cpu_seconds: float
    """Of the process and of the children it waited for."""
    peak_mib: float
    """Of the process and all below it, as `memory.Peak` sees it."""
    output: str


def run(command: Sequence[str | os.PathLike[str]], *, cwd: Path = ROOT, **environment: str) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: It did not end well.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        # an installed program finds its modules compiled; left in the environment, this would have each run compile them
        environment = {"PYTHONDONTWRITEBYTECODE": "", **environment}
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment}, stdout=out, stderr=err)
        peak = Peak(process.pid)
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


def tlsrpt(where: Path, *arguments: str | os.PathLike[str], **environment: str) -> Run:
    """Run the program on a lake, without the configuration of the machine."""
    nothing = ROOT / "tests" / "bench" / "results" / "empty.toml"
    nothing.parent.mkdir(exist_ok=True)
    nothing.touch()
    return run([sys.executable, "-m", "pipeline.cli", "--lake", where, *arguments], TLSRPT_CONFIG=str(nothing), **environment)
