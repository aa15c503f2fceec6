"""Every question of the pages on a large lake: wall and CPU milliseconds, best of three, and rows of the answer.

Over 28 days, which is what the pages begin with, 90 days and two years, of all domains and of one. Aims, on 100 million policy rows in 24
months: the overview's questions in 0.7 s over 90 days and in 1.5 s over two years, those about one domain in 60 ms. `make bench` asks a
million rows, `make bench-full` ten million and a hundred million.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

from pipeline.config import Settings
from pipeline.query import open_lake
from tests.bench.figures import Figure
from tests.bench.make_lake import LAST_DAY, cached, maintained
from tests.bench.memory import with_peak

AS_OF = (LAST_DAY + timedelta(days=2)).date()
DOMAIN = "domain00012.example"
PATIENCE = 4.0
"""Seconds after which a question is not asked again."""
PERIODS = {"28 days": 28, "90 days": 90}
AIMS = {"28 days": "", "90 days": "700 ms by the clock", "2 years": "1,500 ms by the clock"}
OF_ONE = "60 ms by the clock"
TWO_YEARS = ("sessions_by_day", "success_rate", "failures_by_day_and_result_type", "sessions_by_domain", "sessions_by_reporter")
OVERVIEW = ("success_rate", "extent", "sessions_by_day", "failures_by_day_and_result_type", "sessions_by_domain")
"""What the overview asks; its incidents are in the benchmark `insight`."""
OF_DOMAIN = ("success_rate", "sessions_by_day", "sessions_by_reporter", "failures_by_day_and_result_type", "failures_by_mx")


def timed(work):
    """The best of up to three runs: milliseconds by the clock and of the processor, and the most MiB of this process."""
    best, peak = (float("inf"), float("inf")), 0.0
    begun = time.perf_counter()
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        answer, highest = with_peak(work)
        peak = max(peak, highest)
        best = min(best, ((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000))
        if time.perf_counter() - begun > PATIENCE:
            break
    return answer, *best, peak


def main(*, full: bool) -> list[dict]:
    """Ask every question that takes a period, and the look-ups of one report."""
    sizes = {"10 million": (10_000_000, False), "100 million": (100_000_000, True)} if full else {"1 million": (1_000_000, False)}
    return [row for size, (policies, lean) in sizes.items() for row in _asked_of(maintained(cached(policies=policies, lean=lean)), size)]


def _asked_of(where, size: str):
    _, wall, cpu, peak = timed(lambda: open_lake(where, settings=Settings()).close())
    yield {"rows of the lake": size, "question": "(open)", "period": "", "ms": wall, "cpu_ms": cpu, "peak_mib": peak}
    with open_lake(where, settings=Settings()) as lake:
        for name, period, parameters in asked(lake):
            answer, wall, cpu, peak = timed(partial(lake.ask, name, **parameters))
            spent = {"ms": wall, "cpu_ms": cpu, "rows": answer.num_rows, "peak_mib": peak}
            yield {"rows of the lake": size, "question": name, "period": period, **spent}


def asked(lake):
    """Every question that needs no more than a period or the key of a report, with what it is asked."""
    key = lake.sql("select report_key from reports where report_day = $day limit 1", {"day": LAST_DAY.date()}).to_pylist()[0]["report_key"]
    of_pages = {name: question for name, question in lake.questions.items() if not name.startswith("handed_")}  # those are exports
    for name, question in of_pages.items():
        needed = {p.name for p in question.parameters if p.required}
        if needed == {"report_key"}:
            yield name, "all", {"report_key": key}
        elif not needed:
            yield name, "all", {}
        elif needed <= {"since", "until", "as_of"}:
            for period, days in PERIODS.items():
                of_all = {"as_of": AS_OF, "since": AS_OF - timedelta(days=days - 1)}
                yield name, period, of_all
                if "domain" in question.parameter_names:
                    yield name, f"{period}, 1 domain", {**of_all, "domain": DOMAIN}
            if name in TWO_YEARS:
                yield name, "2 years", {"since": AS_OF - timedelta(days=730), "as_of": AS_OF}


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this: the slowest question of each kind, by the clock."""
    found = []
    for size in dict.fromkeys(row["rows of the lake"] for row in rows):
        of_size = [row for row in rows if row["rows of the lake"] == size]
        for period, aim in AIMS.items():
            where = f"{period}, {size} policy rows"
            overview = [row for row in of_size if row["question"] in OVERVIEW and row["period"] in (period, "all")]
            domain = [row for row in of_size if row["question"] in OF_DOMAIN and row["period"] == f"{period}, 1 domain"]
            kinds = ((overview, "slowest question of the overview", aim), (domain, "slowest question about one domain", OF_ONE))
            for asked_of, what, wanted in kinds:
                if asked_of:
                    slowest = max(asked_of, key=lambda row: row["ms"])
                    found.append(Figure(f"{what}, {where}", "ms", slowest["ms"], aim=wanted, mib=slowest["peak_mib"]))
    return found
