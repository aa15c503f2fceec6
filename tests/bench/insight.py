"""`tlsrpt incidents`, `readiness` and `coverage` over 90 days of a large lake, as processes of their own: seconds from the shell and back.

Aim: under two seconds each on 10 million policy rows and one million failure rows in 24 months, with two cores. Failures are those of a
large provider: 2,000 domains, each with about four incidents a year that last days or weeks, beside stray failures everywhere.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

from pipeline.report.result_types import RESULT_TYPES
from tests.bench.make_lake import LAST_DAY, Month, make

AS_OF = (LAST_DAY + timedelta(days=2)).date()
_DAYS = 760
_PER_DOMAIN = 8
"""Incidents of a domain in two years."""
_STRAYS = 0.004
"""Share of reports with one stray failure."""
_STRAY_WAYS = np.array(
    [list(RESULT_TYPES).index(name) for name in ("starttls-not-supported", "validation-failure", "sts-policy-fetch-error")]
)


class IncidentMonth(Month):
    """A month in which failures belong to incidents."""

    def failed(self, sessions: np.ndarray) -> np.ndarray:
        """In reports that meet an incident a share of the sessions, in some others one."""
        self.met = self._met()
        share = np.append(_plan(len(self.domain_names))["share"].ravel(), 0.0)[self.met]
        stray = (self.met < 0) & (self.rng.random(len(sessions)) < _STRAYS)
        return np.where(self.met >= 0, np.maximum(1, (sessions * share).astype(np.int64)), stray.astype(np.int64))

    def ways(self, reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each incident fails in one way on one host; strays in any."""
        plan = _plan(len(self.domain_names))
        met = self.met[reports]
        way = np.append(plan["way"].ravel(), 0)[met]
        host = np.append(plan["host"].ravel(), 0)[met]
        anywhere = self.rng.integers(0, 3, len(reports))
        return np.where(met >= 0, way, _STRAY_WAYS[anywhere]), np.where(met >= 0, host, anywhere)

    def _met(self) -> np.ndarray:
        """The number of the incident each report meets; -1 for none."""
        plan = _plan(len(self.domain_names))
        day = (self.first.toordinal() + self.day) - (LAST_DAY.toordinal() - _DAYS)
        met = np.full(self.reports, -1, dtype=np.int64)
        for number in range(_PER_DOMAIN):
            start, length = plan["start"][self.domain, number], plan["length"][self.domain, number]
            alone = plan["alone"][self.domain, number]
            meets = (day >= start) & (day < start + length) & ((alone < 0) | (alone == self.reporter))
            met = np.where(meets, self.domain * _PER_DOMAIN + number, met)
        return met


def _plan(domains: int) -> dict[str, np.ndarray]:
    """When, how and where the incidents of every domain are; the same for every month."""
    rng = np.random.default_rng(4711)
    shape = (domains, _PER_DOMAIN)
    return {
        "start": rng.integers(0, _DAYS, shape),
        "length": 3 + rng.geometric(0.1, shape),
        "way": rng.integers(0, len(RESULT_TYPES), shape),
        "host": rng.integers(0, 3, shape),
        "share": rng.uniform(0.2, 1.0, shape),
        "alone": np.where(rng.random(shape) < 0.2, rng.integers(0, 5, shape), -1),
    }


def lake(*, policies: int) -> Path:
    """The lake, made when it is first asked for."""
    where = Path(__file__).parent / "results" / f"insight-{policies}"
    return make(where, policies=policies, months=24, kind=IncidentMonth)


def run(where: Path, *arguments: str) -> dict:
    """Run the program three times and keep the fastest."""
    best: dict = {}
    for _ in range(3):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "pipeline.cli", "--lake", str(where), *arguments]
        done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "TLSRPT_CONFIG": os.devnull})
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if not best or wall < best["seconds"]:
            best = {"command": " ".join(arguments), "seconds": wall, "cpu_seconds": cpu, "lines": done.stdout.count(b"\n")}
    return best


def main(*, full: bool) -> list[dict]:
    """Ask as a postmaster and as a program would."""
    where = lake(policies=10_000_000 if full else 1_000_000)
    day = ("--as-of", AS_OF.isoformat())
    return [
        run(where, "--version"),
        run(where, "incidents", *day),
        run(where, "incidents", *day, "--format", "json"),
        run(where, "incidents", *day, "--domain", "domain00001.example"),
        run(where, "readiness", "domain00001.example", *day),
        run(where, "coverage", *day),
    ]
