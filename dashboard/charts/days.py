"""Bars by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import AUTHENTICATED, FAILED, INCOMPLETE_OPACITY, SERIES, UNPROTECTED

if TYPE_CHECKING:
    import pandas as pd


def sessions_by_day(frame: pd.DataFrame) -> dict[str, Any]:
    """Return stacked bars of authenticated, failed and unprotected sessions; incomplete days are paler.

    Args:
        frame: The answer to `sessions_by_day`.
    """
    parts = (
        ("authenticated", "Authenticated TLS", AUTHENTICATED),
        ("failed", "Failed", FAILED),
        ("unprotected", "No policy found", UNPROTECTED),
    )
    pale = list(frame["incomplete"])
    return _stacked(
        [str(day)[:10] for day in frame["report_day"]],
        [(title, colour, _bars(frame[name], pale)) for name, title, colour in parts],
        unit="sessions",
    )


def failures_by_day(frame: pd.DataFrame) -> dict[str, Any]:
    """Return stacked bars of mentions by result type.

    Args:
        frame: The answer to `failures_by_day_and_result_type`.
    """
    days = sorted({str(day)[:10] for day in frame["report_day"]})
    by_type = frame.groupby("result_type", sort=False)["mentions"].sum().sort_values(ascending=False)
    place = {day: number for number, day in enumerate(days)}
    incomplete = {str(day)[:10] for day, pale in zip(frame["report_day"], frame["incomplete"], strict=True) if pale}
    series = []
    for number, name in enumerate(by_type.index):
        values = [0] * len(days)
        for _, row in frame[frame["result_type"] == name].iterrows():
            values[place[str(row["report_day"])[:10]]] = int(row["mentions"])
        series.append((name or "(none given)", SERIES[number % len(SERIES)], _bars(values, [day in incomplete for day in days])))
    return _stacked(days, series, unit="mentions")


def _bars(values: Any, pale: list[bool]) -> list[dict[str, Any]]:
    return [
        {"value": int(value), "itemStyle": {"opacity": INCOMPLETE_OPACITY if faint else 1}}
        for value, faint in zip(values, pale, strict=True)
    ]


def _stacked(days: list[str], series: list[tuple[str, str, list[dict[str, Any]]]], *, unit: str) -> dict[str, Any]:
    return {
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "renderMode": "richText", "confine": True},
        "legend": {"top": 0, "type": "scroll"},
        "grid": {"left": 8, "right": 16, "top": 48, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": days, "axisLabel": {"hideOverlap": True}},
        "yAxis": {"type": "value", "name": unit, "minInterval": 1},
        "series": [
            {"name": name, "type": "bar", "stack": "all", "data": data, "itemStyle": {"color": colour}, "barCategoryGap": "20%"}
            for name, colour, data in series
        ],
    }
