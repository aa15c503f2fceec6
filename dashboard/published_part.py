"""What a domain publishes, as the last live check found it, and how the policies that senders still apply differ from it."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.formatting import moment, plain
from dashboard.insight import policies
from dashboard.lake_door import asked
from dashboard.say import say
from dashboard.signs import SEVERITIES
from dashboard.tiles import tile
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.filters import Filters

_DIFFS = 6
"""So many senders with an older policy are shown line by line."""
_MOST = 40


def published(filters: Filters, domain: str) -> None:
    """Draw it: what is wrong in full, with what to do, and what is well in one list."""
    tile(
        "Published records",
        asked("checks_latest", domain=domain),
        _findings,
        unit="Findings of the last check (tlsrpt check), worst first.",
        empty="Not checked yet: tlsrpt check tests records, policy, mail servers and TLSA, and stores what it finds.",
    )
    seen = policies(domain, filters)
    if seen.published is None:
        return
    for held in seen.stale[:_DIFFS]:
        difference = unified_diff(sorted(held.lines), sorted(seen.published.lines), "applied by the sender", "published", lineterm="", n=20)
        until = f", until {held.held_until} at the latest" if held.held_until else ""
        with st.container(border=True):
            say(f"{plain(held.reporter)} still applies an older policy{until}:")
            st.code("\n".join(plain(line) for line in difference), language=None, wrap_lines=True)


def _findings(frame: pd.DataFrame) -> None:
    rows: list[dict[str, Any]] = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    wrong, well = [row for row in rows if row["severity"] != "ok"], [row for row in rows if row["severity"] == "ok"]
    say(f"Checked {moment(frame['checked_at'].max())}: {count_of(len(wrong), 'finding')}, {count_of(len(well), 'check')} passed.")
    for row in wrong[:_MOST]:
        _finding(row)
    if len(wrong) > _MOST:
        say(f"The worst {_MOST} of {count_of(len(wrong), 'finding')}; the file has them all.")
    if well:
        with st.expander("Passed checks"):
            say("\n".join(f"• {row['place']}: {row['what']}" for row in well))


def _finding(row: dict[str, Any]) -> None:
    sign = SEVERITIES[row["severity"]]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(sign.short, color=sign.colour)
            say(f"{row['place']}: {row['what']}")
        parts = (("Why", row["why"]), ("What to do", row["fix"]))
        if told := [f"{label}: {text}" for label, text in parts if text]:
            say("\n".join(told))
        if row["publish"]:
            st.code(row["publish"], language=None)
