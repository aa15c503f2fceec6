"""Who reports, how reliably, who went silent, how well they keep to the standard, and how far they are proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from dashboard.ask import Answer, asked, settings
from dashboard.charts.days import calendar
from dashboard.charts.heat import heat, height_of
from dashboard.charts.palette import CALM
from dashboard.columns import height_for, rows_of
from dashboard.filters import Filters, chosen
from dashboard.insight import coverage
from dashboard.navigation import go
from dashboard.tiles import tile
from dashboard.verdicts import COVERAGE
from dashboard.words import count_of
from pipeline.query.original import QUIRKS

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.insight.api import Coverage

_CALENDAR_ROWS = 40
_CALENDAR_DAYS = 180


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Reporters", anchor=False)
    lines = coverage(filters)
    st.text(_sentence(lines))
    _calendar(filters)
    _coverage(lines, filters)
    _sessions(filters)
    _conformance(filters)
    _trust(filters)


def _sentence(lines: list[Coverage]) -> str:
    silent = {line.reporter for line in lines if line.silent_since is not None}
    if any(line.state == "ingest-outage" for line in lines):
        return "All reporters fell silent at once: that is the mailbox, the _smtp._tls record or the ingest, and not the senders."
    everybody = {line.reporter for line in lines}
    return f"{count_of(len(everybody), 'reporter')}, {len(silent) or 'none'} silent." if everybody else "Nobody reports in this period."


def _calendar(filters: Filters) -> None:
    answer = asked("coverage_by_reporter_day", **filters.parameters())
    days = calendar(filters.since, filters.as_of)[-_CALENDAR_DAYS:]

    def draw(frame: pd.DataFrame) -> None:
        order = frame.groupby("submitter_domain")["sessions"].sum().sort_values(ascending=False)
        names = [str(name) for name in order.index[:_CALENDAR_ROWS]]
        values = {(str(row["report_day"])[:10], str(row["submitter_domain"])): int(row["sessions"]) for row in frame.to_dict("records")}
        chart = heat(days, names, values, unit="sessions", colours=CALM)
        st.echarts_chart(chart, height=height_of(len(names)), alt="Sessions by reporter and day; an empty cell is a day without a report")
        if len(order) > len(names):
            st.caption(f"The {len(names)} largest of {len(order):,} reporters.")

    pale = settings().insight.settling_days
    tile(
        "Who reported on which day?",
        answer,
        draw,
        unit=f"Sessions per reporter and UTC day; an empty cell is a day without a report. The last {pale} days are incomplete.",
        empty="Nobody reports in this period.",
    )


def _coverage(lines: list[Coverage], filters: Filters) -> None:
    rows = [
        {
            "submitter_domain": line.reporter,
            "report_domain": line.domain,
            "state": COVERAGE[line.state],
            "last_day": line.last_day,
            "silent_since": line.silent_since,
            "usual_every_days": line.usual_every_days,
            "lag_hours": line.lag_hours,
            "days": line.days,
            "sessions": line.sessions,
        }
        for line in lines
    ]
    names = ["submitter_domain", "report_domain", "state", "last_day", "silent_since", "usual_every_days", "lag_hours", "days", "sessions"]
    tile(
        "How often do they report, how late, and who is silent?",
        Answer(
            pa.Table.from_pylist(rows, schema=pa.schema(_COVERAGE_COLUMNS)),
            ("insight_coverage",),
            {"as_of": filters.as_of, "domain": filters.domain},
        ),
        lambda frame: rows_of(frame, names, alt="Reporters by domain, the silent ones first", height=height_for(frame)),
        unit="Per reporter and domain. The lag is from the end of the day to the arrival of the report.",
        empty="Nobody reports in this period.",
    )


_COVERAGE_COLUMNS: list[pa.Field[Any]] = [
    pa.field("submitter_domain", pa.string()),
    pa.field("report_domain", pa.string()),
    pa.field("state", pa.string()),
    pa.field("last_day", pa.date32()),
    pa.field("silent_since", pa.date32()),
    pa.field("usual_every_days", pa.float64()),
    pa.field("lag_hours", pa.float64()),
    pa.field("days", pa.int64()),
    pa.field("sessions", pa.int64()),
]


def _sessions(filters: Filters) -> None:
    names = ["submitter_domain", "success_rate", "sessions", "failed", "unprotected", "domains", "days", "trust_tiers", "last_day"]
    answer = asked("sessions_by_reporter", **filters.parameters())
    picked: list[int] = []

    def draw(frame: pd.DataFrame) -> None:
        place = rows_of(frame, names, alt="Sessions by reporter", key="reporters")
        if place is not None:
            picked.append(place)

    tile(
        "What do they report?",
        answer,
        draw,
        unit="Sessions of the period. Choose a row to see the reporter's reports.",
        empty="Nobody reports in this period.",
    )
    if picked:
        go("reports", reporter=str(answer.frame.iloc[picked[0]]["submitter_domain"]))


def _conformance(filters: Filters) -> None:
    answer = asked("quirks_by_reporter", **filters.parameters())
    frame = answer.frame
    frame = frame[frame["quirk"].notna()]
    frame = frame.assign(portion=frame["reports"] / frame["all_reports"], means=[QUIRKS.get(str(code), "") for code in frame["quirk"]])
    names = ["submitter_domain", "quirk", "means", "portion", "reports", "last_day"]
    tile(
        "How well do they keep to the standard?",
        Answer(pa.Table.from_pandas(frame, preserve_index=False), answer.questions, answer.parameters),
        lambda shown: rows_of(shown, names, alt="Deviations from the standard by reporter", height=height_for(shown)),
        unit="Reports with a deviation that was tolerated, and their portion of the reporter's reports. None of them costs a session.",
        empty="No deviation in this period.",
    )


def _trust(filters: Filters) -> None:
    names = ["submitter_domain", "trust_tier", "reason", "reports", "first_day", "last_day"]
    tile(
        "Whose reports do not count, and why?",
        asked("not_counted", **filters.parameters()),
        lambda frame: rows_of(frame, names, alt="Reports that do not count"),
        unit="Reports of the period. What is not proved may claim any name.",
        empty="Every report of this period counts.",
    )


main()
