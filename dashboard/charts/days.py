"""Bars by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import AUTHENTICATED, DECALS, FAILED, INCOMPLETE_OPACITY, MARK, OTHERS, RESULTS, TOOLTIP, UNPROTECTED
from dashboard.formatting import NO_RESULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

_MANY_DAYS = 120
"""More days than this can be zoomed into."""
_MOST_KINDS = 8
"""More kinds of failures than this share one bar."""

Mark = tuple[str, str]
"""A day, and in our own words what was changed on it."""

Bars = tuple[str, str, "dict[str, int]"]
"""Name, colour, and the value of each day."""


def calendar(since: date, until: date) -> list[str]:
    """Return all days from one to the other, both inclusive, so that a day without reports is a gap and not left out."""
    return [(since + timedelta(days=number)).isoformat() for number in range((until - since).days + 1)]


def sessions_by_day(frame: pd.DataFrame, days: Sequence[str], incomplete: Iterable[str], *, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """Return stacked bars of authenticated, failed and unprotected sessions; incomplete days are paler.

    Args:
        frame: The answer to `sessions_by_day`.
        days: The days of the axis.
        incomplete: Those that may still get reports.
        marks: Days on which what is published changed.
    """
    parts = (
        ("failed", "Failed", FAILED),
        ("unprotected", "No policy found", UNPROTECTED),
        ("authenticated", "Authenticated TLS", AUTHENTICATED),
    )
    named = [str(day)[:10] for day in frame["report_day"]]
    series = [(title, colour, dict(zip(named, map(int, frame[name]), strict=True))) for name, title, colour in parts]
    return stacked(days, [one for one in series if any(one[2].values())] or series[-1:], incomplete=incomplete, marks=marks)


def failures_by_day(frame: pd.DataFrame, days: Sequence[str], incomplete: Iterable[str], *, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """Return stacked bars of mentions by result type, the most mentioned at the bottom.

    A result type of the standard has its own colour; the others, who may be many, are grey and have patterns.

    Args:
        frame: Rows with `report_day`, `mentions` and `result_type`.
        days: The days of the axis.
        incomplete: Those that may still get reports.
        marks: Days on which what is published changed.
    """
    totals = frame.groupby("result_type", sort=False)["mentions"].sum().sort_values(ascending=False)
    names = list(totals.index)
    shown, rest = (names, []) if len(names) <= _MOST_KINDS else (names[: _MOST_KINDS - 1], names[_MOST_KINDS - 1 :])
    series = [(str(name) or NO_RESULT, RESULTS.get(str(name), OTHERS), _by_day(frame[frame["result_type"] == name])) for name in shown]
    if rest:
        series.append((f"{len(rest)} others", OTHERS, _by_day(frame[frame["result_type"].isin(rest)])))
    return stacked(days, series, incomplete=incomplete, marks=marks)


def _by_day(frame: pd.DataFrame) -> dict[str, int]:
    return {str(day)[:10]: int(value) for day, value in frame.groupby("report_day")["mentions"].sum().items()}


def stacked(days: Sequence[str], series: Sequence[Bars], *, incomplete: Iterable[str], marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """Return stacked bars over days, with an upright line on each marked day.

    Args:
        days: The days of the axis, each as `YYYY-MM-DD`; a day without a value has an empty bar.
        series: Name, colour and values by day of each part, the lowest first.
        incomplete: Days that may still get reports; their bars are paler.
        marks: Days on which what is published changed, and what it was; those off the axis are left out.
    """
    pale = set(incomplete)
    many = len(days) > _MANY_DAYS
    option: dict[str, Any] = {
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "localized", **TOOLTIP},
        "legend": {"top": 0, "left": 0, "type": "scroll", "icon": "roundRect"},
        "grid": {"left": 4, "right": 30, "top": 52 if marks else 34, "bottom": 44 if many else 4, "containLabel": True},
        "xAxis": {"type": "category", "data": list(days), "axisLabel": {"hideOverlap": True}, "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1, "splitNumber": 4},
        "animation": False,
        "series": [
            {
                "name": name,
                "type": "bar",
                "stack": "all",
                "data": [_bar(values.get(day, 0), day in pale) for day in days],
                "itemStyle": {"color": colour, "decal": DECALS[place % len(DECALS)] if colour != AUTHENTICATED else None},
                "barCategoryGap": "18%",
            }
            for place, (name, colour, values) in enumerate(series)
        ],
    }
    if many:
        option["dataZoom"] = [
            {"type": "slider", "height": 18, "bottom": 8, "brushSelect": False},
            {"type": "inside", "zoomOnMouseWheel": False},
        ]
    if marks and option["series"]:
        option["series"][0]["markLine"] = _lines([mark for mark in marks if mark[0] in set(days)])
    return option


def _lines(marks: Sequence[Mark]) -> dict[str, Any]:
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"type": "dashed", "width": 1.5, "color": MARK},
        "label": {"position": "end", "color": MARK, "fontSize": 11},
        "data": [{"xAxis": day, "label": {"formatter": words}} for day, words in marks],
    }


def _bar(value: int, faint: bool) -> Any:
    return {"value": value, "itemStyle": {"opacity": INCOMPLETE_OPACITY}} if faint else value
