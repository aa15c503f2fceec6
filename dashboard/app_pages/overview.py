"""Is mail to my domains delivered over authenticated TLS, is that getting better or worse, and what is wrong now?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard.ask import Answer, ask, asked, settings
from dashboard.charts.days import calendar, failures_by_day, sessions_by_day
from dashboard.columns import rows_of
from dashboard.figures import Way, figure
from dashboard.filters import Filters, chosen
from dashboard.incident_cards import card
from dashboard.insight import coverage, incidents, readiness
from dashboard.marks import marks
from dashboard.navigation import go, link
from dashboard.tiles import tile
from dashboard.verdicts import VERDICTS
from dashboard.words import ago, count_of, number, rate

if TYPE_CHECKING:
    from pipeline.insight.api import Coverage, Incident

_CARDS = 5
_DOMAINS = 10
"""So many domains have their readiness assessed for the page."""


def main() -> None:
    """Draw the page, the quick before the slow."""
    filters = chosen()
    st.title("Overview", anchor=False)
    total = ask("success_rate", **filters.parameters()).iloc[0]
    if not total["sessions"] and not ask("extent").iloc[0]["messages"]:
        _nothing_yet()
        return
    sentence, figures, wrong, trend = st.empty(), st.container(), st.container(), st.container()
    # What a few aggregates answer is there at once; what has to be concluded from all failures fills its place later.
    sentence.text("Looking for what is wrong …")
    with trend:
        _trend(filters)
    silent = [line for line in coverage(filters) if line.silent_since is not None]
    with figures:
        _figures(filters, total, silent)
    found = incidents(filters.as_of, filters.days, filters.domain)
    standing = [one for one in found if one.state == "open"]
    sentence.text(_sentence(total, standing, silent))
    with wrong:
        _wrong_now(standing, found)
    _domains(filters, found)
    _silent(silent)


def _nothing_yet() -> None:
    st.text("The lake is empty. Reports appear here after the first ingest:")
    st.code(
        "tlsrpt ingest                 # the mailboxes of the configuration\ntlsrpt ingest PATH…           # files, an mbox, a Maildir",
        language=None,
    )
    st.text("No mailbox at hand? tlsrpt demo shows the whole way on synthetic mail.")


def _sentence(total: pd.Series, standing: list[Incident], silent: list[Coverage]) -> str:
    """Say in one sentence how things are."""
    if not total["sessions"]:
        return "No report about this period and choice."
    used = f"{rate(total['success_rate'])} of the sessions used authenticated TLS"
    ours = [one for one in standing if one.fault == "ours"]
    outage = any(line.state == "ingest-outage" for line in silent)
    if outage:
        return "All reporters fell silent at once: look at the mailbox and the ingest before anything else."
    if ours:
        return f"{count_of(len(ours), 'open incident')} of ours; {used}."
    if standing:
        return f"{count_of(len(standing), 'open incident')}, none of them ours; {used}."
    return f"All quiet: no open incident; {used}."


def _figures(filters: Filters, total: pd.Series, silent: list[Coverage]) -> None:
    before = _before(filters)
    extent = ask("extent").iloc[0]
    columns = st.columns(5)
    with columns[0]:
        figure(
            "Authenticated TLS",
            rate(total["success_rate"]),
            help="Authenticated sessions over all sessions of the period",
            note=_change(total["success_rate"], before),
        )
    with columns[1]:
        figure("Sessions", number(total["sessions"]), way=Way("All reports", "reports", {}), note=count_of(int(total["domains"]), "domain"))
    with columns[2]:
        figure(
            "Failed sessions",
            number(total["failed"]),
            help="Sessions that did not meet the policy",
            note=f"{number(total['unprotected'])} more found no policy",
            way=Way("See them", "reports", {"failing": "true"}),
        )
    with columns[3]:
        figure(
            "Reporters",
            number(total["reporters"]),
            note=f"{len({line.reporter for line in silent})} silent" if silent else "none silent",
            way=Way("Who reports", "reporters", {}),
        )
    with columns[4]:
        last = extent["last_ingested_at"]
        figure(
            "Last ingest",
            ago(last, datetime.now(UTC)),
            note="never" if pd.isna(last) else f"{last:%Y-%m-%d %H:%M} UTC",
            way=Way("Ingest health", "ingest", {}),
        )


def _before(filters: Filters) -> object:
    since = filters.since - timedelta(days=filters.days)
    until = filters.since - timedelta(days=1)
    return ask("success_rate", **{**filters.parameters(), "since": since, "until": until}).iloc[0]["success_rate"]


def _change(now: object, before: object) -> str:
    if now is None or before is None or pd.isna(now) or pd.isna(before):  # type: ignore[call-overload]
        return "no period before to compare"
    points = (float(now) - float(before)) * 100  # type: ignore[arg-type]
    if abs(points) < 0.05:
        return "as in the period before"
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'} than the period before"


def _wrong_now(standing: list[Incident], found: list[Incident]) -> None:
    st.header("What is wrong now?", anchor=False)
    if not standing:
        over = sum(one.state == "resolved" for one in found)
        unsure = sum(one.state == "unconfirmed" for one in found)
        st.text(
            "Nothing is open."
            + (f" {count_of(over, 'incident')} of this period {'is' if over == 1 else 'are'} over." if over else "")
            + (f" Of {count_of(unsure, 'incident')} nobody has sent enough since to tell." if unsure else "")
        )
    for one in standing[:_CARDS]:
        card(one)
    if len(found) > len(standing[:_CARDS]):
        link(f"All {len(found)} incidents of the period", "incidents")


def _trend(filters: Filters) -> None:
    days = calendar(filters.since, filters.as_of)
    settling = settings().insight.settling_days
    incomplete = days[-settling:] if settling else []
    changes = marks(filters)
    tile(
        "How many sessions used authenticated TLS, day by day?",
        asked("sessions_by_day", **filters.parameters()),
        lambda frame: st.echarts_chart(
            sessions_by_day(frame, days, incomplete, marks=changes), height=280, alt="Sessions by day, stacked by how they ended"
        ),
        unit="Sessions per UTC day. The pale days are incomplete: reports about them still come.",
        empty="No sessions in this period.",
    )
    tile(
        "What failed, day by day?",
        asked("failures_by_day_and_result_type", **filters.parameters()),
        lambda frame: st.echarts_chart(
            failures_by_day(frame, days, incomplete, marks=changes), height=260, alt="Mentions of failures by day and result type"
        ),
        unit="Mentions per UTC day; a session that failed in two ways is mentioned twice.",
        empty="No failures in this period.",
    )


def _domains(filters: Filters, found: list[Incident]) -> None:
    answer = asked("sessions_by_domain", **filters.parameters())
    frame = answer.frame.sort_values(["failed", "sessions"], ascending=False).head(_DOMAINS)
    names = list(frame["report_domain"])
    verdicts = [readiness(name, filters.as_of).verdict for name in names]
    open_ones = [sum(one.domain == name and one.state == "open" for one in found) for name in names]
    frame = frame.assign(open_incidents=open_ones, enforce=[VERDICTS[verdict].short for verdict in verdicts])
    columns = ["report_domain", "success_rate", "sessions", "failed", "unprotected", "reporters", "open_incidents", "enforce"]
    picked: list[int] = []

    def draw(shown: pd.DataFrame) -> None:
        place = rows_of(shown, columns, alt="Domains, those with most failed sessions first", key="overview-domains")
        if place is not None:
            picked.append(place)
        if answer.table.num_rows > _DOMAINS:
            link(f"All {answer.table.num_rows:,} domains", "domain")

    tile(
        "Which domains fail most, and which may enforce?",
        Answer(pa.Table.from_pandas(frame[columns], preserve_index=False), (*answer.questions, "insight_sts_days"), answer.parameters),
        draw,
        unit="Sessions of the period; the verdict on enforce looks at 28 days. Choose a row to open the domain.",
        empty="No domain has a session in this period.",
    )
    if picked:
        go("domain", domain=names[picked[0]])


def _silent(silent: list[Coverage]) -> None:
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
    tile(
        "Who stopped reporting?",
        Answer(pa.Table.from_pylist(lines), ("insight_coverage",), {}),
        lambda frame: rows_of(frame, list(frame.columns), alt="Reporters that are silent"),
        unit="Reporters that missed several of their usual days, and more than ever before.",
        empty="",
    )


main()
