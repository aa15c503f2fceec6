"""Heat maps: two categories and a number for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import HEAT, IN_CELL, NONE, TOOLTIP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW_PIXELS = 26
_LABELLED = 14
"""With so few columns the number stands in its cell."""


def heat(
    columns: Sequence[str], rows: Sequence[str], values: Mapping[tuple[str, str], int], *, unit: str, colours: Sequence[str] = HEAT
) -> dict[str, Any]:
    """Return a heat map.

    Args:
        columns: Names from left to right.
        rows: Names from top to bottom.
        values: The number of each column and row that has one; others stay empty.
        unit: What the numbers are.
        colours: From few to many.
    """
    at_column = {name: place for place, name in enumerate(columns)}
    at_row = {name: place for place, name in enumerate(rows)}
    known = {pair: value for pair, value in values.items() if pair[0] in at_column and pair[1] in at_row}
    cells = [_cell(at_column[column], at_row[row], value) for (column, row), value in known.items()]
    most = max(known.values(), default=1)
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 4, "right": 30, "top": 8, "bottom": 44, "containLabel": True},
        "xAxis": {"type": "category", "data": list(columns), "axisLabel": {"hideOverlap": True}, "axisTick": {"show": False}},
        "yAxis": {
            "type": "category",
            "data": list(rows),
            "inverse": True,
            "axisTick": {"show": False},
            "axisLabel": {"width": 190, "overflow": "truncate"},
        },
        "visualMap": {
            "min": 1,
            "max": max(most, 2),
            "orient": "horizontal",
            "left": 0,
            "bottom": 0,
            "itemHeight": 90,
            "itemWidth": 10,
            "calculable": False,
            "text": [f"{most:,} {unit}", "1"],
            "inRange": {"color": list(colours)},
        },
        "animation": False,
        "series": [
            {
                "name": unit,
                "type": "heatmap",
                "data": cells,
                "label": {"show": len(columns) <= _LABELLED, **IN_CELL},
                "itemStyle": {"borderWidth": 1, "borderColor": "rgba(128,128,128,0.25)", "borderRadius": 2},
            }
        ],
    }


def _cell(column: int, row: int, value: int) -> Any:
    return [column, row, value] if value else {"value": [column, row, 0], "itemStyle": {"color": NONE}, "label": {"show": False}}


def height_of(rows: int) -> int:
    """Return the pixels a heat map of so many rows takes."""
    return max(140, 90 + _ROW_PIXELS * rows)
