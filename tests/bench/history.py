"""The history of published figures: a table in the repository, to which `--publish` adds a line a figure, with revision and machine."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.bench.figures import Figure

FILE = Path(__file__).parent / "history.csv"
COLUMNS = ("at", "revision", "machine", "load", "benchmark", "full", "what", "ours", "unit", "beside", "theirs", "times")


def revision() -> str:
    """Return the revision of this tree, with a plus where it was changed since; empty where it is no checkout."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()
    return head + ("+" if changed else "")


def machine_text(machine: Mapping[str, object]) -> str:
    """Return a machine in one cell."""
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Python {machine['python']}"


def add(at: str, machine: Mapping[str, object], figures: Mapping[str, Iterable[Figure]], *, full: bool, tree: str | None = None) -> None:
    """Add the figures of a run, by benchmark.

    Args:
        at: When it was, ISO 8601, UTC.
        machine: What `run.machine` says.
        figures: By benchmark.
        full: Whether it was at full size.
        tree: The revision measured; that of this tree by default.
    """
    known, which = FILE.exists(), revision() if tree is None else tree
    with FILE.open("a", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        if not known:
            lines.writerow(COLUMNS)
        for name, some in figures.items():
            for each in some:
                values = (each.what, _short(each.ours), each.unit, each.beside, _short(each.theirs), _short(each.times))
                lines.writerow((at, which, machine_text(machine), machine["load"], name, int(full), *values))


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
