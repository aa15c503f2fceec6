"""Spans of days as thick lines: who held which policy from when to when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dashboard.charts.palette import SERIES, TOOLTIP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


class Span(NamedTuple):
    """One span."""

    row: str
    kind: str
    """What gives it its colour and stands in the legend."""
    first_day: date
    last_day: date


def spans(every: Sequence[Span]) -> dict[str, Any]:
    """Return the spans, a row each for those of one name, a colour for each kind."""
    rows = list(dict.fromkeys(span.row for span in every))
    kinds = list(dict.fromkeys(span.kind for span in every))
    series = []
    for span in every:
        colour = SERIES[kinds.index(span.kind) % len(SERIES)]
        # Noon of the first and the last day: a span of one day is a dot.
        points = [[f"{day}T12:00:00", span.row] for day in (span.first_day, span.last_day)]
        series.append(
            {
                "name": span.kind,
                "type": "line",
                "data": points,
                "symbol": "circle",
                "symbolSize": 11,
                "lineStyle": {"width": 11, "color": colour, "cap": "round"},
                "itemStyle": {"color": colour},
                "animation": False,
            }
        )
    return {
        "tooltip": {"trigger": "item", "formatter": "{a}: {c}", **TOOLTIP},
        "legend": {"data": kinds, "top": 0, "left": 0, "type": "scroll"},
        "grid": {"left": 4, "right": 16, "top": 40, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "time", "minInterval": 86_400_000, "axisLabel": {"formatter": "{yyyy}-{MM}-{dd}", "hideOverlap": True}},
        "yAxis": {"type": "category", "data": rows, "inverse": True, "axisTick": {"show": False}},
        "series": series,
    }
