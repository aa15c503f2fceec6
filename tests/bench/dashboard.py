"""How quick the page is in a browser on a large lake: `python -m tests.bench.dashboard [LAKE]`, or with the others by `make bench-full`.

Cold is the first visit to a server that has just started, on a lake that `tlsrpt maintain` has been over since its last commit; once more
it is measured on a day of which no answer is kept (decision 0069). How submitters report is kept even then; after an ingest that commits
something it has to be learned again, too. Warm is a new visit to a server whose answers are cached; interactive is when the script has
ended and every chart is drawn. A page switch or a filter counts from the click. Seconds are of the wall, the middle of several tries where
there are several; `server` and `browser` are the processor seconds both took meanwhile, which do not depend on what else runs on the
machine. No step takes longer than its bound, and each is told when it is done.

The browser is open before the server starts, as a reader's is: what it loads into a new window for itself (its address bar is a page of its
own) is waited for and not measured. Cold is the middle of some starts, each with a new profile, and so is the floor, by turns.

The floor is Streamlit's own page with a title and one chart, visited in the same run by a browser as new: what its server, its 2.6 MB of
JavaScript and one chart take before this program has done anything. Aims, on ten million policy rows: cold to the first chart 2.5 s and to
interactive 4 s, a first-time filter 0.7 s, a warm switch 0.5 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from playwright.sync_api import Error as BrowserError

from tests.bench.figures import Figure, Pair
from tests.bench.make_lake import LAST_DAY, cached, kept_of, maintained
from tests.bench.memory import highest_kib
from tests.dashboard.browser import IDLE, Visit, chromium, free_port, serving, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser

PAGES = ("Incidents", "Domain", "Reporters", "MX hosts", "Reports", "Ingest health", "Overview")
FILTERED = ("Overview", "Incidents", "Reporters", "MX hosts")
AS_OF = f"as_of={LAST_DAY.date()}"
FLOOR, COLD, ANEW = "floor: an empty page of Streamlit, cold", "cold", "cold, nothing kept of the day"
STARTS = 5
SETTLED = 0.5
"""Seconds for which a browser that is ready takes less than a tenth of a processor."""
BOUND = 60.0
"""Seconds a step may take."""
TICKS = os.sysconf("SC_CLK_TCK")
ENDED = """() => {
  window.ended = 0;
  const app = document.querySelector('[data-testid="stApp"]');
  new MutationObserver(changes => {
    for (const change of changes) if (change.oldValue === 'running') window.ended += 1;
  }).observe(app, {attributes: true, attributeOldValue: true, attributeFilter: ['data-test-script-state']});
}"""
"""Counts the runs of the script that have ended, also those that were too short to be seen by looking now and then."""
EMPTY = """
import streamlit as st

st.title("Empty")
bars = {"xAxis": {"type": "category", "data": ["a", "b"]}, "yAxis": {}, "series": [{"type": "bar", "data": [1, 2]}]}
st.echarts_chart(bars, alt="Two bars.")
"""
UNSEEN = 500
"""Milliseconds after which a page that is idle has had a run that was too short to be drawn at all."""


def main(*, full: bool) -> list[dict]:
    """Measure on a million policy rows, or on ten million."""
    return measured(kept_of(maintained(cached(policies=10_000_000 if full else 1_000_000)), LAST_DAY.date()))


def measured(lake: Path) -> list[dict]:
    """Visit every page, and say what each step took, after the same of a page with nothing on it."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as name:
        folder, day, before = Path(name), LAST_DAY.date(), LAST_DAY.date() - timedelta(days=1)
        starts = {
            FLOOR: lambda browser: first_visit(browser, empty_page(folder), AS_OF),
            COLD: lambda browser: first_visit(browser, serving(lake, cwd=folder, TLSRPT_TEST_TODAY=str(day)), AS_OF),
            ANEW: lambda browser: first_visit(browser, serving(lake, cwd=folder, TLSRPT_TEST_TODAY=str(before)), f"as_of={before}"),
        }
        tries: dict[str, list[tuple[dict, dict]]] = {what: [] for what in starts}
        for _ in range(STARTS):
            for what, start in starts.items():
                with chromium() as browser:
                    tries[what].append(start(browser))
                print(what, tries[what][-1], file=sys.stderr, flush=True)
        for what, pairs in tries.items():
            rows.append(middle(f"{what}, to the first chart", [chart for chart, _ in pairs]))
            rows.append(middle(f"{what}, to interactive, after that", [rest for _, rest in pairs]))
        with chromium() as browser, empty_page(folder) as address:
            visits = [new_visit(browser, address) for _ in range(3)]
            rows.append(several("floor: warm, to interactive", [partial(each.open_quickly, f"?{AS_OF}") for each in visits]))
        with chromium() as browser, serving(lake, cwd=folder, TLSRPT_TEST_TODAY=str(day)) as address:
            for row in steps(browser, address):
                print(json.dumps(row), file=sys.stderr, flush=True)
                rows.append(row)
    return rows


