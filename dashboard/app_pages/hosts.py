"""MX hosts and their addresses: which node fails, how, for whom, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.charts.heat import heat, height_of
from dashboard.drawn import chart
from dashboard.filters import chosen
from dashboard.flows import flow_tile
from dashboard.formatting import NO_HOST, NO_RESULT
from dashboard.lake_door import asked
from dashboard.navigation import to_reports
from dashboard.say import say
from dashboard.tiles import Rows, rows_tile, tile

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.charts.picked import Picked
    from dashboard.navigation import Target

_ROWS = 40
_COLUMNS = ("receiving_mx_hostname", "result_type", "mentions", "addresses", "domains", "reporters", "first_day", "last_day")


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("MX hosts", anchor=False)
    say("Only failures name a host: sessions that went well are counted for the domain as a whole.")
    shared = filters.parameters()
    answer = asked("failures_by_mx", **shared)
    tile(
        "Which host fails in which way?",
        answer,
        _map,
        unit="Mentions of the period. Choose a cell to see the reports that tell of it.",
        empty="No failures in this period.",
        rows=Rows(_COLUMNS, _of_host),
    )
    rows_tile(
        "Which address behind a host fails?",
        asked("failures_by_address", **shared),
        ("receiving_mx_hostname", "receiving_ip", "result_type", "mentions", "reporters", "first_day", "last_day"),
        unit="Mentions of the period. Where one address of several has them all, that node is at fault. Choose a row to see the reports.",
        empty="No failures in this period.",
        alt="Failures by address",
        key="addresses",
        to=_of_host,
    )
    rows_tile(
        "From which networks do the failing sessions come?",
        asked("failures_by_sending_network", **shared),
        ("sending_network", "result_type", "mentions", "addresses", "first_reporters", "first_day", "last_day"),
        unit="Mentions of the period by /24 (IPv4) or /48 (IPv6). One network alone points at the path. Choose a row to see the reports.",
        empty="No failures in this period.",
        alt="Failures by network",
        key="networks",
        to=lambda row: to_reports(network=row["sending_network"], result=row["result_type"] or NO_RESULT),
    )
    flow_tile(filters)
    rows_tile(
        "Which reasons do senders give?",
        asked("failures_by_reason", **shared),
        ("result_type", "failure_reason_code", "mentions", "reporters", "first_day", "last_day"),
        unit="Mentions of the period; the codes are as the senders wrote them.",
        empty="No failures in this period.",
        alt="Failures by reason",
        key="reasons",
        to=lambda row: to_reports(result=row["result_type"] or NO_RESULT),
    )


def _of_host(row: dict[str, Any]) -> Target:
    return to_reports(host=row["receiving_mx_hostname"] or NO_HOST, result=row["result_type"] or NO_RESULT, address=row.get("receiving_ip"))


def _map(frame: pd.DataFrame) -> Target | None:
    named = frame.assign(host=frame["receiving_mx_hostname"].fillna(NO_HOST), result=frame["result_type"].replace("", NO_RESULT))
    sums = named.groupby("host")["mentions"].sum().sort_values(ascending=False)
    hosts = [str(name) for name in sums.index[:_ROWS]]
    results = list(dict.fromkeys(named["result"]))
    cells = named.groupby(["result", "host"], as_index=False).agg({"mentions": "sum"})
    values = {(str(row["result"]), str(row["host"])): int(row["mentions"]) for row in cells.to_dict("records")}

    def to(part: Picked) -> Target:
        return to_reports(result=part.column, host=part.row)

    target = chart(
        heat(results, hosts, values, unit="mentions"),
        key="host-map",
        height=height_of(len(hosts), results),
        alt="Failures by MX host and result",
        to=to,
    )
    if len(sums) > len(hosts):
        st.caption(f"The {len(hosts)} hosts with most failures of {len(sums):,}.")
    return target


main()
