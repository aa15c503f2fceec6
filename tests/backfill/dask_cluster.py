"""A real Dask scheduler with worker processes on loopback, over TCP, each ended by its own process id."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 60.0
_QUIET = {"DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "false", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "20s"}


class Cluster(NamedTuple):
    address: str
    """tcp://127.0.0.1:PORT"""
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    def busy_children(self) -> list[psutil.Process]:
        """The processes that do the tasks of the workers."""
        return [child for worker in self.workers if worker.poll() is None for child in _children(worker.pid)]


def _children(pid: int) -> list[psutil.Process]:
    found = []
    with contextlib.suppress(psutil.Error):  # it may end meanwhile
        for child in psutil.Process(pid).children(recursive=True):
            if "pipeline.workers.child_process" in child.cmdline():
                found.append(child)  # noqa: PERF401 -- what was found before another one ended
    return found


@contextmanager
def dask_cluster(folder: Path, *, workers: int = 2, **environment: str) -> Iterator[Cluster]:
    """Run a scheduler and workers of one thread each until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    surroundings = {**os.environ, **_QUIET, **environment, "PYTHONPATH": str(ROOT)}
    here = ["--host", "127.0.0.1", "--no-dashboard"]

    def start(what: str, *words: str) -> subprocess.Popen[bytes]:
        with (folder / f"{what}.log").open("ab") as log:
            command = [sys.executable, "-P", "-m", f"distributed.cli.dask_{what}", *words]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=surroundings)

    running = [start("scheduler", *here, "--port", "0", "--scheduler-file", str(folder / "scheduler.json"))]
    try:
        address = _address(folder, running[0])
        joined = [start("worker", address, *here, "--nthreads", "1", "--no-nanny", "--memory-limit", "0") for _ in range(workers)]
        running += joined
        yield Cluster(address, running[0], joined)
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def _address(folder: Path, scheduler: subprocess.Popen[bytes]) -> str:
    import json

    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            return json.loads((folder / "scheduler.json").read_text())["address"]
        except (FileNotFoundError, ValueError):
            said = (folder / "scheduler.log").read_text()[-1000:]
            assert scheduler.poll() is None, f"the Dask scheduler ended: {said}"
            assert time.monotonic() < deadline, f"the Dask scheduler is not ready after {_READY_SECONDS:.0f} s: {said}"
            time.sleep(0.1)