def first_visit(browser: Browser, server: AbstractContextManager[str], query: str) -> tuple[dict, dict]:
    """What the first visit to a server that has just started takes, to its chart and from there."""
    visit = new_visit(browser, "")
    with server as visit.address:
        took = timed("", lambda: first_chart(visit, query)), timed("", lambda: idle(visit))
    visit.close()
    return took


def new_visit(browser: Browser, address: str) -> Visit:
    """Open a window, and wait until the browser has loaded into it what it wants."""
    visit = Visit(browser, address)
    until = time.perf_counter() + BOUND
    spent = processors()[1]
    while time.perf_counter() < until:
        time.sleep(SETTLED)
        before, spent = spent, processors()[1]
        if spent - before < SETTLED / 10:
            break
    return visit


@contextmanager
def empty_page(folder: Path) -> Iterator[str]:
    """Serve what Streamlit takes for one chart; the address of the page."""
    script, port = folder / "empty_app.py", free_port()
    script.write_text(EMPTY, encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port), "--server.address", "127.0.0.1"]
    options = ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    with (folder / "empty.log").open("wb") as log:
        server = subprocess.Popen([*command, *options], cwd=folder, env={**os.environ, "HOME": str(folder)}, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=120)


def steps(browser, address) -> Iterator[dict]:
    """Yield what was measured, one step after the other."""
    visit = new_visit(browser, address)
    visit.open(f"?{AS_OF}")
    visits = [new_visit(browser, address) for _ in range(3)]
    yield several("warm, to interactive", [partial(each.open_quickly, f"?{AS_OF}") for each in visits])
    yield several("warm, in the same browser again", [lambda: visit.open_quickly(f"?{AS_OF}")] * 3)
    visit.page.evaluate(ENDED)
    for title in PAGES:
        yield timed(f"first switch to {title}", lambda title=title: switch(visit, title))
    for title in PAGES:
        others = [name for name in PAGES if name != title]
        yield several(
            f"warm switch to {title}", [lambda title=title: switch(visit, title)] * 3, between=lambda other=others[0]: switch(visit, other)
        )
    for title in FILTERED:
        switch(visit, title)
        yield timed(f"period to 7d on {title}, first", lambda: period(visit, "7d"))
        yield timed(f"period back to 28d on {title}", lambda: period(visit, "28d"))
        yield timed(f"period to 90d on {title}, first", lambda: period(visit, "90d"))
        yield several(
            f"period back and forth on {title}", [lambda: period(visit, "28d"), lambda: period(visit, "90d"), lambda: period(visit, "28d")]
        )
    visit.well()
    visit.close()


def timed(what: str, act: Callable[[], object]) -> dict:
    """How long something takes, on the wall and of the processors."""
    server, browser = processors()
    began = time.perf_counter()
    try:
        act()
        failed = None
    except BrowserError as err:
        failed = f"not done in {BOUND:.0f} s: {str(err).splitlines()[0][:80]}"
    seconds = time.perf_counter() - began
    server_after, browser_after = processors()
    row = {
        "what": what,
        "seconds": round(seconds, 3),
        "server": round(server_after - server, 2),
        "browser": round(browser_after - browser, 2),
        "server_mib": server_mib(),
    }
    return row if failed is None else {**row, "seconds": None, "note": failed}


def several(what: str, acts: list[Callable[[], object]], between: Callable[[], object] | None = None) -> dict:
    """The middle of some tries."""
    rows = []
    for act in acts:
        if between is not None and (before := timed(what, between))["seconds"] is None:
            return before
        rows.append(timed(what, act))
    done = [row for row in rows if row["seconds"] is not None]
    if len(done) < len(rows):
        return next(row for row in rows if row["seconds"] is None)
    return middle(what, rows)


def middle(what: str, rows: list[dict]) -> dict:
    """The middle of what was measured several times."""
    columns = ("seconds", "server", "browser", "server_mib")
    return {"what": what, **{name: round(statistics.median(row[name] for row in rows), 3) for name in columns}}


