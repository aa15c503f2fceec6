"""Runs scenarios in child processes that die where they are told to: one server that has everything imported, and forks.

A test process cannot fork itself once `deltalake` and pyarrow run threads in it; the server never touches a lake.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Ending(NamedTuple):
    """How a child ended: `signal` is 0 where it did not die by one."""

    signal: int
    code: int
    points: dict[str, int]
    """How often each failpoint was reached, where the child lived to tell."""


class Server:
    """The door to the forking process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, scenario: str, root: Path | str, *, kill_at: str | None = None, kill_after: float | None = None) -> Ending:
        """Run a scenario in a child; `kill_at` is a failpoint, `name:nth`, `kill_after` a number of seconds."""
        print(json.dumps([scenario, str(root), kill_at, kill_after]), file=self._process.stdin, flush=True)
        return Ending(*json.loads(self._process.stdout.readline()))


@contextmanager
def crash_server(environment: dict[str, str] | None = None) -> Iterator[Server]:
    """Start the server, and stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lake.crashes"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield Server(process)
    finally:
        process.stdin.close()
        process.wait(timeout=120)
        process.stdout.close()


def _child(scenario: str, root: str, kill_at: str | None, told: int) -> int:
    from pipeline import failpoint
    from pipeline.lake.dedup import hash_files
    from pipeline.lake.storage.locate import locate
    from tests.lake.scenarios import SCENARIOS

    hash_files.LARGE_ROWS = 1  # as in conftest: every data file is asked by its hash file
    failpoint.arm(kill_at or "none")
    try:
        # In a bucket the lease of the one killed before has to run out.
        SCENARIOS[scenario](locate(root, wait_seconds=60) if "://" in root else Path(root))
    except BaseException:  # noqa: BLE001 -- whatever it was, the child ends here and says so
        traceback.print_exc()
        return 1
    os.write(told, json.dumps(failpoint.reached()).encode())
    return 0


def _serve() -> None:
    import tests.lake.scenarios  # noqa: F401 -- what a child needs, imported once

    for line in sys.stdin:
        read_end, write_end = os.pipe()
        scenario, root, kill_at, kill_after = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_child(scenario, root, kill_at, write_end))
        os.close(write_end)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        with os.fdopen(read_end) as told:
            points = told.read()
        _, status = os.waitpid(child, 0)
        ended = os.waitstatus_to_exitcode(status)
        print(json.dumps([max(-ended, 0), max(ended, 0), json.loads(points or "{}")]), flush=True)


if __name__ == "__main__":
    _serve()
