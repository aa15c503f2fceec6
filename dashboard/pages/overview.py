"""Is mail to my domains delivered over authenticated TLS, and is that getting better or worse?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.ask import ask
from dashboard.charts.days import failures_by_day, sessions_by_day
from dashboard.filters import Filters, choose
from dashboard.tiles import tile


def _rate(value: object) -> str:
    return "–" if value is None or pd.isna(value) else f"{float(value):.2%}"  # type: ignore[arg-type]


def _headline(filters: Filters) -> None:
    row = ask("success_rate", **filters.parameters()).iloc[0]
    extent = ask("extent").iloc[0]
    rate, sessions, failed, reporters, fed = st.columns(5)
    rate.metric("Authenticated TLS", _rate(row["success_rate"]), border=True, help="Authenticated sessions over all sessions")
    sessions.metric("Sessions", f"{int(row['sessions'] or 0):,}", border=True)
    failed.metric("Failed sessions", f"{int(row['failed'] or 0):,}", border=True)
    reporters.metric("Reporters", f"{int(row['reporters'] or 0):,}", border=True)
    last = extent["last_ingested_at"]
    fed.metric("Last ingest (UTC)", "never" if pd.isna(last) else f"{last:%Y-%m-%d %H:%M}", border=True)


def main() -> None:
    """Draw the page."""
    st.title("TLS reports", anchor=False)
    filters = choose()
    _headline(filters)
    shared = filters.parameters()
    tile(
        "How many sessions used authenticated TLS, day by day?",
        "sessions_by_day",
        lambda frame: st.echarts_chart(sessions_by_day(frame), height=320, alt="Sessions by day, stacked by how they ended"),
        empty="No sessions in this period.",
        **shared,
    )
    tile(
        "What failed, day by day?",
        "failures_by_day_and_result_type",
        lambda frame: st.echarts_chart(failures_by_day(frame), height=320, alt="Mentions of failures by day and result type"),
        empty="No failures in this period: a quiet time.",
        **shared,
    )
    tile(
        "Which domains fail most?",
        "worst_domains",
        lambda frame: st.dataframe(frame, hide_index=True, alt="Domains, worst first"),
        empty="No domain has a failed session in this period.",
        since=filters.since,
        until=filters.until,
        tiers=filters.tiers,
    )


main()
