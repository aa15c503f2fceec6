"""What a group of readers costs beside the operator: questions, the page, and two hundred groups in turn.

A group of fifty among 5,000 domains is asked the same questions as the operator, in one run, better of two; the operator has the sums of
closed months, of which a group is given none. The page is visited by both, each by a server that has just started and a browser that has
signed in before, at a provider on loopback. Then two hundred groups of 25 domains are opened one after another by the page's own door, in
a process of its own: how many lakes are open at most, how long the first answer of each takes, and the memory.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Settings
from pipeline.groups import GroupSettings
from pipeline.query import open_lake
from tests.bench import process
from tests.bench.dashboard import AS_OF as IN_ADDRESS
from tests.bench.dashboard import ENDED, first_chart, idle, period, several, switch, timed
from tests.bench.figures import Figure, Pair
from tests.bench.make_lake import LAST_DAY, cached, maintained
from tests.bench.memory import with_peak
from tests.dashboard.browser import Visit, chromium, free_port, serving
from tests.dashboard.oidc import provider, secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.query import Lake

DOMAINS = 5000
OF_GROUP = tuple(f"domain{number:05d}.example" for number in range(37, DOMAINS, 100))
GROUPS = 200
OF_EACH = DOMAINS // GROUPS
AS_OF = (LAST_DAY + timedelta(days=2)).date()
SINCE = AS_OF - timedelta(days=89)
PERIOD = {"since": SINCE, "until": AS_OF, "as_of": AS_OF}
QUESTIONS = (
    "extent", "ground", "ground_left_out", "success_rate", "sessions_by_day", "sessions_by_domain", "fleet", "reporters_seen",
    "reported_domains", "reports_found", "insight_coverage", "failures_by_mx",
)  # fmt: skip
WITHOUT_PERIOD = {"extent", "reporters_seen", "reported_domains"}
PAGES = ("Incidents", "Domain", "All domains", "Reporters", "MX hosts", "Reports", "Overview")
COLD = ("page, cold, to the first chart", "page, cold, to interactive, after that")
"""Meanwhile the server works out what the operator sees first, too, whoever looks."""
ROUNDS = 2
WHO = {"operator": "ops@provider.example", "group": "ann@client.example"}


def main(*, full: bool) -> list[dict]:
    """Measure on a million policy rows, or on ten million."""
    where = maintained(cached(policies=10_000_000 if full else 1_000_000, domains=DOMAINS))
    return [*questions(where), *in_turn(where), *page(where)]


def questions(where: Path) -> list[dict]:
    """Ask both the same."""
    settings = Settings(lake={"path": str(where)}, group=(GroupSettings(name="client", domains=OF_GROUP),))
    with open_lake(settings=settings) as lake:
        sums = sum(1 for _ in lake.make_sums(f"{AS_OF:%Y-%m}"))
    asked: dict[str, Callable[[Lake], object]] = {name: lambda lake, name=name: lake.ask(name, **_given(lake, name)) for name in QUESTIONS}
    asked["incidents, 90 days"] = lambda lake: lake.incidents(as_of=AS_OF, evidence=None)
    asked["coverage"] = lambda lake: lake.coverage(as_of=AS_OF)
    rows: list[dict] = [{"what": "months of which sums were made, for the operator", "months": sums}]
    with open_lake(settings=settings) as operator, open_lake(settings=settings, group="client") as group:
        for lake in (operator, group):  # habits are learned once a lake, before anything is measured
            began = time.process_time()
            lake.ask("success_rate", **_given(lake, "success_rate"))
            rows.append(
                {"what": "open and first answer, habits learned", "of": "operator" if lake is operator else "group", "cpu_s": _since(began)}
            )
        for name, work in asked.items():
            (theirs, their_mib), (ours, mib) = (min(_cost(lake, work) for _ in range(ROUNDS)) for lake in (operator, group))
            rows.append({"what": name, "operator": theirs, "group": ours, "ratio": round(ours / max(theirs, 0.001), 2)})
            rows[-1] |= {"operator_mib": their_mib, "group_mib": mib}
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def _given(lake: Lake, name: str) -> dict[str, object]:
    known = lake.questions[name].parameter_names
    return {key: value for key, value in PERIOD.items() if key in known and name not in WITHOUT_PERIOD} | (
        {"own": []} if "own" in known else {}
    )


def _since(began: float) -> float:
    return round(time.process_time() - began, 3)


def _cost(lake: Lake, work: Callable[[Lake], object]) -> tuple[float, float]:
    """Processor seconds, and the most memory of this process meanwhile, in which both lakes are open."""
    lake._extent = None  # it is kept, since so much begins with it
    began = time.process_time()
    _, peak = with_peak(lambda: work(lake))
    return _since(began), round(peak)


def page(where: Path) -> Iterator[dict]:
    """Visit the page as the operator and as a member, each the first to visit a server that has just started."""
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as home, provider() as desk, chromium() as browser:
        folder, port = Path(home), free_port()
        _configure(where, folder, desk.issuer, port)
        cookies = {}
        with _served(where, folder, port) as address:
            for who, email in WHO.items():
                desk.email = email
                there = Visit(browser, address)
                there.open().get_by_role("button", name="Sign in").click()
                there.page.get_by_role("button", name="Sign out").wait_for()
                cookies[who] = there.context.cookies()
                there.close()
        for who in WHO:
            with _served(where, folder, port) as address:

                def visit(address: str = address, who: str = who) -> Visit:
                    there = Visit(browser, address)
                    there.context.add_cookies(cookies[who])
                    return there

                for row in _steps(visit):
                    print(json.dumps(row | {"of": who}), file=sys.stderr, flush=True)
                    yield row | {"of": who}


def _configure(where: Path, folder: Path, issuer: str, port: int) -> None:
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(secrets(issuer, f"http://127.0.0.1:{port}"), encoding="utf-8")
    domains = json.dumps(list(OF_GROUP))
    (folder / "tlsrpt.toml").write_text(
        f'[lake]\npath = "{where}"\n[dashboard]\nallow = ["{WHO["operator"]}"]\n'
        f'[[group]]\nname = "client"\nmembers = ["{WHO["group"]}"]\ndomains = {domains}\n',
        encoding="utf-8",
    )


@contextmanager
def _served(where: Path, folder: Path, port: int) -> Iterator[str]:
    with serving(where, "--port", str(port), cwd=folder, TLSRPT_TEST_TODAY=str(LAST_DAY.date())) as address:
        yield address


def _steps(visit: Callable[[], Visit]) -> Iterator[dict]:
    first = visit()
    yield timed("page, cold, to the first chart", lambda: first_chart(first))
    yield timed("page, cold, to interactive, after that", lambda: idle(first))
    first.close()
    there = visit()
    yield several("page, warm, to interactive", [lambda: there.open_quickly(f"?{IN_ADDRESS}")] * 3)
    there.page.evaluate(ENDED)
    for title in PAGES:
        yield timed(f"page, first switch to {title}", lambda title=title: switch(there, title))
    for title in PAGES:
        other = next(name for name in PAGES if name != title)
        yield several(
            f"page, warm switch to {title}",
            [lambda title=title: switch(there, title)] * 3,
            between=lambda other=other: switch(there, other),
        )
    switch(there, "Overview")
    yield timed("page, period to 90d on Overview, first", lambda: period(there, "90d"))
    there.close()


def in_turn(where: Path) -> list[dict]:
    """Open many groups one after another, in a process of its own."""
    ran = process.run([sys.executable, "-m", "tests.bench.groups", str(where)])
    return [json.loads(ran.output.splitlines()[-1]) | {"what": f"{GROUPS} groups of {OF_EACH} in turn", "peak_mib": round(ran.peak_mib)}]


def _turns(where: Path) -> dict[str, object]:
    each = {f"g{place}": [f"domain{number:05d}.example" for number in range(place, DOMAINS, GROUPS)] for place in range(GROUPS)}
    tables = "".join(f'[[group]]\nname = "{name}"\ndomains = {json.dumps(domains)}\n' for name, domains in each.items())
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder:
        config = Path(folder) / "tlsrpt.toml"
        config.write_text(f'[lake]\npath = "{where}"\n{tables}', encoding="utf-8")
        os.environ["TLSRPT_CONFIG"] = str(config)
        from dashboard import lake_door, readers
        from pipeline.groups import audience_of

        seconds, cpu, memory, most = [], [], [], 0
        for group in readers.operators_settings().group:
            began, spent = time.perf_counter(), time.process_time()
            readers.working_for(audience_of([group]), lambda: lake_door.ask("success_rate", **PERIOD))
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() - spent)
            memory.append(_resident_mib())
            most = max(most, len(lake_door._doors))
        lake_door.close()
    return {
        "open_at_most": most,
        "seconds": round(statistics.median(seconds), 3),
        "seconds_at_most": round(max(seconds), 2),
        "cpu_s": round(statistics.median(cpu), 3),
        "mib_first": memory[0],
        "mib_eighth": memory[7],
        "mib_last": memory[-1],
    }


def _resident_mib() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    at = {(row["what"], row.get("of")): row for row in rows}
    beside, named = "the operator, who sees 5,000", f"the page of a group of {len(OF_GROUP)} domains"
    found = [
        _beside(at[name, None]).figure(f"a group of {len(OF_GROUP)} domains: `{name}`", beside)
        for name in ("extent", "ground", "success_rate", "fleet", "reports_found")
    ]
    cold = {who: sum(at[step, who]["server"] for step in COLD) for who in WHO}
    mib = {f"{who}_mib": at[COLD[-1], who]["server_mib"] for who in WHO}
    found.append(_beside(cold | mib).figure(f"{named}, the server, cold, to interactive", beside))
    for step in ("page, warm, to interactive", "page, warm switch to Incidents"):
        spent = {who: at[step, who]["server"] for who in WHO} | {f"{who}_mib": at[step, who]["server_mib"] for who in WHO}
        found.append(_beside(spent).figure(f"{named}, the server, {step[6:]}", beside))
    turn = at[f"{GROUPS} groups of {OF_EACH} in turn", None]
    found.append(Figure(f"{GROUPS} groups in turn: to the first answer of each", "s", turn["seconds"], mib=turn["peak_mib"]))
    after = "MiB", turn["mib_last"], "after eight", turn["mib_eighth"]
    found.append(Figure(f"{GROUPS} groups in turn: memory after the last", *after, mib=turn["peak_mib"]))
    return found


def _beside(spent: dict) -> Pair:
    """Processor seconds and memory of the group beside those of the operator."""
    ours, theirs = ({"cpu": spent[who], "peak_mib": spent[f"{who}_mib"]} for who in ("group", "operator"))
    return Pair(ours, theirs, "cpu", "CPU s")


if __name__ == "__main__":
    print(json.dumps(_turns(Path(sys.argv[1]))))
