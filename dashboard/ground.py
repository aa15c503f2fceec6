"""What all figures of a page rest on, above each page: the mailboxes nobody reads first, then what counts and what is left out."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboard.filters import chosen
from dashboard.formatting import without_marks
from dashboard.lake_door import concluded, lake, now, today
from dashboard.navigation import is_at, link
from dashboard.say import say
from pipeline.query.health import not_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.delta_generator import DeltaGenerator

    from dashboard.filters import Filters
    from pipeline.insight.first_weeks import FirstWeeks
    from pipeline.insight.ground import Ground
    from pipeline.query.health import MailboxHealth


NOTHING_COUNTS = "Nothing counts in this period and choice, so nothing is known."
_COUNTED = re.compile(r"\b(?:session_parts|sessions|mentions|counted_\w+)\b")
"""Views of what counts."""


_place: ContextVar[DeltaGenerator] = ContextVar("place of the ground")
"""Of this run of the script."""


class LastLook(NamedTuple):
    """The last successful look into any mailbox."""

    at: Any
    note: str


def last_look(ingested: Any) -> LastLook:
    """Return when a mailbox was last looked into with success; without a note of looks, when something was last ingested.

    Args:
        ingested: When a message was last ingested; null where none ever was.
    """
    boxes = lake().mailboxes(now=now())
    successes = [box.last_success for box in boxes if box.last_success is not None]
    if not any(box.last_try for box in boxes):
        return LastLook(ingested, "never" if pd.isna(ingested) else f"something new {ingested:%Y-%m-%d %H:%M} UTC")
    failing = [box.mailbox for box in boxes if box.error]
    at = max(successes, default=None)
    note = f"{at:%Y-%m-%d %H:%M} UTC" if at else "never with success"
    return LastLook(at, f"{note}; {len(failing)} failing" if failing else note)


def keep_place() -> None:
    """Keep the place where it is said, for a page that first draws what is there at once."""
    _place.set(st.container())


def say_ground(filters: Filters) -> None:
    """Say it, in the place that was kept for it."""
    with _place.get():
        _say(filters)


def _say(filters: Filters) -> None:
    for box in silent_mailboxes(filters):
        with st.container(border=True, key=f"silent-{box.mailbox}"):
            st.error("The mailbox is not read, or gives nothing (ingest-silent).", icon=":material/warning:")
            say(without_marks(f"{box.title()}. {box.sentence()}\n{box.fix()}"))
    ground = ground_of(filters)
    if filters.as_of >= today() and not is_at("first_weeks") and first_weeks(filters).last:
        link("The first two weeks: who has reported, and who usually does", "first_weeks")
    if filters.believes_all:
        st.warning("Reports of every trust tier count here, forged ones included: these figures are what somebody claims.")
    if not ground.reports:
        st.warning(NOTHING_COUNTS)
        say(without_marks("\n".join(ground.lines())))
        return
    notes = without_marks("\n".join(ground.notes()))
    with st.container(key="ground", gap="xsmall"):
        say(ground.headline())
        if notes and (_outweighs(ground) or ground.ends_early or ground.waiting):
            say(notes)
        elif notes:
            with st.popover("What is left out, and what to do" if ground.left_out else "What else to know", type="tertiary"):
                say(notes)


def ground_of(filters: Filters) -> Ground:
    """Return what the figures of this choice rest on."""
    opened = lake(filters.tiers)
    asked: dict[str, Any] = {"since": filters.since, "until": filters.as_of, "as_of": filters.as_of, "domain": filters.domain}
    found: Ground = concluded(opened, "ground", lambda: opened.ground(**asked), **asked)
    return found


def nothing_counts(questions: Sequence[str]) -> str:
    """Return what to say instead of "none" where no report counts by which the questions could be answered; empty where some do."""
    opened = lake()
    is_about = any(_COUNTED.search(opened.questions[name].sql) for name in questions)
    return NOTHING_COUNTS if is_about and not ground_of(chosen()).reports else ""


def said_of_none(questions: Sequence[str], empty: str) -> str:
    """Return what to say of an empty table or chart: nothing is known, or as far as anything is known."""
    if nothing := nothing_counts(questions):
        return nothing
    is_about = any(_COUNTED.search(lake().questions[name].sql) for name in questions)
    ground = ground_of(chosen())
    return f"{ground.good_news(empty)}." if is_about and ground.ends_early and empty.startswith("No ") else empty


def read_so_far(said: str, filters: Filters) -> str:
    """Return good news as what it is while a mailbox is not read: news of what has been read."""
    missing = not_read(silent_mailboxes(filters))
    said = ground_of(filters).good_news(said) + ("." if ground_of(filters).ends_early and not missing else "")
    return f"{said.removesuffix('.')}, in what has been read: {missing}." if missing else said


def first_weeks(filters: Filters) -> FirstWeeks:
    """Return how far the beginning has come."""
    opened = lake(filters.tiers)
    found: FirstWeeks = concluded(opened, "first-weeks", lambda: opened.first_weeks(today=today()), today=today())
    return found


def silent_mailboxes(filters: Filters) -> list[MailboxHealth]:
    """Return the mailboxes that are not read, or give nothing; of another day than today nothing is known."""
    if filters.as_of < today():
        return []
    return [box for box in lake().mailboxes(now=now()) if box.why is not None]


def _outweighs(ground: Ground) -> bool:
    return ground.reports_left_out > ground.reports