def processors() -> tuple[float, float]:
    """Processor seconds that the page's server and the browser have taken so far."""
    spent = {"server": 0.0, "browser": 0.0}
    parents, seconds, kinds = {}, {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text, command = (folder / "stat").read_text(encoding="utf-8"), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        rest = text[text.rindex(")") + 2 :].split()
        number = int(folder.name)
        parents[number], seconds[number] = int(rest[1]), (int(rest[11]) + int(rest[12])) / TICKS
        kinds[number] = "server" if b"app.py" in command else "browser" if b"chromium" in command else "other"
    for number, kind in kinds.items():
        above = number
        while above not in (0, 1, os.getpid()):
            above = parents.get(above, 0)
        if above == os.getpid() and kind in spent:
            spent[kind] += seconds[number]
    return spent["server"], spent["browser"]


def server_mib() -> int:
    """The most memory that the page's server has had so far, in MiB."""
    below = (each.pid for each in psutil.Process().children(recursive=True))
    servers = [pid for pid in below if b"app.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return round(max(map(highest_kib, servers), default=0) / 1024)


def first_chart(visit: Visit, query: str = AS_OF) -> None:
    """Until the sessions by day are drawn."""
    visit.page.goto(f"{visit.address}/?{query}")
    visit.page.locator('[data-testid="stEChartsChart"] canvas').first.wait_for(timeout=1000 * BOUND)


def switch(visit: Visit, title: str) -> None:
    """To another page."""
    click(visit, visit.page.locator('[data-testid="stSidebarNav"] a', has_text=title).first)


def period(visit: Visit, name: str) -> None:
    """Another period."""
    click(visit, visit.page.locator('[data-testid="stSidebar"] button', has_text=name).first)


def click(visit: Visit, where) -> None:
    """Click, and wait until the run that it began has ended and the charts are there."""
    before = visit.page.evaluate("window.ended")
    visit.page.evaluate("window.clicked = performance.now()")
    where.click(timeout=1000 * BOUND)
    # As a function: what the page allows to run does not take an expression.
    done = "([before, unseen]) => window.ended > before || performance.now() > window.clicked + unseen"
    visit.page.wait_for_function(done, arg=[before, UNSEEN], polling=10, timeout=1000 * BOUND)
    idle(visit)


def idle(visit: Visit) -> None:
    """Until everything is there."""
    visit.page.wait_for_function(IDLE, polling=10, timeout=1000 * BOUND)


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    at = {row["what"]: row for row in rows}
    chart, rest = at[f"{COLD}, to the first chart"], at[f"{COLD}, to interactive, after that"]
    floor_chart, floor_rest = at[f"{FLOOR}, to the first chart"], at[f"{FLOOR}, to interactive, after that"]
    switches = [row["seconds"] for row in rows if row["what"].startswith("warm switch to")]
    filters = [row["seconds"] for row in rows if row["what"].startswith("period to")]
    first = Pair(_seconds(chart["seconds"], chart), _seconds(floor_chart["seconds"], floor_chart), "seconds", "s")
    whole = first._replace(
        ours=_seconds(chart["seconds"] + rest["seconds"], rest), theirs=_seconds(floor_chart["seconds"] + floor_rest["seconds"], floor_rest)
    )
    anew, rest_anew = at[f"{ANEW}, to the first chart"], at[f"{ANEW}, to interactive, after that"]
    whole_anew = whole._replace(ours=_seconds(anew["seconds"] + rest_anew["seconds"], rest_anew))
    beside, large = "an empty page of Streamlit with one chart", "10 million policy rows"
    return [
        first.figure(f"the page, cold, to the first chart, {large}", beside, aim="2.5 s"),
        whole.figure(f"the page, cold, to interactive, {large}", beside, aim="4 s"),
        first._replace(ours=_seconds(anew["seconds"], anew)).figure(f"the page, {ANEW}, to the first chart", beside),
        whole_anew.figure(f"the page, {ANEW}, to interactive", beside),
        Figure("the page, slowest warm switch", "s", max(switches), aim="0.5 s", mib=at["period back and forth on MX hosts"]["server_mib"]),
        Figure("the page, slowest first filter", "s", max(filters), aim="0.7 s", mib=at["period back and forth on MX hosts"]["server_mib"]),
    ]


def _seconds(seconds: float, row: dict) -> dict:
    return {"seconds": seconds, "peak_mib": row["server_mib"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", nargs="?", type=Path, help="one of a million policy rows by default")
    parser.add_argument("--full", action="store_true", help="ten million policy rows")
    chosen = parser.parse_args()
    found = measured(chosen.lake) if chosen.lake else main(full=chosen.full)
    from tests.bench.run import table

    print(table(found))
