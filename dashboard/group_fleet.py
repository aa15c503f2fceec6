"""The fleet by group, for the operator: which clients there are, how each stands, and the domains of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from dashboard.fleet import Fleet
from dashboard.readers import audience, settings
from dashboard.table_columns import height_for, rows_of
from pipeline.groups import GroupSettings, audience_of
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALL = "all groups"
_COLUMNS = ("group", "domains", "open_faults", "success_rate", "failed", "sessions", "without_reports")


def choose_group() -> str | None:
    """Offer the groups, where there are any and whoever looks sees all of them; None: all."""
    groups = settings().group if audience() is None else ()
    if not groups:
        return None
    chosen = st.selectbox("Group", [_ALL, *(group.name for group in groups)], key="group", bind="query-params", width=220)
    return None if chosen in (None, _ALL) else chosen


def of_group(part: Fleet, name: str | None) -> Fleet:
    """Return the domains that the readers of a group see."""
    group = next((one for one in settings().group if one.name == name), None)
    return part if group is None else _of(part, group)


def _of(part: Fleet, group: GroupSettings) -> Fleet:
    seen = audience_of([group])
    return part.at([place for place, domain in enumerate(part.names) if seen.sees(domain)])


def show_groups(part: Fleet) -> None:
    """Draw one row for each group, those with open faults first."""
    groups = settings().group if audience() is None else ()
    if not groups:
        return
    with st.container(border=True):
        st.header("How does each group stand?", anchor=False)
        frame = by_group(part, groups)
        rows_of(frame, _COLUMNS, alt="The groups, those with open faults first", height=height_for(frame))


def by_group(part: Fleet, groups: Sequence[GroupSettings]) -> pd.DataFrame:
    """Return one row for each group; a domain of two groups is in both."""
    rows = sorted((_row(group, _of(part, group)) for group in groups), key=lambda row: (-row["open_faults"], row["group"]))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _row(group: GroupSettings, part: Fleet) -> dict[str, Any]:
    rows = part.answer.table.select(["sessions", "rated_sessions", "failed", "success_rate", "open_faults"]).to_pylist()
    rated = sum(row["rated_sessions"] for row in rows)
    authenticated = sum(row["rated_sessions"] * (row["success_rate"] or 0) for row in rows)
    return {
        "group": escape(group.called),
        "domains": len(rows),
        "open_faults": sum(row["open_faults"] for row in rows),
        "success_rate": authenticated / rated if rated else None,
        "failed": sum(row["failed"] or 0 for row in rows),
        "sessions": sum(row["sessions"] for row in rows),
        "without_reports": sum(not row["sessions"] for row in rows),
    }
