"""MX hosts and their addresses: which node fails, how, for whom, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.ask import asked
from dashboard.charts.flow import flow
from dashboard.charts.heat import heat, height_of
from dashboard.columns import rows_of
from dashboard.filters import chosen
from dashboard.tiles import tile

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 40


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("MX hosts", anchor=False)
    st.text("Only failures name a host: sessions that went well are counted for the domain as a whole.")
    shared = filters.parameters()
    tile(
        "Which host fails in which way?",
        asked("failures_by_mx", **shared),
        _map,
        unit="Mentions of the period.",
        empty="No failures in this period.",
    )
    tile(
        "Which address behind a host fails?",
        asked("failures_by_address", **shared),
        lambda frame: rows_of(
            frame,
            ["receiving_mx_hostname", "receiving_ip", "result_type", "mentions", "reporters", "first_day", "last_day"],
            alt="Failures by address",
        ),
        unit="Mentions of the period. Where one address of several has them all, that node is at fault.",
        empty="No failures in this period.",
    )
    tile(
        "From which networks do the failing sessions come?",
        asked("failures_by_sending_network", **shared),
        lambda frame: rows_of(
            frame,
            ["sending_network", "result_type", "mentions", "addresses", "first_reporters", "first_day", "last_day"],
            alt="Failures by network",
        ),
        unit="Mentions of the period by /24 (IPv4) or /48 (IPv6). One network alone points at the path.",
        empty="No failures in this period.",
    )
    tile(
        "Where do failures flow: sender, MX host, result?",
        asked("failures_by_reporter_and_mx", **shared),
        lambda frame: st.echarts_chart(
            flow(frame), height=max(280, 34 * min(30, len(frame))), alt="Failures from sender over MX host to result"
        ),
        unit="Mentions of the period, the largest sixty flows.",
        empty="No failures in this period.",
    )
    tile(
        "Which reasons do senders give?",
        asked("failures_by_reason", **shared),
        lambda frame: rows_of(
            frame, ["result_type", "failure_reason_code", "mentions", "reporters", "first_day", "last_day"], alt="Failures by reason"
        ),
        unit="Mentions of the period; the codes are as the senders wrote them.",
        empty="No failures in this period.",
    )


def _map(frame: pd.DataFrame) -> None:
    named = frame.assign(
        host=frame["receiving_mx_hostname"].fillna("no host named"), result=frame["result_type"].replace("", "no details given")
    )
    hosts = list(dict.fromkeys(named.groupby("host")["mentions"].sum().sort_values(ascending=False).index))[:_ROWS]
    results = list(dict.fromkeys(named["result"]))
    sums = named.groupby(["result", "host"], as_index=False).agg({"mentions": "sum"})
    values = {(str(row["result"]), str(row["host"])): int(row["mentions"]) for row in sums.to_dict("records")}
    st.echarts_chart(heat(results, hosts, values, unit="mentions"), height=height_of(len(hosts)), alt="Failures by MX host and result")
    rows_of(
        frame,
        ["receiving_mx_hostname", "result_type", "mentions", "addresses", "domains", "reporters", "first_day", "last_day"],
        alt="Failures by MX host",
    )


main()
