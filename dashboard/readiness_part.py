"""May this domain enforce? The verdict, its arithmetic, what is missing, and the what-if by day and sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from dashboard.charts.days import calendar
from dashboard.charts.heat import heat, height_of
from dashboard.drawn import chart
from dashboard.formatting import listed
from dashboard.insight import READINESS_QUESTIONS, readiness
from dashboard.lake_door import Answer
from dashboard.navigation import Target, link, to_reports
from dashboard.say import say
from dashboard.signs import VERDICTS
from dashboard.tiles import Rows, tile
from pipeline.insight.phrases import span_of

_BLOCKING = 5

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.filters import Filters
    from pipeline.insight.api import Readiness


def verdict_part(verdict: Readiness) -> None:
    """Draw the verdict on a domain, what is missing, and the next step."""
    sign = VERDICTS[verdict.verdict]
    left, right = st.columns(2)
    with left.container(border=True, height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header("Ready for enforce?", anchor=False, width="content")
            st.badge(sign.short, color=sign.colour)
        say(f"{sign.words}. Assessed {span_of(verdict.since, verdict.until)} (UTC).")
        missing = [one.sentence for one in verdict.missing] or verdict.reasons
        say("\n".join(f"• {reason[:1].upper()}{reason[1:]}" for reason in missing) or "Nothing is missing.")
        for blocking in verdict.blocking[:_BLOCKING]:
            link("An incident that blocks enforce", "incident", id=blocking)
        others = [reason for reason in verdict.reasons if reason not in missing]
        with st.expander("How this is worked out"):
            say("\n".join([*(f"• {reason}" for reason in others), verdict.arithmetic]))
    with right.container(border=True, height="stretch", gap="xsmall"):
        st.header("Next step", anchor=False)
        say(verdict.next_step)
        if verdict.stale_reporters:
            say(f"Still on another policy: {listed(verdict.stale_reporters)}")


def what_if(domain: str, filters: Filters) -> None:
    """Draw which sessions enforce would have refused."""
    slot = st.empty()
    verdict = readiness(domain, filters, slot=slot)
    slot.empty()
    _what_if(verdict)


def _what_if(verdict: Readiness) -> None:
    lines = [
        {
            "report_day": one.report_day,
            "submitter_domain": one.submitter_domain,
            "sts_sessions": one.sts_sessions,
            "would_refuse": one.would_refuse,
        }
        for one in verdict.replay
    ]
    days = calendar(verdict.since, verdict.until)

    def draw(frame: pd.DataFrame) -> Target | None:
        order = frame.groupby("submitter_domain")["sts_sessions"].sum().sort_values(ascending=False)
        senders = [str(name) for name in order.index[:25]]
        values = {(str(row["report_day"])[:10], str(row["submitter_domain"])): int(row["would_refuse"]) for row in frame.to_dict("records")}
        if not any(values.values()):
            say(f"On no day and for no sender: 0 of {verdict.sessions:,} sessions.")
            return None
        return chart(
            heat(days, senders, values, unit=verdict.refused),
            key="what-if",
            height=height_of(len(senders)),
            alt=f"Sessions that {verdict.refused}, by day and sender",
            to=lambda part: to_reports(day=part.column, reporter=part.row, failing="true"),
        )

    tile(
        f"Which sessions {verdict.refused}, by day and sender?",
        Answer(
            pa.Table.from_pylist(lines), READINESS_QUESTIONS, {"domain": verdict.domain, "since": verdict.since, "until": verdict.until}
        ),
        draw,
        unit=f"Sessions of known reporters under MTA-STS that {verdict.refused} by mode enforce, per UTC day (RFC 8461 §5). "
        "Choose a cell to see its reports.",
        empty="No known reporter has a session under MTA-STS on these days.",
        rows=Rows(
            ("report_day", "submitter_domain", "sts_sessions", "would_refuse"),
            lambda row: to_reports(day=row["report_day"], reporter=row["submitter_domain"]),
        ),
    )
