"""The tile that shows how failures flow from sender over MX host to result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.charts.flow import flow, layer_of
from dashboard.drawn import chart
from dashboard.formatting import NO_HOST, NO_RESULT
from dashboard.lake_door import asked
from dashboard.navigation import Target, to_reports
from dashboard.tiles import Rows, tile

if TYPE_CHECKING:
    from dashboard.charts.picked import Picked
    from dashboard.filters import Filters

_LAYERS = ("reporter", "host", "result")


def flow_tile(filters: Filters) -> None:
    """Draw it; a flow leads to its reports."""
    tile(
        "Where do failures flow: sender, MX host, result?",
        asked("failures_by_reporter_and_mx", **filters.parameters()),
        lambda frame: chart(
            flow(frame),
            key="flow",
            height=max(280, 34 * min(30, len(frame))),
            alt="Failures from sender over MX host to result",
            to=_to,
        ),
        unit="Mentions of the period, the largest sixty flows. Sessions that went well name no MX host. Choose a flow to see its reports.",
        empty="No failures in this period.",
        rows=Rows(
            ("submitter_domain", "receiving_mx_hostname", "result_type", "mentions", "first_day", "last_day"),
            lambda row: to_reports(
                reporter=row["submitter_domain"],
                host=row["receiving_mx_hostname"] or NO_HOST,
                result=row["result_type"] or NO_RESULT,
            ),
        ),
    )


def _to(part: Picked) -> Target:
    ends = [end for end in (part.column, part.row) if end is not None]
    return to_reports(**{_LAYERS[layer_of(end)]: end.rstrip(" ") for end in ends})
