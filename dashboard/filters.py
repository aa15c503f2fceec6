"""Period, domain and trust: chosen once, kept across pages, and in the URL as plain text."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import streamlit as st

from dashboard.lake_door import ask, settings, today
from pipeline.output import escape
from pipeline.tables.schema import TRUST_TIERS

PERIODS = {"7d": 7, "28d": 28, "90d": 90, "1y": 365}
TIERS = {"counted": None, "verified": ("verified",), "attested": ("verified", "attested"), "vouched": ("vouched",), "all": TRUST_TIERS}
ALL = "all"
CLAIMED = "Every trust tier, forged reports included."
"""What stands at each figure where all is counted."""
USUAL = "28d"
_EARLIEST = date(2016, 1, 1)
_STATE = "filters"
_PENDING = "pending-filters"
_NOTE = "Days and times are UTC. Counts are sessions, not messages."
_KEYS = "In a table the arrow keys move and Shift+Space opens a row; charts have theirs in As a table."


class Filters(NamedTuple):
    """What every question on a page is asked with."""

    since: date
    as_of: date
    """The day of asking, and the last day of the period."""
    domain: str | None
    tiers: tuple[str, ...] | None
    days: int

    @property
    def believes_all(self) -> bool:
        """Whether reports of every tier count: then each figure is what somebody claims."""
        return self.tiers == TRUST_TIERS

    def parameters(self) -> dict[str, Any]:
        """Return the parameters most questions share."""
        return {"since": self.since, "until": self.as_of, "as_of": self.as_of, "domain": self.domain, "tiers": self.tiers}

    def before(self) -> dict[str, Any]:
        """Return the parameters of the period before, asked as of the same day."""
        since = self.since - timedelta(days=self.days)
        return {**self.parameters(), "since": since, "until": self.since - timedelta(days=1)}


def preset(**chosen: object) -> None:
    """Choose for the run that follows: `domain`, `period`. A widget that is drawn already cannot be changed in this one."""
    st.session_state[_PENDING] = chosen


def choose(*, whole: bool = False) -> Filters:
    """Draw the filters in the sidebar and return what is chosen.

    Args:
        whole: The page is about the ingest as a whole: domain and trust have no say there, and cannot be changed.
    """
    for name, value in st.session_state.pop(_PENDING, {}).items():
        st.session_state[name] = value
    with st.sidebar:
        period = st.segmented_control(
            "Period", list(PERIODS), default=USUAL, required=True, key="period", bind="query-params", persist_state="session"
        )
        days = PERIODS[period or USUAL]
        slot = st.container()
        first = st.date_input(
            "First day (UTC)",
            value=None,
            min_value=_EARLIEST,
            key="since",
            format="YYYY-MM-DD",
            bind="query-params",
            persist_state="session",
            help="Any first day, in place of the period. Empty: the period chosen.",
        )
        asked = st.date_input(
            "As of (UTC)",
            value=None,
            key="as_of",
            format="YYYY-MM-DD",
            bind="query-params",
            persist_state="session",
            help="The last day, and the day from which is looked back. Empty: today. The two last days are incomplete: reports still come.",
        )
        as_of = asked if isinstance(asked, date) else today()
        since = min(first, as_of) if isinstance(first, date) else as_of - timedelta(days=days - 1)
        days = (as_of - since).days + 1
        domain = _domain(slot, since, as_of, disabled=whole)
        tiers = st.selectbox(
            "Trust",
            list(TIERS),
            key="trust",
            bind="query-params",
            persist_state="session",
            help="counted: every report that counts. verified: signature checked here. attested: these, and checked by a named server. "
            "vouched: what you vouch for. all: whatever was sent, forged reports included. It narrows every number, incident and verdict.",
            disabled=whole,
        )
        st.caption("This page is about all mail, whatever the domain." if whole else _NOTE, help=_KEYS)
    chosen = Filters(since, as_of, domain, None if whole else TIERS[tiers or "counted"], days)
    st.session_state[_STATE] = chosen
    return chosen


def chosen() -> Filters:
    """Return the filters of this run, once `choose` has drawn them."""
    filters: Filters = st.session_state[_STATE]
    return filters


def _domain(slot: Any, since: date, as_of: date, *, disabled: bool) -> str | None:
    names = {escape(name): name for name in sorted({*domains(since, as_of), *settings().domains.own})}
    wanted = st.session_state.get("domain") or st.query_params.get("domain")
    if wanted and wanted != ALL and wanted not in names:
        # One without a session in this period stays chosen: that there is nothing is an answer, too.
        names[escape(str(wanted))] = str(wanted)
    picked = slot.selectbox("Domain", [ALL, *names], key="domain", bind="query-params", persist_state="session", disabled=disabled)
    return None if picked in (None, ALL) else names.get(picked, picked)


def domains(since: date, as_of: date) -> list[str]:
    """Return the domains reported on in the period, in alphabetical order."""
    known = ask("domains_and_reporters", since=since, until=as_of, as_of=as_of)
    return sorted(known.loc[known["kind"] == "domain", "name"])


def reporters(since: date, as_of: date) -> list[str]:
    """Return those who report in the period, in alphabetical order."""
    known = ask("domains_and_reporters", since=since, until=as_of, as_of=as_of)
    return sorted(known.loc[known["kind"] == "reporter", "name"])
