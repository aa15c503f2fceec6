"""Is mail to my domains delivered over authenticated TLS, is that getting better or worse, and what is wrong now?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard.figures import Way, figure, figure_row
from dashboard.filters import Filters, chosen
from dashboard.fleet import WORST, first, fleet, to_domain, with_verdicts
from dashboard.formatting import ago, number, rate
from dashboard.ground import last_look, read_so_far, say_ground
from dashboard.incident_cards import card
from dashboard.insight import MOST, Silence, incidents, silence
from dashboard.lake_door import Answer, ask, asked, now, settings
from dashboard.muting import say_muted
from dashboard.navigation import Target, link, to_reports
from dashboard.readers import audience
from dashboard.say import say, whole_days
from dashboard.tiles import rows_tile
from dashboard.trends import trends
from pipeline.insight.faults import by_fault
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.api import Coverage, Incident

_CARDS = 5
_NEWS_DAYS = 3


def main() -> None:
    """Draw the page, the quick before the slow."""
    filters = chosen()
    st.title("Overview", anchor=False)
    total = ask("success_rate", **filters.parameters()).iloc[0]
    if not total["sessions"] and not ask("extent").iloc[0]["messages"]:
        say_ground(filters)
        _nothing_yet()
        return
    # What a few aggregates answer is there at once; what has to be concluded from all failures fills its place later.
    sentence = st.empty()
    wrong, domains, published = st.container(), st.container(), st.container()
    reporters = _figures(filters, total)
    trend, last = st.container(), st.container()
    with trend:
        trends(filters)
    say_ground(filters)
    with published:
        _published(filters)
    found = incidents(filters, slot=sentence)
    standing = [one for one in found if one.state == "open"]
    with wrong:
        _wrong_now(standing, found, filters, known=bool(total["sessions"]))
        say_muted(filters)
    silent = silence(filters, slot=sentence)
    _reporters(reporters, total, silent)
    sentence.text(whole_days(_sentence(total, standing, silent, filters)))
    with last:
        _silent(silent.lines)
    with domains:
        _domains(filters, found)


def _nothing_yet() -> None:
    if audience() is not None:
        say("No report about a domain of yours has come yet.")
        return
    say("The lake is empty. Reports appear here after the first ingest:")
    st.code("tlsrpt ingest\ntlsrpt ingest PATH…", language=None)
    say("No mailbox at hand? tlsrpt demo shows the whole way on synthetic mail.")


def _sentence(total: pd.Series, standing: list[Incident], silent: Silence, filters: Filters) -> str:
    """Say in one sentence how things are."""
    if not total["sessions"]:
        return "No report counts in this period and choice: nothing is known."
    used = f"{rate(total['success_rate'])} of the sessions used authenticated TLS"
    ours = [one for one in standing if one.fault == "ours"]
    if silent.is_ours:
        return "All reporters fell silent at once: look at the mailbox and the ingest before anything else."
    if ours:
        return f"{_open(ours)} of ours; {used}."
    if standing:
        return f"{_open(standing)}, {'not' if len(standing) == 1 else 'none of them'} ours; {used}."
    quiet = f"o open incident; {used}."
    known = read_so_far(f"N{quiet}", filters)
    return f"All quiet: n{quiet}" if known == f"N{quiet}" else known


def _open(standing: list[Incident]) -> str:
    """Count faults, as the cards below do; incidents on several domains are named where there are more."""
    faults = len(by_fault(standing))
    if faults == len(standing):
        return count_of(faults, "open incident")
    domains = count_of(len({one.domain for one in standing}), "domain")
    return f"{count_of(faults, 'open fault')} ({count_of(len(standing), 'incident')} on {domains})"


def _figures(filters: Filters, total: pd.Series) -> Any:
    """Draw the figures; return the place of the reporters, of whom it is not known yet who is silent."""
    before = ask("success_rate", **filters.before()).iloc[0]["success_rate"]
    extent = ask("extent").iloc[0]
    columns = figure_row(5)
    with columns[0]:
        figure(
            "Authenticated TLS",
            rate(total["success_rate"]),
            help="Authenticated sessions over the sessions of the period, without reporters that report only on days with failures",
            note=_change(total["success_rate"], before),
        )
    with columns[1]:
        figure("Sessions", total["sessions"], way=Way("All reports", "reports", {}), note=count_of(int(total["domains"]), "domain"))
    with columns[2]:
        figure(
            "Failed sessions",
            total["failed"],
            help="Sessions that did not meet the policy",
            note=f"{number(total['unprotected'])} more found no policy",
            way=Way("See them", "reports", {"failing": "true"}),
        )
    with columns[4]:
        looked = last_look(extent["last_ingested_at"])
        figure(
            "Last ingest",
            ago(looked.at, now()),
            help="The last successful look into a mailbox, whether or not something new was in it",
            note=looked.note,
            way=Way("Ingest health", "ingest", {}) if audience() is None else None,
        )
    place = columns[3].empty()
    _reporters(place, total, None)
    return place


def _reporters(place: Any, total: pd.Series, silent: Silence | None) -> None:
    note = "…" if silent is None else silent.told() if total["reporters"] or silent.lines else "nobody reports"
    with place.container(height="stretch"):
        figure("Reporters", total["reporters"], note=note, way=Way("Who reports", "reporters", {}))


def _change(rate_now: object, before: object) -> str:
    if rate_now is None or before is None or pd.isna(rate_now) or pd.isna(before):  # type: ignore[call-overload]
        return "no period before to compare"
    points = (float(rate_now) - float(before)) * 100  # type: ignore[arg-type]
    if abs(points) < 0.05:
        return "as in the period before"
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'} than the period before"


def _wrong_now(standing: list[Incident], found: list[Incident], filters: Filters, *, known: bool) -> None:
    st.header("What is wrong now?", anchor=False)
    if news := _news(found, filters):
        say(news)
    if not standing and not known:
        say("Nothing is known of this period and choice: no report counts. That is not the same as nothing failing.")
    elif not standing:
        over = sum(one.state == "resolved" for one in found)
        unsure = sum(one.state == "unconfirmed" for one in found)
        say(
            read_so_far("No open incident.", filters)
            + (f" {count_of(over, 'incident')} of this period {'is' if over == 1 else 'are'} over." if over else "")
            + (f" {count_of(unsure, 'incident')} cannot be judged: too few sessions were reported since." if unsure else "")
        )
    faults = by_fault(standing)
    for group in faults[:_CARDS]:
        card(group[0], new=group[0].first_day > _lately(filters), others=group[1:])
    if len(found) > sum(len(group) for group in faults[:_CARDS]):
        link(f"All {len(found):,} incidents of the period" if len(found) < MOST else "All incidents", "incidents")


def _lately(filters: Filters) -> date:
    """Return the last complete day that is not news: the three after it are what a morning after a weekend has not seen yet."""
    return filters.as_of - timedelta(days=settings().insight.settling_days + _NEWS_DAYS)


def _news(found: list[Incident], filters: Filters) -> str:
    """Say what has begun and what has ended on the last complete days."""
    begun = sum(one.first_day > _lately(filters) for one in found)
    over = sum(one.state == "resolved" and one.last_day >= _lately(filters) for one in found)
    parts = [f"{count_of(begun, 'incident')} began" if begun else "", f"{count_of(over, 'incident')} ended" if over else ""]
    said = " and ".join(part for part in parts if part)
    return f"On the last {_NEWS_DAYS} complete days {said}." if said else ""


def _published(filters: Filters) -> None:
    """What the last checks found wrong with what is published: it will fail, or does already."""
    answer = asked("checks_latest", domain=filters.domain)
    wrong = answer.table.filter(pc.is_in(answer.table.column("severity"), value_set=pa.array(("error", "warn"))))
    if not wrong.num_rows:
        return
    rows_tile(
        "Problems in published records",
        answer._replace(table=wrong),
        ("domain", "severity", "place", "what", "fix", "expires_at"),
        unit="Findings of the last check (tlsrpt check) of each domain, worst first. Choose a name to open the domain.",
        empty="",
        alt="Findings of the last checks, worst first",
        key="overview-published",
        to=lambda row: Target("domain", {}, row["domain"]),
        height=260,
    )


def _domains(filters: Filters, found: list[Incident]) -> None:
    every = fleet(filters, found)
    slot = st.empty()
    worst = with_verdicts(first(every, WORST), filters, slot=slot)
    slot.empty()
    rows_tile(
        "Domains that need attention, and their readiness",
        worst.answer,
        ("report_domain", "open_faults", "enforce", "success_rate", "failed", "sessions", "unprotected", "certificate_days", "sts_mode"),
        unit="Worst first. Sessions of the period; the verdict on enforce is based on 28 days. Choose a name to open the domain.",
        empty="No domain has a session in this period.",
        alt="Domains, the worst first",
        key="overview-domains",
        to=to_domain,
    )
    if len(every.names) > len(worst.names):
        link(f"All {len(every.names):,} domains", "domains")


def _silent(silent: Sequence[Coverage]) -> None:
    if not silent:
        return
    lines = [
        {
            "submitter_domain": line.reporter,
            "report_domain": line.domain,
            "silent_since": line.silent_since,
            "usual_every_days": line.usual_every_days,
        }
        for line in silent
    ]
    rows_tile(
        "Reporters that stopped",
        Answer(pa.Table.from_pylist(lines), ("insight_coverage",), {}),
        ("submitter_domain", "report_domain", "silent_since", "usual_every_days"),
        unit="Reporters that missed several of their usual days, and more than ever before. Choose a row to see its reports.",
        empty="",
        alt="Reporters that are silent",
        key="overview-silent",
        to=lambda row: to_reports(domain=row["report_domain"], reporter=row["submitter_domain"]),
    )


main()
