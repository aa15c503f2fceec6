"""CPU seconds of the commands that only answer: `--version`, `--help`, a usage mistake; beside the interpreter alone.

Aim: help within 0.1 s of CPU over the bare interpreter. Children are measured with `os.wait4`, the median of the runs is shown.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

from tests.bench.figures import Figure
from tests.bench.process import run

REFUSED = "tlsrpt nonsense"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "tlsrpt --version": [sys.executable, "-m", "pipeline.cli", "--version"],
    "tlsrpt --help": [sys.executable, "-m", "pipeline.cli", "--help"],
    "tlsrpt ingest --help": [sys.executable, "-m", "pipeline.cli", "ingest", "--help"],
    REFUSED: [sys.executable, "-m", "pipeline.cli", "nonsense"],
}


def main(*, full: bool) -> list[dict]:
    """Measure each command."""
    rounds = 20 if full else 7
    rows = []
    for name, command in COMMANDS.items():
        runs = [_run(command) for _ in range(rounds)]
        cpu, wall = (statistics.median(values) for values in zip(*runs, strict=True))
        peak = None if name == REFUSED else run(command).peak_mib  # a process of a few milliseconds: as far as it was seen
        rows.append({"command": name, "cpu_seconds": cpu, "wall_seconds": wall, "peak_mib": peak})
    return rows


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    seconds, peaks = ({row["command"]: row[column] for row in rows} for column in ("cpu_seconds", "peak_mib"))
    return [Figure("`tlsrpt --help`", "CPU s", seconds["tlsrpt --help"], aim="0.15 s", mib=peaks["tlsrpt --help"])]


def _run(command: list[str]) -> tuple[float, float]:
    """Start it with its output thrown away: CPU seconds, wall seconds."""
    began = time.perf_counter()
    null = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    child = os.posix_spawn(command[0], command, os.environ, file_actions=null)
    _, _, usage = os.wait4(child, 0)
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began
