"""The flow of failures from reporter over MX host to result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import AUTHENTICATED, IN_CELL, NARROW, OTHERS, RESULTS, TOOLTIP, UNPROTECTED
from dashboard.formatting import NO_HOST, NO_RESULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_MOST_FLOWS = 60
_LONGEST, _LONGEST_NARROW = 28, 17
_NO_TEMPLATE = str.maketrans("{}", "()")
"""A label is a template: braces in it would be names of its variables."""


def layer_of(name: str) -> int:
    """Return the layer of a node: 0 for a reporter, 1 for an MX host, 2 for a result."""
    return len(name) - len(name.rstrip(" "))


def flow(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a Sankey diagram.

    Args:
        frame: The answer to `failures_by_reporter_and_mx`; the largest flows are drawn.
    """
    links: dict[tuple[str, str], int] = {}
    layers: dict[str, int] = {}
    for row in frame.head(_MOST_FLOWS).to_dict("records"):
        # A name may be sender and host at once, which would make a circle: trailing spaces tell the layers apart and are not seen.
        host = row["receiving_mx_hostname"]
        names = (
            str(row["submitter_domain"]),
            f"{host if isinstance(host, str) else NO_HOST} ",
            f"{row['result_type'] or NO_RESULT}  ",
        )
        layers |= {name: layer for layer, name in enumerate(names)}
        for pair in ((names[0], names[1]), (names[1], names[2])):
            links[pair] = links.get(pair, 0) + int(row["mentions"])
    return {
        "tooltip": {"trigger": "item", "valueFormatter": "localized", **TOOLTIP},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 4,
                "top": 8,
                "bottom": 8,
                "nodeGap": 16,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "lineStyle": {"color": "source", "opacity": 0.3, "curveness": 0.5},
                "label": IN_CELL,
                "data": _nodes(layers, _LONGEST, middle="right"),
                "links": [{"source": source, "target": target, "value": value} for (source, target), value in links.items()],
            }
        ],
        "media": [{"query": NARROW, "option": {"series": [_on_a_phone(layers)]}}],
    }


def _on_a_phone(layers: Mapping[str, int]) -> dict[str, Any]:
    """Return what is other there: the hosts in the middle have their names above them, and every name is cut earlier."""
    return {"nodeGap": 30, "top": 24, "label": {"fontSize": 11}, "data": _nodes(layers, _LONGEST_NARROW, middle="top")}


def _nodes(layers: Mapping[str, int], longest: int, *, middle: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "depth": layer,
            "itemStyle": {"color": (AUTHENTICATED, UNPROTECTED, RESULTS.get(name.rstrip(" "), OTHERS))[layer]},
            "label": {"position": ("right", middle, "left")[layer], **_cut(name, longest)},
        }
        for name, layer in layers.items()
    ]


def _cut(name: str, longest: int) -> dict[str, str]:
    """Return the label of a name that is too long for its place; the tooltip has it all."""
    return {"formatter": f"{name[: longest - 1]}…".translate(_NO_TEMPLATE)} if len(name.rstrip(" ")) > longest else {}
