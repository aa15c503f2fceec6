"""The inbox: what was told, when and to whom; which channels work; what is muted, until when and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from dashboard.figures import Way
from dashboard.filters import Filters, chosen
from dashboard.formatting import listed, moment
from dashboard.lake_door import settings, today
from dashboard.muting import end_button, mutes_now, told
from dashboard.navigation import link
from dashboard.say import say
from pipeline.insight.phrases import count_of
from pipeline.notify import told_and_muted
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.notify.kept_notes import ChannelState
    from pipeline.notify.notice import Notice
    from pipeline.notify.told_and_muted import ToldNotice

_PAGE = 25
_KINDS = {
    "new": ("New", "red"),
    "worse": ("Worse", "red"),
    "still": ("Still so", "red"),
    "over": ("Over", "green"),
    "changed": ("Changed", "blue"),
    "ahead": ("Ahead", "orange"),
    "summary": ("Summary", "gray"),
}
_WAYS = {"incident": "Cause, fix and evidence", "domain": "The domain", "reporters": "Who reports", "ingest": "Ingest health"}
"""By the page that a notice leads to: the words of the link."""


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Notices", anchor=False)
    found = told_and_muted.read_inbox(settings(), (), today())
    _channels(found.channels)
    _muted(filters)
    _told(found.told)


def _channels(channels: Sequence[ChannelState]) -> None:
    with st.container(border=True):
        st.header("Who is told?", anchor=False)
        if not channels and not settings().notify.channel:
            say("Nobody: no channel is configured. A [[notify.channel]] in the configuration sends what is new, worse or over.")
            return
        lines = [f"{escape(one.channel)}: {escape(one.sentence())}" for one in channels]
        posted = [channel.name for channel in settings().notify.channel if channel.kind == "alertmanager"]
        lines += [f"{escape(name)}: Alertmanager is posted all that is open at each run" for name in posted]
        if any(one.failing_since for one in channels):
            st.error("A channel fails. What it was to be told is kept and tried again.", icon=":material/warning:")
        say("\n".join(lines))


def _muted(filters: Filters) -> None:
    with st.container(border=True):
        st.header("What is muted?", anchor=False)
        mutes = mutes_now(filters)
        if not mutes:
            say("Nothing. The page of an incident mutes its fault.")
        for one in mutes:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                say(told(one))
                end_button(one)


def _told(items: Sequence[ToldNotice]) -> None:
    with st.container(border=True):
        st.header("What was told?", anchor=False)
        if not items:
            say("Nothing yet.")
            return
        st.caption("Newest first, times in UTC. Silence is the rule: nothing is told twice, and nothing because it could not be checked.")
        most = st.session_state.get("notices-most", _PAGE)
        for number, item in enumerate(items[:most]):
            _item(item, number)
        if len(items) > most and st.button(f"{count_of(len(items) - most, 'older notice')}"):
            st.session_state["notices-most"] = most + 4 * _PAGE
            st.rerun()


def _item(item: ToldNotice, number: int) -> None:
    notice = item.notice
    if number:
        st.divider()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words, colour = _KINDS[notice.kind]
        st.badge(words, color=colour)  # type: ignore[arg-type]
        if notice.urgency == "now":
            st.badge("at once", color="orange")
        say(f"{moment(item.at)}, to {listed(item.channels, 5)}" + (f"; waits for {listed(item.waiting, 5)}" if item.waiting else ""))
    say(
        "\n".join(
            escape(line) for line in (notice.title, notice.what.split("\n\n", 1)[0], notice.step and f"First step: {notice.step}") if line
        )
    )
    if (way := _way_to(notice)) is not None:
        link(way.label, way.page, **way.parameters)


def _way_to(notice: Notice) -> Way | None:
    """Return the way to what a notice is about; None: there is none, or a page of another version of the program."""
    parts = urlsplit(notice.path)
    words = _WAYS.get(parts.path)
    return None if words is None else Way(words, parts.path, dict(parse_qsl(parts.query)))


main()
