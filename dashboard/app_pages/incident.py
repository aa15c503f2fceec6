"""One incident: what it means, what to do, whose fault and why, its course, and the reports that prove it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard.charts.days import calendar, failures_by_day
from dashboard.charts.heat import heat, height_of
from dashboard.drawn import chart
from dashboard.filters import Filters, chosen
from dashboard.formatting import NO_HOST, NO_RESULT, is_plain_name, listed, number, plain, without_marks
from dashboard.incident_cards import also_on, headline, where
from dashboard.insight import incident, same_fault
from dashboard.lake_door import Answer, asked, settings
from dashboard.marks import marks
from dashboard.muting import mute_form
from dashboard.navigation import Target, link, place, titled, to_report, to_reports
from dashboard.say import say
from dashboard.signs import FAULTS, STATES
from dashboard.tickets import ticket
from dashboard.tiles import Rows, rows_tile, tile
from pipeline.insight.habits import read_counting
from pipeline.insight.letter import letter
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.insight.api import Incident

_MARGIN = timedelta(days=7)
_HEAT_ROWS = 30
_EVIDENCE = 50
_OTHERS = 12
_LINKED = 8
_IDS = 5
"""Report-ids that a letter names."""


def main() -> None:
    """Draw the page."""
    filters = chosen()
    slot = st.empty()
    found = incident(place("id") or "", filters, slot=slot)
    slot.empty()
    if found is None:
        st.title("Incident", anchor=False)
        say("No such incident in this period; a longer period may have it.")
        link("All incidents", "incidents")
        return
    _head(found, filters)
    _advice(found)
    answer = failures_of(found, filters)
    _course(found, answer, filters)
    _senders_and_hosts(found, answer)
    proof = _proof(found)
    mute_form(found, filters)
    with st.container(border=True):
        st.header("Copy for a ticket", anchor=False)
        st.caption("Plain text; the button at its corner copies it.")
        st.code(ticket(found, proof), language=None, wrap_lines=True)
    _letter(found, proof)


def _letter(found: Incident, proof: list[dict[str, Any]]) -> None:
    """Draw what to write to the sender's postmaster where the fault is theirs."""
    text = letter(found, [str(report["report_id"]) for report in proof[:_IDS]])
    if text is not None:
        with st.container(border=True):
            st.header("Write to the sender", anchor=False)
            st.caption("A letter to their postmaster with the proof; look at your own side first.")
            st.code("\n".join(map(plain, text.split("\n"))), language=None, wrap_lines=True)


def _head(found: Incident, filters: Filters) -> None:
    fault, state = FAULTS[found.fault], STATES[found.state]
    link("← All incidents", "incidents")
    titled(f"{headline(found)}: {found.domain}")
    st.title(headline(found), anchor=False)
    with st.container(horizontal=True, gap="small"):
        st.badge(state.short, color=state.colour)
        st.badge(fault.short, color=fault.colour)
        if found.blocking:
            st.badge("blocks enforce", color="orange")
    say(where(found))
    if others := same_fault(found, filters):
        say(also_on(found, others))
        with st.container(horizontal=True, gap="small"):
            for place_of, one in enumerate(others[:_OTHERS], start=1):
                link(f"Domain {place_of}" if not is_plain_name(one.domain) else one.domain, "incident", id=one.id)


def _advice(found: Incident) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.header("What it means", anchor=False)
        say(found.meaning)
        st.caption(found.rfc)
        st.header("Why this verdict", anchor=False)
        say(f"{FAULTS[found.fault].words}.")
        say(found.comparison)
        for sentence in read_counting(_answered, found):
            say(sentence)
    with right.container(border=True, height="stretch"):
        st.header("What to do", anchor=False)
        if found.last_check:
            say(f"{without_marks(found.last_check.sentence)}.")
        say(found.fix)
    if found.commands:
        with st.container(border=True, key="commands"):
            st.header("What shows it from outside", anchor=False)
            st.code("\n".join(map(_in_parts, found.commands)), language=None, wrap_lines=True)
    with st.container(border=True):
        st.header("Where", anchor=False)
        lines = (
            ("MX hosts", found.mx_hosts),
            ("Addresses", found.receiving_ips),
            ("Reporters", found.reporters),
            ("Results", tuple(name or NO_RESULT for name in found.result_types)),
            ("Reason codes, as sent", found.reasons),
        )
        say("\n".join(f"{label}: {listed(texts, 12) or 'none named'}" for label, texts in lines))
        with st.container(horizontal=True, gap="small"):
            _link(found.domain, "domain", domain=found.domain)
            for host in found.mx_hosts[:_LINKED]:
                _link(host, "reports", domain=found.domain, host=host, failing="true")
            for reporter in found.reporters[:_LINKED]:
                _link(reporter, "reports", domain=found.domain, reporter=reporter, failing="true")


def _answered(question: str, **parameters: Any) -> pa.Table:
    return asked(question, **parameters).table


def _in_parts(command: str) -> str:
    """Return a command with what is done with its answer on a line of its own, which a shell takes as it is."""
    return command.replace(" </dev/null", " \\\n  </dev/null")


