"""What fails, since when, whose fault it is: the incidents of the period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from dashboard.ask import Answer, asked
from dashboard.columns import rows_of
from dashboard.filters import Filters, chosen
from dashboard.incident_cards import headline
from dashboard.insight import INCIDENT_QUESTIONS, incidents
from dashboard.navigation import go
from dashboard.tiles import tile
from dashboard.verdicts import FAULTS, STATES
from dashboard.words import count_of
from pipeline.insight.meaning import explain_result_type

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.insight.api import Incident

_STATES = ("open", "over", "all")


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Incidents", anchor=False)
    found = incidents(filters.as_of, filters.days, filters.domain)
    with st.container(horizontal=True):
        state = st.segmented_control("State", _STATES, default="all", required=True, key="state", bind="query-params")
        fault = st.segmented_control("Fault", ("any", *FAULTS), default="any", required=True, key="fault", bind="query-params")
    shown = [one for one in found if _fits(one, state or "all", fault or "any")]
    st.text(_summary(found))
    _list(shown, filters)
    _by_result(filters)


def _fits(incident: Incident, state: str, fault: str) -> bool:
    over = incident.state == "resolved"
    return (state == "all" or over == (state == "over")) and fault in ("any", incident.fault)


def _summary(found: list[Incident]) -> str:
    if not found:
        return "No incident in this period. Single stray failures are counted, and are none."
    standing = [one for one in found if one.state == "open"]
    ours = sum(one.fault == "ours" for one in standing)
    return (
        f"{count_of(len(found), 'incident')} in this period, {len(standing)} open, {ours} of these ours. The trust filter has no say here."
    )


def _list(shown: list[Incident], filters: Filters) -> None:
    lines = [_line(one) for one in shown]
    names = ["incident", "fault", "state", "report_domain", "mx_hosts", "first_day", "last_day", "failed_sessions", "share", "reporters"]
    picked: list[int] = []

    def draw(frame: pd.DataFrame) -> None:
        place = rows_of(frame, names, alt="Incidents, the open ones first", key="incidents")
        if place is not None:
            picked.append(place)

    tile(
        "Which incidents are there?",
        Answer(pa.Table.from_pylist(lines), INCIDENT_QUESTIONS, {"as_of": filters.as_of, "days": filters.days, "domain": filters.domain}),
        draw,
        unit="Failed sessions; the share is that of the sessions of the reporters it hit. Choose a row to open the incident.",
        empty="None that fits.",
    )
    if picked:
        go("incident", id=shown[picked[0]].id)


def _line(one: Incident) -> dict[str, Any]:
    return {
        "incident": headline(one),
        "fault": FAULTS[one.fault].short,
        "state": STATES[one.state].short,
        "report_domain": one.domain,
        "mx_hosts": list(one.mx_hosts),
        "first_day": one.first_day,
        "last_day": one.last_day,
        "failed_sessions": one.failed_sessions,
        "share": one.share,
        "reporters": len(one.reporters),
        "id": one.id,
    }


def _by_result(filters: Filters) -> None:
    names = ["result_type", "mentions", "means", "domains", "mx_hosts", "reporters", "first_day", "last_day"]

    def draw(frame: pd.DataFrame) -> None:
        told = frame.assign(means=[explain_result_type(name).meaning for name in frame["result_type"]])
        rows_of(told.replace({"result_type": {"": "no details given"}}), names, alt="Result types, the most mentioned first")

    tile(
        "Which results do senders give, and what do they mean?",
        asked("failures_by_result_type", **filters.parameters()),
        draw,
        unit="Mentions, strays included; the meaning is ours, after RFC 8460 §4.3.",
        empty="No failures in this period.",
    )


main()
