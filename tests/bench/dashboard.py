"""How quick the page is in a browser on a large lake.

Cold is the first visit to a server that has just started, warm a new visit to one whose answers are cached; interactive is when the script
has ended and every chart is drawn. Times are seconds, the middle of several tries where there are several.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.make_lake import LAST_DAY, cached
from tests.dashboard.browser import IDLE, Visit, chromium, serving

PAGES = ("Incidents", "Domain", "Reporters", "MX hosts", "Reports", "Ingest health", "Overview")


def main(*, full: bool) -> list[dict]:
    """Measure on a million policy rows, or on ten million."""
    lake = cached(policies=10_000_000 if full else 1_000_000, months=24)
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder, chromium() as browser, serving(lake, cwd=Path(folder)) as address:
        return [{"what": name, "seconds": seconds} for name, seconds in measured(browser, address)]


def measured(browser, address):
    """Yield what was measured."""
    as_of = f"as_of={LAST_DAY.date()}"
    first = Visit(browser, address)
    yield "cold, to the first chart", timed(lambda: first_chart(first, as_of))
    yield "and to interactive, after that", timed(lambda: idle_after(first))
    yield "warm, to interactive", statistics.median(timed(lambda: Visit(browser, address).open(f"?{as_of}")) for _ in range(3))
    visit = Visit(browser, address)
    visit.open(f"?{as_of}")
    for title in PAGES:
        yield f"first switch to {title}", timed(lambda title=title: switch(visit, title))
    again = [timed(lambda title=title: switch(visit, title)) for title in PAGES * 2]
    yield "warm page switch, middle", statistics.median(again)
    yield "warm page switch, worst", max(again)
    for title in ("Overview", "Reporters"):
        switch(visit, title)
        yield f"period to 7d on {title}, first", timed(lambda: period(visit, "7d"))
        yield f"period back to 28d on {title}", timed(lambda: period(visit, "28d"))
        yield f"period to 90d on {title}, first", timed(lambda: period(visit, "90d"))
        period(visit, "28d")
    visit.well()


def timed(act) -> float:
    """How long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def first_chart(visit: Visit, as_of: str) -> None:
    """Until the sessions by day are drawn."""
    visit.page.goto(f"{visit.address}/?{as_of}")
    visit.page.locator('[data-testid="stEChartsChart"] canvas').first.wait_for(timeout=120_000)


def idle_after(visit: Visit) -> None:
    """Until everything is there."""
    visit.page.wait_for_function(IDLE, polling=20, timeout=300_000)


def switch(visit: Visit, title: str) -> None:
    """To another page, without the pauses of the tests."""
    visit.page.locator('[data-testid="stSidebarNav"] a', has_text=title).first.click()
    idle(visit)


def period(visit: Visit, name: str) -> None:
    """Another period."""
    visit.page.locator('[data-testid="stSidebar"] button', has_text=name).first.click()
    idle(visit)


def idle(visit: Visit) -> None:
    """Until the run that the click began has ended and the charts are there."""
    visit.page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'running'", polling=10)
    visit.page.wait_for_function(IDLE, polling=20, timeout=120_000)
