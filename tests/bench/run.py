"""Runs the benchmarks of this folder: prints a table each and one of all figures, and keeps everything as JSON.

`python -m tests.bench.run [--full] [--json] [--publish] [NAME …]`; a benchmark is a module with `main(*, full: bool) -> list[dict]`, and
with `figures(rows) -> list[Figure]` where it has something for the one table. `--publish` writes that table to `published.json`, from which
the README shows it, and adds its figures to `history.csv`. `--against REV` runs another revision and this one by turns instead.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import platform
import sys
import time
import traceback
from compileall import compile_dir
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import history, peer
from tests.bench.against import compare
from tests.bench.figures import HEAD, lines

if TYPE_CHECKING:
    from tests.bench.figures import Figure

HERE = Path(__file__).resolve().parent
MAIN = "\ndef main(*, full: bool"
ONLY_FULL = ("cluster", "dashboard", "groups")
"""What takes longer than `make bench` may."""
PUBLISHED = HERE / "published.json"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "streamlit", "imapclient", "orjson", "polars", "pandas")


def names() -> list[str]:
    """The benchmarks there are: the modules with a `main` that takes `full`; the others are what they share."""
    return sorted(path.stem for path in HERE.glob("*.py") if MAIN in path.read_text(encoding="utf-8"))


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    model = next((line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in PACKAGES},
        "parsedmarc": peer.VERSION,
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def table(rows: list[dict]) -> str:
    """The rows as text, numbers to the right."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in [columns, *cells]) for i in range(len(columns))]
    numeric = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]
    lines = [[*columns], ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(line, widths, numeric, strict=True)).rstrip()
        for line in lines
    )


def in_a_process_of_its_own(name: str, *, full: bool) -> list[dict]:
    """Return the rows of a benchmark that finds no memory and no garbage of another."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_rows, name, full=full).result()


def _rows(name: str, *, full: bool) -> list[dict]:
    return list(import_module(f"tests.bench.{name}").main(full=full))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else str(value)


def publish(results: dict, figures: dict[str, list[Figure]]) -> None:
    """Put the figures of a run into the file from which the README shows them; those of benchmarks that were not run stay."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8")) if PUBLISHED.exists() else {"runs": {}}
    machine = results["machine"]
    for name, some in figures.items():
        published["runs"][name] = {
            "at": results["at"],
            "full": results["full"],
            "load": machine["load"],
            "figures": [each._asdict() for each in some],
        }
    published["machine"] = {key: value for key, value in machine.items() if key != "load"}
    published["runs"] = {name: published["runs"][name] for name in names() if name in published["runs"]}
    PUBLISHED.write_text(json.dumps(published, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; all by default")
    parser.add_argument("--full", action="store_true", help="at full size")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")
    parser.add_argument("--publish", action="store_true", help="keep the figures for the README")
    parser.add_argument("--against", metavar="REV", help="run this revision and that one by turns on the same files, and show ratios")
    args = parser.parse_args()
    if args.against:
        print(table(compare(args.against, full=args.full)))
        return 0
    if unknown := sorted(set(args.names) - set(names())):
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {', '.join(names())}")
    results: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "full": args.full, "machine": machine()}
    figures: dict[str, list[Figure]] = {}
    seconds: dict[str, int] = {}
    failed: list[str] = []
    for folder in ("pipeline", "dashboard"):  # as those of an installed program are
        compile_dir(HERE.parents[1] / folder, quiet=1)
    for name in args.names or [name for name in names() if args.full or name not in ONLY_FULL]:
        module = import_module(f"tests.bench.{name}")
        began = time.perf_counter()
        try:
            rows = in_a_process_of_its_own(name, full=args.full)
        except Exception:  # noqa: BLE001  what the others measured must not be lost
            failed.append(name)
            traceback.print_exc()
            continue
        seconds[name] = round(time.perf_counter() - began)
        results[name] = rows
        if hasattr(module, "figures"):
            figures[name] = module.figures(rows)
        if not args.json:
            print(f"\n== {name}: {(inspect.getdoc(module) or '').splitlines()[0]}\n\n{table(rows)}", flush=True)
    everything = [figure for some in figures.values() for figure in some]
    results["figures"] = [each._asdict() for each in everything]
    if everything and not args.json:
        print(f"\n== All figures\n\n{table([dict(zip(HEAD, line, strict=True)) for line in lines(everything)])}", flush=True)
    if args.json:
        json.dump(results, sys.stdout, indent=2, default=str)
    results["seconds"] = seconds
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    file = folder / f"{results['at']}.json".replace(":", "")
    file.write_text(json.dumps(results, indent=2, default=str), encoding="utf-8")
    if args.publish:
        publish(results, figures)
        history.add(str(results["at"]), machine(), figures, full=args.full)
    took = ", ".join(f"{name} {each}" for name, each in seconds.items())
    print(f"\n{sum(seconds.values())} s: {took}", file=sys.stderr)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    print(f"kept in {file.relative_to(HERE.parents[1])}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
