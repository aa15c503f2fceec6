"""All domains in one table, worst first, filtered and exported."""

from __future__ import annotations

import streamlit as st

from dashboard.filters import Filters, chosen
from dashboard.fleet import NEEDS, Fleet, fleet, narrowed, to_domain, with_verdicts
from dashboard.formatting import shown
from dashboard.group_fleet import choose_group, of_group, show_groups
from dashboard.insight import incidents
from dashboard.say import whole_days
from dashboard.table_columns import rows_of
from dashboard.tiles import rows_tile
from pipeline.insight.phrases import count_of, span_of

_COLUMNS = (
    "report_domain", "open_faults", "enforce", "success_rate", "sts_mode", "max_age_days", "certificate_days", "last_day",
    "policy_found", "failed", "sessions", "findings",
)  # fmt: skip
_MOST = 2000
_HEIGHT = 640
_BY_VERDICT = ("ready", "not ready", "enforcing", "no policy")


def main() -> None:
    """Draw the page: the figures first, the verdicts as soon as they are weighed."""
    filters = chosen()
    st.title("All domains", anchor=False)
    told = st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Name contains", key="name", bind="query-params", max_chars=200, width=260)
        need = st.selectbox("Show", NEEDS, key="need", bind="query-params", width=220)
        group = choose_group()
    place = st.empty()
    whole_fleet = fleet(filters, incidents(filters, slot=told))
    if group is None:
        show_groups(whole_fleet)
    every = of_group(whole_fleet, group)
    told.text(whole_days(f"{count_of(len(every.names), 'domain')}, worst first." if every.names else "No domain is known yet."))
    if need not in _BY_VERDICT and len(every.names) > 20:
        rough = narrowed(every, need or "all", words or "").answer
        with place.container():
            rows_of(shown(rough.frame.head(_MOST)), _COLUMNS, alt="All domains, the worst first; verdicts follow", height=_HEIGHT)
    whole = with_verdicts(every, filters, slot=told)
    told.text(whole_days(f"{count_of(len(every.names), 'domain')}, worst first." if every.names else "No domain is known yet."))
    with place.container():
        _table(narrowed(whole, need or "all", words or ""), filters)


def _table(part: Fleet, filters: Filters) -> None:
    rows_tile(
        "How does each domain stand?",
        part.answer,
        _COLUMNS,
        unit=f"Sessions {span_of(filters.since, filters.as_of)}. Mode, max_age and certificates are as last checked; where a domain was "
        "never checked, mode and max_age are as senders applied them. Choose a name to open the domain.",
        empty="No domain fits.",
        alt="All domains, the worst first",
        key="fleet",
        to=to_domain,
        height=_HEIGHT,
        most=_MOST,
    )


main()
