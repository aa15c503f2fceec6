"""`tlsrpt incidents`, `readiness` and `coverage` over 90 days of a large lake, as processes of their own: seconds from the shell and back.

Aim: under two seconds each on 10 million policy rows and one million failure rows in 24 months, with two cores. It has 2,000
domains, each with two or three incidents a year that last days or weeks, beside stray failures.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.make_lake import LAST_DAY, cached, kept_of, maintained
from tests.bench.process import best, tlsrpt

KEPT = ("incidents", "coverage")
"""What begins with answers that `tlsrpt maintain` keeps until something is committed (decision 0069)."""
AS_OF = (LAST_DAY + timedelta(days=2)).date()


def timed(where: Path, *arguments: str) -> dict:
    """Run the program three times and keep the cheapest."""
    fastest = best(lambda: tlsrpt(where, *arguments), 3)
    return {
        "command": " ".join(arguments),
        "seconds": fastest.wall_seconds,
        "cpu_seconds": fastest.cpu_seconds,
        "peak_mib": fastest.peak_mib,
        "lines": fastest.output.count("\n"),
    }


def main(*, full: bool) -> list[dict]:
    """Ask as a postmaster and as a program would."""
    where = maintained(cached(policies=10_000_000 if full else 1_000_000))
    day = ("--as-of", AS_OF.isoformat())
    rows = [
        timed(where, "--version"),
        timed(where, "incidents", *day),
        timed(where, "incidents", *day, "--format", "json"),
        timed(where, "incidents", *day, "--domain", "domain00001.example"),
        timed(where, "readiness", "domain00001.example", *day),
        timed(where, "coverage", *day),
    ]
    kept_of(where, AS_OF)
    return rows + [row | {"command": f"{row['command']} (answers kept)"} for row in (timed(where, name, *day) for name in KEPT)]


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    what, aim = "`tlsrpt incidents` over 90 days, from the shell and back", "2 s at 10 million policy rows"
    kept = next(row for row in rows if row["command"].endswith("(answers kept)"))
    return [
        Figure(what, "CPU s", rows[1]["cpu_seconds"], aim=aim, mib=rows[1]["peak_mib"]),
        Figure(f"{what}, answers kept of the day", "CPU s", kept["cpu_seconds"], aim=aim, mib=kept["peak_mib"]),
    ]
