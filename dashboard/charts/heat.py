"""Heat maps: two categories and a number for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import HEAT, IN_CELL, NARROW, NONE, TOOLTIP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW_PIXELS = 26
_MOST_LETTERS = 110
"""So many fit below the cells on a desk, side by side."""
_LABELLED = 14
"""With so few columns the number stands in its cell."""
_NAMES, _NAMES_NARROW = 190, 110
_NARROW, _NARROW_PIXELS, _CELL_PIXELS = 2, 300, 90
"""So few columns do not fill the width, names included, which a phone has: a cell is a cell, and no bar across the page."""


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
    labelled = len(columns) <= _LABELLED
    cells = [_cell(at_column[column], at_row[row], value, labelled) for (column, row), value in known.items()]
    most = max(known.values(), default=1)
    return {
        "tooltip": TOOLTIP,
        "grid": _grid(columns, rows),
        "xAxis": {
            "type": "category",
            "data": list(columns),
            "axisLabel": _slanted() if _is_crowded(columns) else {"hideOverlap": True},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "category",
            "data": list(rows),
            "inverse": True,
            "axisTick": {"show": False},
            "axisLabel": {"width": _names(columns), "overflow": "truncate"},
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
        "media": [{"query": NARROW, "option": _on_a_phone(columns)}],
        "series": [
            {
                "name": unit,
                "type": "heatmap",
                "data": cells,
                "label": {"show": labelled, **IN_CELL},
                "itemStyle": {"borderWidth": 1, "borderColor": "rgba(128,128,128,0.25)", "borderRadius": 2},
            }
        ],
    }


def _on_a_phone(columns: Sequence[str]) -> dict[str, Any]:
    """Return what is other there: names of rows that leave room for the cells, names of columns that do not hide each other."""
    names = {"yAxis": {"axisLabel": {"width": min(_NAMES_NARROW, _names(columns)), "overflow": "truncate"}}}
    return {**names, "xAxis": {"axisLabel": _slanted()}} if _are_names(columns) else names


def _grid(columns: Sequence[str], rows: Sequence[str]) -> dict[str, Any]:
    """Return the place of the cells: all of the width, or with few columns what they need, names of the rows included."""
    grid: dict[str, Any] = {"left": 4, "right": 30, "top": 8, "bottom": 44, "containLabel": True}
    if len(columns) > _NARROW:
        return grid
    return {**grid, "right": None, "width": min(_NARROW_PIXELS, 8 * max(map(len, rows), default=0) + _CELL_PIXELS * len(columns))}


def _names(columns: Sequence[str]) -> int:
    """Return the pixels of the names of the rows at most."""
    return _NAMES if len(columns) > _NARROW else min(_NAMES, _NARROW_PIXELS - _CELL_PIXELS * len(columns))


def _cell(column: int, row: int, value: int, labelled: bool) -> Any:
    if not value:
        return {"value": [column, row, 0], "itemStyle": {"color": NONE}, "label": {"show": False}}
    # A chart cannot group the digits of a label by itself.
    return {"value": [column, row, value], "label": {"formatter": f"{value:,}"}} if labelled and value >= 1000 else [column, row, value]


def _are_names(columns: Sequence[str]) -> bool:
    """Say whether the columns have long names, and are no days."""
    return 1 < len(columns) <= _LABELLED and max(map(len, columns)) > len("2026-05-31")


def _is_crowded(columns: Sequence[str]) -> bool:
    """Say whether the names of the columns would hide each other on a desk, too."""
    return _are_names(columns) and (len(columns) <= _NARROW or len(columns) * max(map(len, columns)) > _MOST_LETTERS)


def _slanted() -> dict[str, Any]:
    return {"interval": 0, "rotate": 24, "width": 150, "overflow": "truncate"}


def height_of(rows: int, columns: Sequence[str] = ()) -> int:
    """Return the pixels a heat map of so many rows takes; long names of many columns take some below it."""
    return max(140, 90 + _ROW_PIXELS * rows) + (50 if _are_names(columns) else 0)
