"""Two revisions in turn, on the same inputs, and what the one costs as a ratio to the other: `make bench ARGS="--against REV"`.

REV is checked out beside this tree and run with the packages of this environment. Each line is a command from the shell and back into an
empty lake, its CPU seconds with those of its children, the least of some rounds in which the revisions take turns: on a shared machine
only the ratio means something. Keys and digests of all rows that are stored must be the same in both, or the run ends with an error.
"""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.bench.process import ROOT, run
from tests.bench.report_core import mail, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.process import Run

ROUNDS = 3
LINES = ("ingest .json.gz", "ingest .eml", "ingest .eml, no workers", "backfill .json.gz", "backfill .eml", "ingest one file")
_KEYS = {
    "reports": ("report_key", "identity", "content_sha256", "trust_tier"),
    "policies": ("report_key", "policy_ix", "policy_hash", "success_count", "failure_count"),
    "failures": ("report_key", "policy_ix", "failure_ix", "result_type", "failed_session_count"),
    "messages": ("message_sha256", "outcome", "report_keys"),
}


def compare(revision: str, *, full: bool) -> list[dict]:
    """Measure 2,000 files, or 10,000, of three policies each; every second one has two failure details a policy.

    Raises:
        RuntimeError: There is no such revision, or the rows it stores are others.
    """
    count = 10_000 if full else 2_000
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as root, checked_out(revision, Path(root, "tree")) as tree:
        archive, mails, single = write_inputs(Path(root), count)
        commands = [["ingest", archive], ["ingest", mails], ["ingest", mails, "--workers", "0"]]
        commands += [["backfill", archive, "--workers", "2"], ["backfill", mails, "--workers", "2"], ["ingest", single]]
        return [line(what, command, tree, Path(root)) for what, command in zip(LINES, commands, strict=True)]


def write_inputs(root: Path, count: int) -> tuple[Path, Path, Path]:
    """Write so many reports of the last days as files, the same as mails, and one alone; return the three folders."""
    archive, mails, single = folders = root / "archive", root / "mails", root / "single"
    for folder in folders:
        folder.mkdir()
    rng, day = random.Random(8460), datetime.now(UTC).date() - timedelta(days=3)
    for number in range(count):
        content = gzip.compress(report(3, 2 if number % 2 else 0, rng, day), 6, mtime=0)
        (archive / f"google.com!d{number}.json.gz").write_bytes(content)
        (mails / f"{number:06}.eml").write_bytes(mail(content))
    (single / "one.json.gz").write_bytes(content)
    return folders


@contextmanager
def checked_out(revision: str, where: Path) -> Iterator[Path]:
    """Check a revision out for as long as the context lasts.

    Raises:
        RuntimeError: There is none.
    """
    git = ["git", "-C", str(ROOT), "worktree"]
    done = subprocess.run([*git, "add", "--quiet", "--detach", str(where), revision], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no revision {revision!r}: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run([*git, "remove", "--force", str(where)], check=True)


def line(what: str, command: list[str | os.PathLike[str]], tree: Path, root: Path) -> dict:
    """Run a command in both trees by turns; return what it costs here, there, and the ratio.

    Raises:
        RuntimeError: The rows stored are others.
    """
    runs: dict[str, list[Run]] = {"here": [], "there": []}
    stored = {}
    for number in range(ROUNDS):
        for side, where in (("there", tree), ("here", ROOT)):
            lake = Path(tempfile.mkdtemp(dir=root))
            runs[side].append(tlsrpt_of(where, lake, command, root))
            if not number:
                stored[side] = keys_of(lake)
    if stored["here"] != stored["there"]:
        raise RuntimeError(f"{what}: keys or digests of the rows stored differ from those of the other revision")
    here, there = (min(runs[side], key=lambda each: each.cpu_seconds) for side in ("here", "there"))
    return {
        "what": what,
        "reports": len(stored["here"]["reports"]),
        "cpu_seconds": here.cpu_seconds,
        "cpu_seconds_there": there.cpu_seconds,
        "cpu_ratio": here.cpu_seconds / there.cpu_seconds,
        "seconds": here.wall_seconds,
        "seconds_there": there.wall_seconds,
        "peak_mib": here.peak_mib,
        "peak_mib_there": there.peak_mib,
    }


def tlsrpt_of(tree: Path, lake: Path, command: list[str | os.PathLike[str]], root: Path) -> Run:
    """Run the program of a tree on a lake, without the configuration of the machine."""
    nothing = root / "empty.toml"
    nothing.touch()
    environment = {"TLSRPT_CONFIG": str(nothing), "TLSRPT_TRUST__DKIM": "off", "PYTHONPATH": str(tree)}
    return run([sys.executable, "-m", "pipeline.cli", "--lake", lake, *command], cwd=tree, **environment)


def keys_of(lake: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return keys and digests of all rows of a lake that was written once, sorted; a column the lake does not have is left out."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for table, wanted in _KEYS.items():
        rows: list[tuple[object, ...]] = []
        for file in (lake / table).rglob("*.parquet"):
            if "_delta_log" in file.parts:
                continue
            read = pq.ParquetFile(file)
            names = [name for name in wanted if name in read.schema_arrow.names]
            columns = [read.read(columns=[name]).column(name).to_pylist() for name in names]
            rows += [tuple(map(str, values)) for values in zip(*columns, strict=True)]
        found[table] = sorted(rows, key=str)
    return found
