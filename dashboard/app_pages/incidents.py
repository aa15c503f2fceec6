"""What fails, since when, whose fault it is: the incidents of the period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from dashboard.filters import Filters, chosen
from dashboard.formatting import NO_RESULT
from dashboard.ground import NOTHING_COUNTS, ground_of, read_so_far
from dashboard.incident_cards import card, headline
from dashboard.insight import INCIDENT_QUESTIONS, MOST, incidents
from dashboard.lake_door import Answer, asked
from dashboard.navigation import Target, to_reports
from dashboard.say import say, whole_days
from dashboard.signs import FAULTS, STATES
from dashboard.tiles import rows_tile
from pipeline.insight.advice.explanations import explain_result_type
from pipeline.insight.failed_share import share_of
from pipeline.insight.faults import by_fault
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.insight.api import Incident

_CARDS = 20
_STATES = ("open", "over", "all")


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Incidents", anchor=False)
    summary = st.empty()
    with st.container(horizontal=True):
        state = st.segmented_control("State", _STATES, default="all", required=True, key="state", bind="query-params")
        fault = st.segmented_control("Fault", ("any", *FAULTS), default="any", required=True, key="fault", bind="query-params")
    place = st.container()
    _by_result(filters)
    found = incidents(filters, slot=summary)
    summary.text(whole_days(_summary(found, filters)))
    with place:
        groups = by_fault([one for one in found if _fits(one, state or "all", fault or "any")])
        if not groups:
            _list(groups, filters)
            return
        with st.container(key="on-a-desk"):
            _list(groups, filters)
        with st.container(key="on-a-phone"):
            _cards(groups)


def _fits(incident: Incident, state: str, fault: str) -> bool:
    over = incident.state == "resolved"
    return (state == "all" or over == (state == "over")) and fault in ("any", incident.fault)


def _summary(found: list[Incident], filters: Filters) -> str:
    if not found:
        if not ground_of(filters).reports:
            return NOTHING_COUNTS
        return f"{read_so_far('No incident in this period.', filters)} Single stray failures are counted, but are no incident."
    standing = [one for one in found if one.state == "open"]
    ours = sum(one.fault == "ours" for one in standing)
    many = f"The newest {MOST:,} incidents" if len(found) == MOST else count_of(len(found), "incident")
    faults = len(by_fault(standing))
    in_all = f" ({count_of(faults, 'fault')}, some on several domains)" if faults < len(standing) else ""
    return f"{many} of this period, {len(standing):,} open{in_all}, {f'{ours:,}' if ours else 'none'} of them ours."


def _cards(groups: list[list[Incident]]) -> None:
    """Draw the faults as cards, which a phone has room for (`style.css` shows one or the other)."""
    st.header("Faults of the period, one by one", anchor=False)
    for group in groups[:_CARDS]:
        card(group[0], others=group[1:])
    if len(groups) > _CARDS:
        say(f"The first {_CARDS} of {count_of(len(groups), 'fault')}; the filters above choose others.")


def _list(groups: list[list[Incident]], filters: Filters) -> None:
    names = ["incident", "fault", "state", "report_domain", "mx_hosts", "first_day", "failed_sessions", "share", "last_day", "reporters"]
    asked_for = {"as_of": filters.as_of, "days": filters.days, "domain": filters.domain, "tiers": filters.tiers}
    rows_tile(
        "Faults of the period",
        Answer(pa.Table.from_pylist([_line(group) for group in groups]), INCIDENT_QUESTIONS, asked_for),
        names,
        unit="One row per fault, with its domains together. Failed sessions; the share is that of the sessions of the reporters it hit. "
        "Choose a name to open it.",
        empty="None that fits.",
        alt="Incidents, the open ones first",
        key="incidents",
        to=lambda row: Target("incident", {"id": row["id"]}),
        height=460,
    )


def _line(group: list[Incident]) -> dict[str, Any]:
    """Return one fault as a row: its domains together, its sessions summed."""
    first = group[0]
    return {
        "incident": headline(first),
        "fault": FAULTS[first.fault].short,
        "state": STATES[first.state].short,
        "report_domain": [one.domain for one in group],
        "mx_hosts": sorted({host for one in group for host in one.mx_hosts}),
        "first_day": min(one.first_day for one in group),
        "last_day": max(one.last_day for one in group),
        "failed_sessions": sum(one.failed_sessions for one in group),
        "share": share_of(group),
        "reporters": len({reporter for one in group for reporter in one.reporters}),
        "id": first.id,
    }


def _by_result(filters: Filters) -> None:
    rows_tile(
        "Result types and their meaning",
        asked("failures_by_result_type", **filters.parameters()),
        ("result_type", "mentions", "means", "domains", "mx_hosts", "reporters", "last_day", "first_day"),
        unit="Mentions, strays included; the meaning is ours, after RFC 8460 §4.3. Choose a row to see the reports.",
        empty="No failures in this period.",
        alt="Result types, the most mentioned first",
        key="results",
        to=lambda row: to_reports(result=row["result_type"] or NO_RESULT),
        change=_explained,
    )


def _explained(frame: pd.DataFrame) -> pd.DataFrame:
    told = frame.assign(means=[explain_result_type(name).meaning for name in frame["result_type"]])
    return told.replace({"result_type": {"": NO_RESULT}})


main()
