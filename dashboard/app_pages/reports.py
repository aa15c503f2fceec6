"""Every report, searched; each opens in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.ask import ask, asked
from dashboard.columns import height_for, rows_of
from dashboard.filters import Filters, chosen, reporters
from dashboard.navigation import go
from dashboard.tiles import tile
from pipeline.output import escape

if TYPE_CHECKING:
    import pandas as pd

_MOST = 500
_ANY = "any"
_COUNTED = {"counted": True, "not counted": False, "both": None}


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Reports", anchor=False)
    parameters = _search(filters)
    answer = asked("reports_found", **{**filters.parameters(), **parameters, "at_most": _MOST})
    found = answer.table.num_rows
    names = [
        "report_day",
        "submitter_domain",
        "report_domains",
        "sessions",
        "failed",
        "organization_name",
        "report_id",
        "trust_tier",
        "counted",
        "quirks",
        "received_at",
    ]
    picked: list[int] = []

    def draw(frame: pd.DataFrame) -> None:
        place = rows_of(frame, names, alt="Reports, newest first", key="reports", height=height_for(frame, 640))
        if place is not None:
            picked.append(place)

    tile(
        "Which reports are there?",
        answer,
        draw,
        unit=f"{'The newest ' if found == _MOST else ''}{found:,} reports, newest first; sessions per report. Choose a row to open it.",
        empty="No report fits.",
    )
    if picked:
        go("report", key=str(answer.frame.iloc[picked[0]]["report_key"]))


def _search(filters: Filters) -> dict[str, object]:
    names = {escape(name): name for name in reporters(filters.since, filters.as_of)}
    results = sorted({str(name) for name in ask("failures_by_result_type", **filters.parameters())["result_type"] if name})
    left, middle, right = st.columns(3)
    words = left.text_input("Report id, organisation, contact or key", key="words", bind="query-params", max_chars=200)
    reporter = middle.selectbox("Reporter", [_ANY, *names], key="reporter", bind="query-params")
    result = right.selectbox("With the result", [_ANY, *map(escape, results)], key="result", bind="query-params")
    with st.container(horizontal=True, vertical_alignment="center"):
        counted = st.segmented_control("Shown", list(_COUNTED), default="counted", required=True, key="shown", bind="query-params")
        failing = st.toggle("With failed sessions only", key="failing", bind="query-params")
    return {
        "words": words or None,
        "reporter": None if reporter in (None, _ANY) else names.get(reporter, reporter),
        "result_type": None if result in (None, _ANY) else result,
        "counted": _COUNTED[counted or "counted"],
        "failing": bool(failing),
    }


main()