def _link(name: str, page: str, **parameters: str) -> None:
    """Draw a name as a link, where it can be nothing else in Markdown."""
    if is_plain_name(name):
        link(name, page, **parameters)


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
    ].assign(receiving_mx_hostname=named.fillna(NO_HOST))
    keys = ["report_day", "submitter_domain", "receiving_mx_hostname", "result_type"]
    by_type = frame.groupby([*keys, "policy_type"], as_index=False)["mentions"].sum()
    larger = by_type.groupby(keys, as_index=False)["mentions"].max()
    return Answer(pa.Table.from_pandas(larger, preserve_index=False), answer.questions, answer.parameters)


def _course(found: Incident, answer: Answer, filters: Filters) -> None:
    since, until = max(found.first_day - _MARGIN, date(2016, 1, 1)), min(found.last_day + _MARGIN, filters.as_of)
    days = calendar(since, until)
    settling = timedelta(days=settings().insight.settling_days)
    pale = [day for day in days if day > (filters.as_of - settling).isoformat()]
    changes = marks(filters._replace(since=since, as_of=until, domain=found.domain))
    tile(
        "How did it go, day by day?",
        answer,
        lambda frame: chart(
            failures_by_day(frame, days, pale, marks=changes),
            key="course",
            height=260,
            alt="Failures of this incident by day and result type",
            to=lambda part: _to(found, day=part.column, result=None if str(part.row).endswith(" others") else part.row),
        ),
        unit="Failures of this kind per UTC day, as the reporters named count them; a week before and after. Pale days are incomplete, "
        "upright lines are changes of what is published. "
        f"{_adds_up(found, answer)}Choose a bar to see its reports.",
        empty="The reports of those days are no longer in the lake.",
        rows=Rows(
            ("report_day", "submitter_domain", "receiving_mx_hostname", "result_type", "mentions"),
            lambda row: _to(found, day=row["report_day"], reporter=row["submitter_domain"], host=row["receiving_mx_hostname"]),
        ),
    )


def _adds_up(found: Incident, answer: Answer) -> str:
    """Name the difference between the failures drawn and the failed sessions of the incident, where there is one."""
    rows = answer.table.to_pylist()
    drawn = sum(row["mentions"] for row in rows)
    within = sum(row["mentions"] for row in rows if found.first_day <= row["report_day"] <= found.last_day)
    if drawn == within == found.failed_sessions:
        return ""
    around = f", and {number(drawn - within)} in the weeks around it" if drawn > within else ""
    why = (
        "" if within == found.failed_sessions else "; a session that failed in several ways is one session, and single strays are left out"
    )
    return (
        f"Drawn are {number(within)} failures on the days of the incident{around}; it counts {number(found.failed_sessions)} failed "
        f"sessions{why}. "
    )


def _to(found: Incident, **wanted: object) -> Target:
    return to_reports(domain=found.domain, failing="true", **wanted)


def _senders_and_hosts(found: Incident, answer: Answer) -> None:
    def draw(frame: pd.DataFrame) -> Target | None:
        sums = frame.groupby(["receiving_mx_hostname", "submitter_domain"], as_index=False).agg({"mentions": "sum"}).to_dict("records")
        hosts = sorted({str(row["receiving_mx_hostname"]) for row in sums})
        order = frame.groupby("submitter_domain")["mentions"].sum().sort_values(ascending=False)
        senders = [str(name) for name in order.index[:_HEAT_ROWS]]
        values = {(str(row["receiving_mx_hostname"]), str(row["submitter_domain"])): int(row["mentions"]) for row in sums}
        return chart(
            heat(hosts, senders, values, unit="failures"),
            key="senders-and-hosts",
            height=height_of(len(senders), hosts),
            alt="Failures by MX host and sender",
            to=lambda part: _to(found, host=part.column, reporter=part.row),
        )

    tile(
        "Affected senders by host",
        answer,
        draw,
        unit="Failures from a week before to a week after; an empty cell: no failure is named there. Choose a cell to see them.",
        empty="The reports of those days are no longer in the lake.",
    )


def _proof(found: Incident) -> list[dict[str, Any]]:
    """Draw the reports that prove it; return them, the newest first."""
    keys = pa.array(found.report_keys[:_EVIDENCE], pa.string())
    answer = asked(
        "reports_found", since=found.first_day, until=found.last_day, domain=found.domain, failing=True, counted=True, at_most=5000
    )
    table = answer.table.filter(pc.is_in(answer.table.column("report_key"), value_set=keys))
    rows_tile(
        "Evidence: the reports",
        Answer(table, ("insight_evidence", *answer.questions), answer.parameters),
        ("report_day", "submitter_domain", "report_id", "sessions", "failed", "trust_tier", "received_at"),
        unit=f"{count_of(found.report_count, 'report')}, the newest {table.num_rows} shown. Choose a name to open the report.",
        empty="The reports are no longer in the lake.",
        alt="The reports behind the incident, newest first",
        key="proof",
        to=lambda row: to_report(row["report_key"], incident=found.id),
    )
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


main()
