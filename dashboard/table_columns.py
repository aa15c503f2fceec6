"""Tables: headings in words, numbers grouped, days and moments in UTC, and the row that was chosen."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from dashboard.navigation import Target

_LABELS = {
    "report_day": "Day",
    "report_domain": "Domain",
    "report_domains": "Domains",
    "submitter_domain": "Reporter",
    "success_rate": "Authenticated",
    "authenticated": "Authenticated sessions",
    "receiving_mx_hostname": "MX host",
    "mx_hosts": "MX hosts",
    "enforce": "Enforce?",
    "open_faults": "Faults",
    "certificate_days": "Cert. (days)",
    "max_age_days": "max_age (days)",
    "policy_found": "Policy found",
    "unprotected": "No policy found",
    "findings": "Errors published",
    "receiving_ip": "Address",
    "sending_network": "Sending network",
    "result_type": "Result",
    "failure_reason_code": "Reason code",
    "organization_name": "Organisation",
    "report_id": "Report id",
    "trust_tier": "Trust",
    "trust_tiers": "Trust",
    "policy_type": "Policy",
    "policy_ix": "No. (from 0)",
    "failure_ix": "No. (from 0)",
    "sts_mode": "Mode",
    "sts_max_age_seconds": "max_age (s)",
    "mx_patterns": "mx",
    "first_reporters": "Reporters",
    "check_name": "Check",
    "failed_sessions": "Failed",
    "success_count": "Succeeded",
    "failure_count": "Failed",
    "failed_session_count": "Failed",
    "table_name": "Table",
    "row_count": "Rows",
    "expires_at": "Ends",
    "lag_hours": "Usual lag (h)",
    "usual_every_days": "Usual interval (days)",
    "habits": "Habits",
    "leading_result_type": "Mostly",
    "reject_code": "Code",
    "reject_detail": "Why",
    "from_domain": "From",
    "size_bytes": "Bytes",
    "report_key": "Key",
    "message_sha256": "Message",
    "not_tlsrpt": "Not a report",
    "uid": "UID",
    "uidvalidity": "UIDVALIDITY",
    "dkim_result": "DKIM",
    "means": "What it means",
    "uidvalidities": "UIDVALIDITYs",
    "waiting_for_dns": "Waiting for DNS",
    "would_refuse": "Would refuse",
    "sts_sessions": "Sessions under MTA-STS",
}
_NAMES = ("incident", "report_domain", "domain", "submitter_domain", "receiving_mx_hostname", "result_type", "sending_network")
"""Columns whose cells are links, where the rows lead somewhere; the first of them is."""
_RATES = ("success_rate", "share", "portion", "policy_found")
_RATE_PIXELS = 118
_LETTER = 7
"""Pixels of a letter, roughly."""
_MOMENTS = ("_at",)
_PIXELS = {
    "means": 276,
    "what": 250,
    "fix": 220,
    "first_reporters": 190,
    "reporters": 190,
    "mx_hosts": 150,
    "receiving_mx_hostname": 260,
    "result_type": 230,
    "failure_reason_code": 240,
}
"""Long texts at most, so that what stands beside them is on a desk's screen: a click in a cell shows all of it."""
_PROSE = ("means", "what", "fix")
"""Columns of sentences, which are broken into lines: of a sentence the end counts."""
_LINE, _ROUND, _LEAST, _MOST_LINES = 18, 17, 66, 5
"""Pixels of a line and of what is around it; the least a row must have for the table to break lines in it; and how many lines at most."""


def rows_of(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    alt: str,
    key: str | None = None,
    height: int | Literal["content"] | None = None,
    to: Callable[[int], Target | None] | None = None,
) -> Target | None:
    """Draw rows.

    Args:
        frame: The rows; their texts are harmless already.
        columns: Which columns, in this order; those that are not there are left out.
        alt: What the table is, for those who cannot see it.
        key: Its name on the page, where a row leads somewhere.
        height: Pixels; as many as needed up to some ten rows where it is not given.
        to: Where the row at a place leads.

    Returns:
        Where the row chosen in this run leads, if one was.
    """
    columns = [name for name in columns if name in frame.columns]
    frame = frame[columns].assign(**{name: frame[name].map(_honest) for name in columns if name in _RATES})
    options: dict[str, Any] = {
        "hide_index": True,
        "column_order": list(columns),
        "column_config": {name: _config(name, frame) for name in columns},
        "alt": alt,
        "height": height or "auto",
        "placeholder": "",
        "row_height": _row_height(frame),
    }
    if to is None:
        st.dataframe(frame, **options)
        return None
    link = _link_column(frame, columns)
    if link is not None:
        frame = frame.assign(**{link: [_linked(value) for value in frame[link]]})
        options["column_config"][link] = st.column_config.ButtonColumn(
            label_of(link), type="tertiary", alignment="left", key=f"{key}-link", pinned=link == columns[0], width=_width(link, frame)
        )
    chosen: Any = st.dataframe(frame, key=key, on_select="rerun", selection_mode="single-row", **options)
    clicked = st.session_state.get(f"{key}-link") if link is not None else None
    places = [clicked["row"]] if clicked else chosen.selection.rows
    return to(int(places[0])) if places and places[0] < len(frame) else None


def _linked(name: Any) -> str:
    """Return a name that leads somewhere, with the arrow that our links have."""
    return f"{name if isinstance(name, str) and name else 'not named'} →"


def _link_column(frame: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """Return the column whose cells open the row: the first that is a name."""
    return next((name for name in columns if name in _NAMES), None) if len(frame) else None


def height_for(frame: pd.DataFrame, most: int = 420) -> int | Literal["content"]:
    """Return the pixels a table takes: all of its rows, or the most there are, with a row cut in two that says there are more."""
    return "content" if 38 + 35 * len(frame) <= most else most


def _honest(share: Any) -> Any:
    """Return a share that does not look like all, or nothing, when it is not quite (see `words.rate`)."""
    return min(max(share, 0.0001), 0.9999) if 0 < share < 1 else share


def label_of(name: str) -> str:
    """Return the heading of a column."""
    return _LABELS.get(name) or name.replace("_", " ").capitalize()


def _config(name: str, frame: pd.DataFrame) -> Any:
    label = label_of(name)
    if name in _RATES:
        return st.column_config.ProgressColumn(label, format="percent", min_value=0, max_value=1, width=_RATE_PIXELS)
    if name.endswith(_MOMENTS):
        return st.column_config.DatetimeColumn(f"{label.removesuffix(' at')} (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC")
    if name.endswith("_day") or name in ("day", "silent_since", "held_until"):
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if len(frame) and frame[name].dtype.kind in "iuf":
        return st.column_config.NumberColumn(label, format="localized")
    column = st.column_config.TextColumn if name in _PROSE else st.column_config.Column
    return column(label, width=_width(name, frame))


def _row_height(frame: pd.DataFrame) -> int | None:
    """Return the pixels of a row where a sentence takes several lines; the table breaks lines only where rows are that high."""
    texts = ((str(value), _PIXELS[name] // (_LETTER - 1)) for name in _PROSE if name in frame for value in frame[name])
    lines = min(_MOST_LINES, max((len(wrap(sentence, letters)) for sentence, letters in texts), default=1))
    return max(_LEAST, _LINE * lines + _ROUND) if lines > 1 else None


def _width(name: str, frame: pd.DataFrame) -> int | None:
    """Return the pixels of a column one of whose texts would take more than it may."""
    most = _PIXELS.get(name)
    return most if most is not None and any(len(str(value)) * _LETTER > most for value in frame[name]) else None
