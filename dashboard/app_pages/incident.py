"""One incident: what it means, what to do, whose fault and why, its course, and the reports that prove it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from dashboard.ask import Answer, asked
from dashboard.charts.days import calendar, failures_by_day
from dashboard.charts.heat import heat, height_of
from dashboard.columns import rows_of
from dashboard.filters import Filters, chosen
from dashboard.incident_cards import headline, where
from dashboard.insight import incident
from dashboard.navigation import go, link, place
from dashboard.tickets import ticket
from dashboard.tiles import tile
from dashboard.verdicts import FAULTS, STATES
from dashboard.words import listed

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.insight.api import Incident

_MARGIN = timedelta(days=7)
_HEAT_ROWS = 30
_EVIDENCE = 50


def main() -> None:
    """Draw the page."""
    filters = chosen()
    found = incident(place("id") or "", filters.as_of, filters.days, filters.domain)
    if found is None:
        st.title("Incident", anchor=False)
        st.text("There is no such incident in this period; a longer period may have it.")
        link("All incidents", "incidents")
        return
    _head(found)
    _advice(found)
    answer = failures_of(found, filters)
    _course(found, answer, filters)
    _senders_and_hosts(answer)
    _proof(found)
    with st.container(border=True):
        st.header("Copy for a ticket", anchor=False)
        st.caption("Plain text; the button at its corner copies it.")
        st.code(ticket(found), language=None, wrap_lines=True)


def _head(found: Incident) -> None:
    fault, state = FAULTS[found.fault], STATES[found.state]
    link("← All incidents", "incidents")
    st.title(headline(found), anchor=False)
    with st.container(horizontal=True, gap="small"):
        st.badge(state.short, color=state.colour)
        st.badge(fault.short, color=fault.colour)
        if found.blocking:
            st.badge("stands in the way of enforce", color="orange")
    st.text(where(found))


def _advice(found: Incident) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.header("What it means", anchor=False)
        st.text(found.meaning)
        st.caption(found.rfc)
        st.header("Whose fault, and why", anchor=False)
        st.text(f"{FAULTS[found.fault].words}.")
        st.text(found.comparison)
    with right.container(border=True, height="stretch"):
        st.header("What to do", anchor=False)
        st.text(found.fix)
        if found.commands:
            st.caption("What shows it from outside:")
            st.code("\n".join(found.commands), language=None, wrap_lines=True)
    with st.container(border=True):
        st.header("Where", anchor=False)
        lines = (
            ("MX hosts", found.mx_hosts),
            ("Addresses", found.receiving_ips),
            ("Reporters", found.reporters),
            ("Results", tuple(name or "no details given" for name in found.result_types)),
            ("Reason codes, as sent", found.reasons),
        )
        st.text("\n".join(f"{label}: {listed(texts, 12) or 'none named'}" for label, texts in lines))


def failures_of(found: Incident, filters: Filters) -> Answer:
    """Return the failures of an incident by day, reporter and host; of sts and tlsa, which repeat each other, the larger."""
    answer = asked(
        "insight_failures",
        since=max(found.first_day - _MARGIN, date(2016, 1, 1)),
        until=min(found.last_day + _MARGIN, filters.as_of),
        as_of=filters.as_of,
        domain=found.domain,
        domains=None,
    )
    frame = answer.frame
    named = frame["receiving_mx_hostname"]
    frame = frame[
        frame["result_type"].isin(found.result_types)
        & frame["submitter_domain"].isin(found.reporters)
        & (named.isna() | named.isin(found.mx_hosts) | (not found.mx_hosts))
    ].assign(receiving_mx_hostname=named.fillna("no host named"))
    keys = ["report_day", "submitter_domain", "receiving_mx_hostname"]
    by_type = frame.groupby([*keys, "result_type", "policy_type"], as_index=False)["mentions"].sum()
    larger = by_type.groupby([*keys, "result_type"], as_index=False)["mentions"].max().groupby(keys, as_index=False)["mentions"].sum()
    return Answer(pa.Table.from_pandas(larger, preserve_index=False), answer.questions, answer.parameters)


def _course(found: Incident, answer: Answer, filters: Filters) -> None:
    days = calendar(max(found.first_day - _MARGIN, date(2016, 1, 1)), min(found.last_day + _MARGIN, filters.as_of))
    pale = [day for day in days if day > (filters.as_of - timedelta(days=2)).isoformat()]
    tile(
        "How did it go, day by day?",
        answer,
        lambda frame: st.echarts_chart(
            failures_by_day(frame, days, pale, by="submitter_domain"), height=250, alt="Failures of this incident by day and reporter"
        ),
        unit="Failures of this kind per UTC day, as the reporters named count them; a week before and after. Pale days are incomplete.",
        empty="The reports of those days are no longer in the lake.",
    )


def _senders_and_hosts(answer: Answer) -> None:
    def draw(frame: pd.DataFrame) -> None:
        sums = frame.groupby(["receiving_mx_hostname", "submitter_domain"], as_index=False).agg({"mentions": "sum"}).to_dict("records")
        hosts = sorted({str(row["receiving_mx_hostname"]) for row in sums})
        order = frame.groupby("submitter_domain")["mentions"].sum().sort_values(ascending=False)
        senders = [str(name) for name in order.index[:_HEAT_ROWS]]
        values = {(str(row["receiving_mx_hostname"]), str(row["submitter_domain"])): int(row["mentions"]) for row in sums}
        st.echarts_chart(
            heat(hosts, senders, values, unit="failures"), height=height_of(len(senders)), alt="Failures by MX host and sender"
        )

    tile(
        "Which senders meet it on which hosts?",
        answer,
        draw,
        unit="Failures from a week before to a week after; an empty cell is a sender that names no failure there.",
        empty="The reports of those days are no longer in the lake.",
    )


def _proof(found: Incident) -> None:
    keys = list(found.report_keys[:_EVIDENCE])
    answer = asked(
        "reports_found", since=found.first_day, until=found.last_day, domain=found.domain, failing=True, counted=True, at_most=5000
    )
    frame = answer.frame
    frame = frame[frame["report_key"].isin(keys)]
    names = ["report_day", "submitter_domain", "report_id", "sessions", "failed", "trust_tier", "received_at"]
    picked: list[int] = []

    def draw(shown: pd.DataFrame) -> None:
        row = rows_of(shown, names, alt="The reports that prove the incident, newest first", key="proof")
        if row is not None:
            picked.append(row)

    tile(
        "Which reports prove it?",
        Answer(pa.Table.from_pandas(frame, preserve_index=False), ("insight_evidence", *answer.questions), answer.parameters),
        draw,
        unit=f"{found.report_count:,} reports in all, the newest {len(frame)} are shown. Choose a row to open the report.",
        empty="The reports are no longer in the lake.",
    )
    if picked:
        go("report", key=str(frame.iloc[picked[0]]["report_key"]))


main()
