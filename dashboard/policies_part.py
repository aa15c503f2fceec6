"""Which MTA-STS policy did senders apply, and when?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from dashboard.charts.span_bars import Span, spans
from dashboard.drawn import chart
from dashboard.insight import policies
from dashboard.lake_door import Answer
from dashboard.say import say
from dashboard.table_columns import rows_of
from dashboard.tiles import tile
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.filters import Filters
    from pipeline.insight.applied_policies import Held


def policies_part(filters: Filters, domain: str) -> None:
    """Draw the policies that senders applied to a domain in the period."""
    seen = policies(domain, filters)
    held = sorted(seen.held, key=lambda one: (one.reporter, one.first_day))
    lines = [
        {
            "submitter_domain": one.reporter,
            "sts_mode": one.mode,
            "sts_max_age_seconds": one.max_age_seconds,
            "mx_patterns": list(one.mx),
            "first_day": one.first_day,
            "last_day": one.last_day,
            "sessions": one.sessions,
            "published": "✓ as published" if one.is_published else "an older or different text",
            "held_until": one.held_until,
        }
        for one in held
    ]
    answer = Answer(pa.Table.from_pylist(lines), ("insight_policies_by_reporter",), {"domain": domain, "until": filters.as_of})
    names = [
        "submitter_domain",
        "sts_mode",
        "sts_max_age_seconds",
        "mx_patterns",
        "first_day",
        "last_day",
        "sessions",
        "published",
        "held_until",
    ]

    def draw(frame: pd.DataFrame) -> None:
        shown = [
            Span(str(row), _policy_name(one), one.first_day, one.last_day) for row, one in zip(frame["submitter_domain"], held, strict=True)
        ]
        rows = len({span.row for span in shown})
        chart(
            spans(shown),
            key="policies-held",
            height=max(150, 70 + 28 * rows),
            alt="Which MTA-STS policy each sender applied, from when to when",
        )
        if seen.changes:
            say(
                "\n".join(
                    f"{change.day}: {'; '.join(change.what) or 'a different text'}{' – unexpected' if change.is_unexpected else ''}"
                    for change in seen.changes
                )
            )
        with st.expander("The policies as rows"):
            rows_of(frame, names, alt="Policies by sender")

    tile(
        "Which MTA-STS policy did senders apply, and when?",
        answer,
        draw,
        unit="One line per sender and policy text, UTC days; a sender may go on with an old text until max_age has passed (RFC 8461 §3.3).",
        empty="No sender applied an MTA-STS policy in this period.",
    )


def _policy_name(held: Held) -> str:
    days = f"{held.max_age_seconds / 86400:g} d" if held.max_age_seconds else "no max_age"
    return f"{held.mode}, {days}, {count_of(len(held.mx), 'mx pattern')} ({held.policy_hash[:6]})"
