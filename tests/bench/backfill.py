"""A bulk import of an archive of small files on local disk: `python -m tests.bench.backfill --files 1000000 --workers 2`.

An archive of gzipped reports is written (a folder for each day, some thousands of domains, one report in eight with failures), and
`tlsrpt backfill` takes it into an empty lake in a process of its own. Wall and processor seconds are those of the driver and all its
workers; memory is the largest sum of what they share (`memory`). The aim for a million files on two
idle cores: under four minutes, under 1 GB. A second run over the same archive shows what going on costs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from tests.bench.archive import write_archive
from tests.bench.figures import Figure, Pair
from tests.bench.process import run


def measured(argv: list[str]) -> dict[str, Any]:
    """Run a command to its end; return what it printed as JSON, with its seconds and the most memory of it and its children."""
    done = run(argv)
    return {
        **json.loads(done.output),
        "wall_s": round(done.wall_seconds, 1),
        "cpu_s": round(done.cpu_seconds, 1),
        "peak_mib": round(done.peak_mib),
    }


def floor_us(archive: Path) -> float:
    """Processor microseconds a file of opening, reading, gunzip and `orjson.loads` alone, over the first few thousand."""
    paths = list(islice((path for path in archive.rglob("*.gz")), 4_000))
    before = time.process_time()
    for path in paths:
        orjson.loads(zlib.decompress(path.read_bytes(), 31))
    return (time.process_time() - before) / len(paths) * 1e6


def bench(files: int, workers: int, root: Path) -> list[dict[str, Any]]:
    """Write the archive where there is none yet, import it twice, and return a row for each run."""
    archive, lake = root / f"archive-{files}", root / "lake"
    if not archive.exists():
        write_archive(archive, files)
    shutil.rmtree(lake, ignore_errors=True)
    argv = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "--lake",
        str(lake),
        "backfill",
        str(archive),
        "--workers",
        str(workers),
        "--format",
        "json",
    ]
    rows = []
    for which in ("first", "again"):
        told = measured(argv)
        assert told["messages"] == files, told
        assert told["reports_new"] == (files if which == "first" else 0), told
        rows.append(
            {
                "run": which,
                "files": files,
                "workers": workers,
                "wall_s": told["wall_s"],
                "cpu_s": told["cpu_s"],
                "files_per_s": round(files / told["wall_s"]),
                "cpu_us_per_file": round(told["cpu_s"] / files * 1e6),
                "peak_mib": told["peak_mib"],
            }
        )
    lake_bytes = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
    rows[0]["lake_bytes_per_file"] = round(lake_bytes / files)
    rows[0]["floor_us_per_file"] = round(floor_us(archive))
    return rows


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    first, again = rows
    what = f"{first['files']:,} report files → lake, `backfill`"
    floor = Pair(first, {"cpu_us_per_file": first["floor_us_per_file"]}, "cpu_us_per_file", "CPU µs/file")
    aim = "240 s" if first["files"] == 1_000_000 else ""
    return [
        floor.figure(what, "read, gunzip and orjson alone"),
        Figure(f"{what}, {first['workers']} workers", "s", first["wall_s"], aim=aim, mib=first["peak_mib"]),
        Figure(f"{what}, once more", "s", again["wall_s"], mib=again["peak_mib"]),
    ]


def main(*, full: bool) -> list[dict[str, Any]]:
    """Measure."""
    with tempfile.TemporaryDirectory() as root:
        return bench(1_000_000 if full else 20_000, 2, Path(root))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--root", type=Path, help="keep archive and lake here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for row in bench(args.files, args.workers, args.root or Path(temporary)):
            print(json.dumps(row))
