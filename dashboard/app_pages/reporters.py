"""Who reports, how reliably, who went silent, how well they keep to the standard, and how far they are proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from dashboard.charts.days import calendar
from dashboard.charts.heat import heat, height_of
from dashboard.charts.palette import CALM
from dashboard.drawn import chart
from dashboard.filters import Filters, chosen
from dashboard.ground import ground_of, nothing_counts
from dashboard.insight import Silence, coverage, coverage_asked, silence
from dashboard.lake_door import Answer, asked, concluded, lake, settings
from dashboard.navigation import to_reports
from dashboard.readers import audience
from dashboard.say import whole_days
from dashboard.signs import COVERAGE
from dashboard.tiles import Rows, rows_tile, tile
from pipeline.insight.phrases import count_of
from pipeline.query.raw_report_text import QUIRKS

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.navigation import Target
    from pipeline.insight.api import Coverage

_REASONS = {
    "tier": "not proved: its trust tier does not count",
    "not_our_domain": "about no domain of [domains] own",
    "superseded": "a better version of it is taken",
    "conflict": "another content of it is taken",
}
_CALENDAR_ROWS = 40
_CALENDAR_DAYS = 180


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Reporters", anchor=False)
    sentence = st.empty()
    _calendar(filters)
    place = st.container()
    _sessions(filters)
    _conformance(filters)
    _trust(filters)
    lines = coverage(filters, slot=sentence)
    sentence.text(whole_days(_sentence(lines, silence(filters))))
    with place:
        _coverage(lines, filters)


def _sentence(lines: list[Coverage], silent: Silence) -> str:
    if silent.is_ours:
        return "All reporters fell silent at once: that is the mailbox, the _smtp._tls record or the ingest, and not the senders."
    everybody = {line.reporter for line in lines}
    return (
        f"{count_of(len(everybody), 'reporter')}, {silent.told()}."
        if everybody
        else nothing_counts(("insight_coverage",)) or "Nobody reports in this period."
    )


def _calendar(filters: Filters) -> None:
    answer = asked("coverage_by_reporter_day", **filters.parameters())
    days = calendar(filters.since, filters.as_of)[-_CALENDAR_DAYS:]

    def draw(frame: pd.DataFrame) -> Target | None:
        order = frame.groupby("submitter_domain")["sessions"].sum().sort_values(ascending=False)
        names = [str(name) for name in order.index[:_CALENDAR_ROWS]]
        values = {(str(row["report_day"])[:10], str(row["submitter_domain"])): int(row["sessions"]) for row in frame.to_dict("records")}
        target = chart(
            heat(days, names, values, unit="sessions", colours=CALM),
            key="calendar",
            height=height_of(len(names)),
            alt="Sessions by reporter and day; an empty cell is a day without a report",
            to=lambda part: to_reports(day=part.column, reporter=part.row),
        )
        if len(order) > len(names):
            st.caption(f"The {len(names)} largest of {len(order):,} reporters.")
        return target

    pale = settings().insight.settling_days
    tile(
        "Who reported on which day?",
        answer,
        draw,
        unit=f"Sessions per reporter and UTC day; an empty cell is a day without a report. The last {pale} days are incomplete. "
        "Choose a cell to see its reports.",
        empty="Nobody reports in this period.",
        rows=Rows(
            ("report_day", "submitter_domain", "sessions", "reports"),
            lambda row: to_reports(day=row["report_day"], reporter=row["submitter_domain"]),
        ),
    )


def _coverage(lines: list[Coverage], filters: Filters) -> None:
    opened = lake(filters.tiers)
    # Tens of thousands of lines take half a second to become a table: once for each version of the lake.
    table = concluded(opened, "coverage-table", lambda: _table(lines), **coverage_asked(filters))
    unreported = [{"report_domain": name, "state": COVERAGE[state]} for name, state in ground_of(filters).without_reports()]
    if unreported:
        table = pa.concat_tables([pa.Table.from_pylist(unreported, schema=table.schema), table])
    rows_tile(
        "How often do they report, how late, and who is silent?",
        Answer(table, ("insight_coverage", "submitter_habits"), {"as_of": filters.as_of, "domain": filters.domain, "tiers": filters.tiers}),
        [field.name for field in _COVERAGE_COLUMNS],
        unit="Per reporter and domain; domains of yours without a report come first. The lag is from the end of the day to the arrival of "
        "the report. Choose a row to see the reports.",
        empty="Nobody reports in this period.",
        alt="Reporters by domain, the silent ones first",
        key="coverage",
        to=lambda row: to_reports(domain=row["report_domain"], reporter=row["submitter_domain"]),
    )


def _table(lines: list[Coverage]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "submitter_domain": [line.reporter for line in lines],
        "report_domain": [line.domain for line in lines],
        "state": [COVERAGE[line.state] for line in lines],
        "last_day": [line.last_day for line in lines],
        "silent_since": [line.silent_since for line in lines],
        "usual_every_days": [line.usual_every_days for line in lines],
        "lag_hours": [line.lag_hours for line in lines],
        "days": [line.days for line in lines],
        "sessions": [line.sessions for line in lines],
        "habits": [", ".join(line.habits) for line in lines],
    }
    return pa.table(columns, schema=pa.schema(_COVERAGE_COLUMNS))


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
    pa.field("habits", pa.string()),
]


def _sessions(filters: Filters) -> None:
    rows_tile(
        "What do they report?",
        asked("sessions_by_reporter", **filters.parameters()),
        ("submitter_domain", "success_rate", "sessions", "failed", "unprotected", "domains", "days", "trust_tiers", "last_day"),
        unit="Sessions of the period; no rate where a reporter reports only on days with failures. Choose a row to see its reports.",
        empty="Nobody reports in this period.",
        alt="Sessions by reporter",
        key="reporters",
        to=lambda row: to_reports(reporter=row["submitter_domain"]),
    )


def _conformance(filters: Filters) -> None:
    answer = asked("quirks_by_reporter", **filters.parameters())
    frame = answer.frame
    frame = frame[frame["quirk"].notna()]
    frame = frame.assign(portion=frame["reports"] / frame["all_reports"], means=[QUIRKS.get(str(code), "") for code in frame["quirk"]])
    rows_tile(
        "How well do they keep to the standard?",
        Answer(pa.Table.from_pandas(frame, preserve_index=False), answer.questions, answer.parameters),
        ("submitter_domain", "quirk", "means", "portion", "reports", "last_day"),
        unit="Reports with a deviation that was tolerated, and their portion of the reporter's reports. None of them costs a session. "
        "Choose a row to see them.",
        empty="No deviation in this period.",
        alt="Deviations from the standard by reporter",
        key="deviations",
        to=lambda row: to_reports(reporter=row["submitter_domain"], quirk=row["quirk"]),
    )


def _trust(filters: Filters) -> None:
    if audience() is not None:
        return  # what does not count is the operator's
    rows_tile(
        "Whose reports do not count, and why?",
        asked("not_counted", **filters.parameters()),
        ("submitter_domain", "trust_tier", "reason", "reports", "first_day", "last_day"),
        unit="Reports of the period. What is not proved may claim any name; of a report that came in several versions one counts at most. "
        "Choose a row to see them.",
        empty="No report of this period is left out.",
        change=lambda frame: frame.assign(reason=[_REASONS.get(str(code), code) for code in frame["reason"]]),
        alt="Reports that do not count",
        key="not-counted",
        to=lambda row: to_reports(reporter=row["submitter_domain"], shown="not counted"),
    )


main()
