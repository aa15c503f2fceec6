"""The flow of failures from reporter over MX host to result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.charts.palette import FAILED, SERIES, TOOLTIP, UNPROTECTED
from dashboard.formatting import NO_HOST, NO_RESULT

if TYPE_CHECKING:
    import pandas as pd

_MOST_FLOWS = 60


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
    colours = (SERIES[0], UNPROTECTED, FAILED)
    return {
        "tooltip": {"trigger": "item", "valueFormatter": "localized", **TOOLTIP},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 190,
                "top": 8,
                "bottom": 8,
                "nodeGap": 16,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "lineStyle": {"color": "source", "opacity": 0.3, "curveness": 0.5},
                "label": {"width": 180, "overflow": "truncate"},
                "data": [{"name": name, "depth": layer, "itemStyle": {"color": colours[layer]}} for name, layer in layers.items()],
                "links": [{"source": source, "target": target, "value": value} for (source, target), value in links.items()],
            }
        ],
    }
