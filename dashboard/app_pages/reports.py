"""Every report, searched; each opens in full."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from dashboard.filters import Filters, chosen, reporters
from dashboard.formatting import NO_HOST, NO_RESULT, plain
from dashboard.lake_door import ask, asked
from dashboard.navigation import begin_anew, keep_search, place, to_report
from dashboard.readers import audience
from dashboard.say import say
from dashboard.tiles import rows_tile
from pipeline.output import escape

_MOST = 500
_ANY = "any"
_COUNTED = {"counted": True, "not counted": False, "both": None}
_NARROWED = ("day", "address", "network", "quirk")
"""What a click on another page may ask for beside the fields."""
_COLUMNS = (
    "report_day", "submitter_domain", "report_domains", "sessions", "failed", "organization_name", "report_id", "trust_tier", "counted",
    "quirks", "received_at",
)  # fmt: skip


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Reports", anchor=False)
    wanted = _fields(filters) | _narrowed(filters)
    answer = asked("reports_found", **{**filters.parameters(), **wanted, "at_most": _MOST})
    found = answer.table.num_rows
    rows_tile(
        "Which reports are there?",
        answer,
        _COLUMNS,
        unit=f"{'The newest ' if found == _MOST else ''}{found:,} reports, newest first; sessions per report. Choose a row to open it.",
        empty="No report fits.",
        alt="Reports, newest first",
        key="reports",
        to=lambda row: to_report(row["report_key"]),
        height=640,
    )


def _fields(filters: Filters) -> dict[str, Any]:
    """Draw the fields of the search and return what is asked for."""
    begin_anew({"words": "", "reporter": _ANY, "result": _ANY, "host": _ANY, "shown": "counted", "failing": False})
    names = {escape(name): name for name in reporters(filters.since, filters.as_of)}
    shared = filters.parameters()
    results = {escape(name) or NO_RESULT: name for name in ask("failures_by_result_type", **shared)["result_type"]}
    hosts = {
        escape(name) if isinstance(name, str) else NO_HOST: name if isinstance(name, str) else ""
        for name in ask("failures_by_mx", **shared)["receiving_mx_hostname"]
    }
    columns = st.columns([3, 2, 2, 2])
    words = columns[0].text_input("Report id, organisation, contact or key", key="words", bind="query-params", max_chars=200)
    reporter = _choice(columns[1], "Reporter", names, "reporter")
    result = _choice(columns[2], "With the result", results, "result")
    host = _choice(columns[3], "At the MX host", hosts, "host")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counted = _shown()
        failing = st.toggle("With failed sessions only", key="failing", bind="query-params")
    keep_search({name: value for name in ("words", "reporter", "result", "host", "shown", "failing", *_NARROWED) if (value := place(name))})
    return {
        "words": words or None,
        "reporter": reporter,
        "result_type": result,
        "host": host,
        "counted": counted,
        "failing": bool(failing),
    }


def _shown() -> bool | None:
    """Draw what is shown, and return it; what does not count is the operator's."""
    if audience() is not None:
        return True
    shown = st.segmented_control("Shown", list(_COUNTED), default="counted", required=True, key="shown", bind="query-params")
    return _COUNTED[shown or "counted"]


def _choice(column: Any, label: str, options: dict[str, str], key: str) -> str | None:
    """Draw a field and return what is chosen, as the lake has it. What a link asks for is among the options, whatever the period has."""
    asked_for = place(key)
    if asked_for and asked_for != _ANY:
        options.setdefault(escape(asked_for), "" if asked_for in (NO_HOST, NO_RESULT) else asked_for)
    chosen_one = column.selectbox(label, [_ANY, *sorted(options)], key=key, bind="query-params")
    return None if chosen_one in (None, _ANY) else options.get(chosen_one, chosen_one)


def _narrowed(filters: Filters) -> dict[str, Any]:
    """Say what a link has narrowed the search to, beside the fields, and return it."""
    wanted: dict[str, Any] = {name: value for name in _NARROWED if (value := place(name))}
    if not wanted:
        return {}
    with st.container(horizontal=True, vertical_alignment="center"):
        say("Narrowed to " + ", ".join(f"{name} {plain(value)}" for name, value in wanted.items()))
        st.button("Show all", on_click=_widen, type="tertiary")
    day = _day(wanted.pop("day", None))
    if day is not None:
        wanted |= {"since": day, "until": day, "as_of": max(day, filters.as_of)}
    return wanted


def _widen() -> None:
    for name in _NARROWED:
        st.query_params.pop(name, None)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


main()
