"""The two trends: how sessions ended and what failed, day by day. A bar leads to the reports of its day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.charts.days import calendar, failures_by_day, sessions_by_day
from dashboard.drawn import chart
from dashboard.formatting import NO_RESULT
from dashboard.lake_door import asked, settings
from dashboard.marks import marks
from dashboard.navigation import Target, to_reports
from dashboard.tiles import Rows, tile

if TYPE_CHECKING:
    from dashboard.charts.picked import Picked
    from dashboard.filters import Filters

_FAILED = "Failed"


def trends(filters: Filters) -> None:
    """Draw both, beside each other where there is room."""
    days = calendar(filters.since, filters.as_of)
    left, right = st.columns(2)
    with left:
        _sessions(filters, days)
    with right:
        _failures(filters, days)


def _sessions(filters: Filters, days: list[str]) -> None:
    tile(
        "Authenticated TLS",
        asked("sessions_by_day", **filters.parameters()),
        lambda frame: chart(
            sessions_by_day(frame, days, incomplete_days(days), marks=marks(filters)),
            key="sessions-by-day",
            height=260,
            alt="Sessions by day, stacked by how they ended",
            to=_to_sessions,
        ),
        unit="Sessions per UTC day; the pale days are incomplete. Choose a bar to see its reports.",
        empty="No sessions in this period.",
        tall=True,
        rows=Rows(("report_day", "sessions", "authenticated", "failed", "unprotected", "success_rate", "reporters"), _of_day),
    )


def _failures(filters: Filters, days: list[str]) -> None:
    tile(
        "Failures by result type",
        asked("failures_by_day_and_result_type", **filters.parameters()),
        lambda frame: chart(
            failures_by_day(frame, days, incomplete_days(days), marks=marks(filters)),
            key="failures-by-day",
            height=260,
            alt="Mentions of failures by day and result type",
            to=_to_failures,
        ),
        unit="Mentions per UTC day; failing in two ways is two mentions. Choose a bar to see its reports.",
        empty="No failures in this period.",
        tall=True,
        rows=Rows(
            ("report_day", "result_type", "mentions", "reporters"),
            lambda row: to_reports(day=row["report_day"], result=row["result_type"] or NO_RESULT),
        ),
    )


def incomplete_days(days: list[str]) -> list[str]:
    """Return the days about which reports still come."""
    settling = settings().insight.settling_days
    return days[-settling:] if settling else []


def _of_day(row: dict[str, Any]) -> Target:
    return to_reports(day=row["report_day"])


def _to_sessions(part: Picked) -> Target:
    return to_reports(day=part.column, failing="true" if part.row == _FAILED else None)


def _to_failures(part: Picked) -> Target:
    several = str(part.row).endswith(" others")
    return to_reports(day=part.column, failing="true" if several else None, result=None if several else part.row)
