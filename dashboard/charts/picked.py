"""What was clicked in a chart, in the words of the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Picked(NamedTuple):
    """A bar, a cell, or a node or link of a flow."""

    column: str | None
    """The day of a bar or cell; the left end of a link."""
    row: str | None
    """The series of a bar, the row of a cell, the right end of a link."""


def clickable(option: dict[str, Any]) -> dict[str, Any]:
    """Return the chart with every series open to clicks."""
    calm = {"select": {"itemStyle": {"borderColor": "#8a63d2", "borderWidth": 2}, "label": {"show": False}}}
    series = [{**one, "selectedMode": "single", **(calm if one["type"] != "sankey" else {})} for one in option["series"]]
    return {**option, "series": series}


def picked(option: Mapping[str, Any], selected: Sequence[Mapping[str, Any]]) -> Picked | None:
    """Return what was clicked.

    Args:
        option: The chart.
        selected: As Streamlit tells it: by series, the places of what is selected. A place that is not there (any longer) is nothing.
    """
    for group in selected:
        places = group.get("data_indices") or ()
        series = option["series"][group["series_index"]] if group["series_index"] < len(option["series"]) else None
        if series is None or not places:
            continue
        points = series["links"] if group.get("data_type") == "edge" else series["data"]
        if places[0] < len(points):
            return _point(option, series, points[places[0]], places[0])
    return None


def _point(option: Mapping[str, Any], series: Mapping[str, Any], point: Any, place: int) -> Picked:
    if series["type"] == "heatmap":
        column, row, *_ = point["value"] if isinstance(point, dict) else point
        return Picked(option["xAxis"]["data"][column], option["yAxis"]["data"][row])
    if series["type"] == "sankey":
        return Picked(point["source"], point["target"]) if "source" in point else Picked(point["name"], None)
    return Picked(option["xAxis"]["data"][place], series["name"])
