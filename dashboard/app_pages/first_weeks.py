"""The first two weeks: who has reported, who usually does, which domains were reported on, and what to check if reports are missing."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from dashboard.filters import chosen
from dashboard.formatting import without_marks
from dashboard.ground import first_weeks
from dashboard.lake_door import Answer
from dashboard.navigation import Target, link, to_reports
from dashboard.say import say
from dashboard.tiles import rows_tile


def main() -> None:
    """Draw the page."""
    filters = chosen()
    found = first_weeks(filters)
    st.title("The first two weeks", anchor=False)
    say(without_marks(found.sentence()))
    if not found.last:
        link("Who reports", "reporters")
        return
    rows_tile(
        "Who has reported, and who usually does?",
        Answer(
            pa.Table.from_pylist(
                [
                    {"submitter_domain": one.reporter, "who": one.name, "usually": one.usually, "seen": one.state(), "reports": one.reports}
                    for one in found.reporters
                ]
            ),
            ("reporters_seen",),
            {},
        ),
        ("submitter_domain", "seen", "usually", "who"),
        unit="All reports that ever came, whether they count or not. Choose a row to see them.",
        empty="",
        alt="Reporters, those that usually come first",
        key="usual-reporters",
        to=lambda row: to_reports(reporter=row["submitter_domain"]) if row["reports"] else None,
    )
    rows_tile(
        "Which domains were reported on?",
        Answer(
            pa.Table.from_pylist(
                [{"report_domain": one.domain, "reports": one.reports, "first_day": one.first_day} for one in found.domains]
            ),
            ("reported_domains",),
            {},
        ),
        ("report_domain", "reports", "first_day"),
        unit="The domains of [domains] own, those without a report first; where it is not set, those reported on. Choose a row to open it.",
        empty="[domains] own is not set, and no report has come: it is unknown which domains are yours.",
        alt="Domains, those without a report first",
        key="waiting-domains",
        to=lambda row: Target("domain", {}, row["report_domain"]),
    )
    with st.container(border=True):
        st.header("If reports are missing", anchor=False)
        say("\n".join(f"{number}. {line}" for number, line in enumerate(found.to_check(), start=1)))


main()
