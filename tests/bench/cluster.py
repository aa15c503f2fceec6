"""A bulk import on a Dask cluster of worker processes on one host, and where its driver becomes the limit.

One and two workers with the storage as it is, then one to eight with every file 1 ms away, which is what more machines would show: waiting
takes no processor. Processor seconds are told apart: the driver, the scheduler, the workers with their sandboxes. What the driver takes for
a file bounds how many files a second one driver feeds, however many workers there are; what a worker takes says how many workers that is.
Its start is left out of that: an archive of a quarter of the files is imported as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.backfill.dask_cluster import Cluster, dask_cluster
from tests.bench.archive import write_archive
from tests.bench.figures import Figure
from tests.bench.memory import Peak, highest_kib

LATENCY_MS = 1.0
HUNDRED_MILLION = 100_000_000
SLOW = Path(__file__).with_name("slow_storage.py")


def main(*, full: bool) -> list[dict[str, Any]]:
    """Import archives with one worker and more."""
    files = 100_000 if full else 20_000
    with tempfile.TemporaryDirectory() as made:
        archive = Path(made) / "archive"
        write_archive(archive, files)
        few = Path(made) / "few"
        write_archive(few, files // 4)
        rows = [_import(Path(made), few, files // 4, 2, 0.0)]
        rows += [_import(Path(made), archive, files, workers, 0.0) for workers in (1, 2)]
        rows += [_import(Path(made), archive, files, workers, LATENCY_MS) for workers in (1, 2, 4, 8)]
    return rows


def _import(made: Path, archive: Path, files: int, workers: int, latency: float) -> dict[str, Any]:
    folder = made / f"{files}-{workers}-{latency:g}"
    folder.mkdir()
    slow = {"DASK_DISTRIBUTED__WORKER__PRELOAD": repr([str(SLOW)]), "TLSRPT_BENCH_LATENCY_MS": str(latency)}
    with dask_cluster(folder, workers=workers, **slow) as cluster:
        command = ["--lake", str(folder / "lake"), "backfill", str(archive), "--scheduler", cluster.address, "--format", "json"]
        _run([*command, "--dry-run"])  # workers import and start their sandboxes
        before, began = _spent(cluster), time.perf_counter()
        told, driver, peak = _run(command)
        wall = time.perf_counter() - began
        after, beside = _spent(cluster), _highest_mib(cluster)
    assert told["reports_new"] == files, told
    scheduler, working = (after[place] - before[place] for place in (0, 1))
    a_file = 1e6 / files
    return {
        "workers": workers,
        "latency_ms": latency,
        "files": files,
        "wall_s": round(wall, 1),
        "files_per_s": round(files / wall),
        "driver_cpu_us": round(driver * a_file),
        "scheduler_cpu_us": round(scheduler * a_file, 1),
        "workers_cpu_us": round(working * a_file),
        "workers_one_driver_feeds": round(working / driver, 1),
        "peak_mib": round(peak),
        "cluster_peak_mib": round(beside),
    }


def _run(words: list[str]) -> tuple[dict[str, Any], float, float]:
    """What a command printed, its processor seconds, and the most memory it had, in MiB."""
    process = subprocess.Popen([sys.executable, "-m", "pipeline.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watched, spent, peak = psutil.Process(process.pid), 0.0, Peak(process.pid)
    while process.poll() is None:
        try:
            times = watched.cpu_times()
            spent = times.user + times.system
        except psutil.Error:
            break
        time.sleep(0.02)
    out = process.communicate()[0]
    assert process.returncode == 0, f"it ended with {process.returncode}"
    return json.loads(out), spent, peak.mib()


def _highest_mib(cluster: Cluster) -> float:
    """The peaks of the scheduler, and of the workers with all below them, each counted whole, what they share too."""
    working = [psutil.Process(worker.pid) for worker in cluster.workers]
    below = [process.pid for top in working for process in (top, *top.children(recursive=True))]
    return sum(highest_kib(pid) for pid in (cluster.scheduler.pid, *below)) / 1024


def _spent(cluster: Cluster) -> tuple[float, float]:
    """Processor seconds of the scheduler, and of the workers with all below them, the dead ones included."""
    scheduler = psutil.Process(cluster.scheduler.pid).cpu_times()
    working = 0.0
    for worker in cluster.workers:
        top = psutil.Process(worker.pid)
        for process in [top, *top.children(recursive=True)]:
            times = process.cpu_times()
            working += times.user + times.system + (times.children_user + times.children_system if process == top else 0)
    return scheduler.user + scheduler.system, working


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    few, *near = [row for row in rows if not row["latency_ms"]]
    far = [row for row in rows if row["latency_ms"]]
    spent = [row["driver_cpu_us"] * row["files"] for row in (few, near[-1])]
    driver = (spent[1] - spent[0]) / (near[-1]["files"] - few["files"])

    def figure(what: str, unit: str, value: float, row: dict[str, Any]) -> Figure:
        return Figure(f"{what} (memory: the driver / its cluster)", unit, value, mib=row["peak_mib"], their_mib=row["cluster_peak_mib"])

    return [
        figure("a second Dask worker brings", "×", round(near[1]["files_per_s"] / near[0]["files_per_s"], 2), near[1]),
        figure("eight workers instead of one, files 1 ms away", "×", round(far[-1]["files_per_s"] / far[0]["files_per_s"], 2), far[-1]),
        figure("workers that one driver feeds, by processor time", "", round(near[0]["workers_cpu_us"] / driver, 1), near[0]),
        figure("100 million files, all the driver can do", "h", round(HUNDRED_MILLION * driver / 1e6 / 3600, 1), near[-1]),
    ]
