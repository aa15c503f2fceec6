"""Period, domain and trust: chosen once, kept across pages, and in the URL as plain text."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import streamlit as st

from dashboard.ask import ask, today

PERIODS = {"7d": 7, "28d": 28, "90d": 90, "1y": 365, "2y": 730}
TIERS = {"counted": None, "verified": ["verified"], "everything proved": ["verified", "attested"]}
ALL = "all"


class Filters(NamedTuple):
    """What every question on a page is asked with."""

    since: date
    until: date
    domain: str | None
    tiers: list[str] | None

    def parameters(self) -> dict[str, object]:
        """Return the parameters most questions share."""
        return {"since": self.since, "until": self.until, "domain": self.domain, "tiers": self.tiers}


def choose() -> Filters:
    """Draw the filters in the sidebar and return what is chosen."""
    with st.sidebar:
        period = st.segmented_control(
            "Period", list(PERIODS), default="28d", required=True, key="period", bind="query-params", persist_state="session"
        )
        days = PERIODS[period or "28d"]
        until = today()
        since = until - timedelta(days=days)
        known = ask("domains_and_reporters", since=since, until=until)
        domains = sorted(known.loc[known["kind"] == "domain", "name"]) if "kind" in known else []
        domain = st.selectbox("Domain", [ALL, *domains], key="domain", bind="query-params", persist_state="session")
        tiers = st.selectbox("Trust", list(TIERS), key="trust", bind="query-params", persist_state="session")
        st.caption("Days and times are UTC. Counts are sessions, not messages.")
    return Filters(since, until, None if domain == ALL else domain, TIERS[tiers or "counted"])
