"""What is muted, and muting it, on the page. Where the page may not write into the lake, it shows the command instead."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from dashboard.auditing import by_whom, noted
from dashboard.filters import Filters
from dashboard.insight import incidents
from dashboard.lake_door import settings, today
from dashboard.navigation import link
from dashboard.say import say
from pipeline.notify import told_and_muted
from pipeline.notify.mutes import covers
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.insight.api import Incident
    from pipeline.notify.told_and_muted import MuteState

_FAILED = "mute-failed"


def mutes_now(filters: Filters) -> tuple[MuteState, ...]:
    """Return the mutes, those that hold first."""
    if not told_and_muted.any_mutes(settings()):
        return ()  # the usual case, and incidents take a while
    return told_and_muted.read_mutes(settings(), _all_incidents(filters), today())


def _all_incidents(filters: Filters) -> Sequence[Incident]:
    """Return what mutes are judged by: the incidents as they are, whatever domain is chosen."""
    return incidents(filters._replace(domain=None, days=max(filters.days, settings().insight.days)))


def say_muted(filters: Filters) -> None:
    """Say on another page what is muted, and where to end that."""
    held = [one for one in mutes_now(filters) if one.lapsed is None]
    if held:
        say("\n".join(f"Muted: {told(one)}" for one in held))
        link("What was told, and what is muted", "notices")


def told(one: MuteState) -> str:
    """Return a mute in one line; plain text."""
    mute = one.mute
    until = f"no longer in force: {one.lapsed}" if one.lapsed else f"until {mute.until or 'it is over'} or until it gets worse"
    return escape(f"{mute.title}, {until}; by {mute.by} on {mute.since}: {mute.reason}")


def mute_form(found: Incident, filters: Filters) -> None:
    """Offer to mute the fault of an incident, or say that it is muted."""
    if found.state == "resolved" or settings().audience is not None:
        return
    muted = next((one for one in mutes_now(filters) if one.lapsed is None and covers(one.mute, found)), None)
    with st.container(border=True):
        st.header("Notices", anchor=False)
        _say_failed()
        if muted is not None:
            say(f"Muted: {told(muted)}")
            end_button(muted)
            return
        say("While it is muted, no notice mentions this fault on any domain. That ends when it is over, or gets worse.")
        if not told_and_muted.may_write(settings()):
            say("This page cannot write to the lake; use the command:")
            st.code(f"tlsrpt mute {found.id} --reason …", language=None)
            return
        with st.form("mute", border=False):
            reason = st.text_input("Why", max_chars=500, placeholder="the relay is being replaced")
            until = st.date_input("Last day (UTC); empty: until it is over", value=None, min_value=today(), format="YYYY-MM-DD")
            if st.form_submit_button("Mute this fault"):
                _mute(found, filters, until, reason)


def _mute(found: Incident, filters: Filters, until: date | None, reason: str) -> None:
    if not reason.strip():
        _done("Say why: whoever reads the list later will want to know.", "")
    every = _all_incidents(filters)
    failed = told_and_muted.mute(settings(), every, found.id, until=until, reason=reason, by=by_whom(), today=today())
    if not failed:
        noted("mute", f"{found.id}: {reason}")
    _done(failed, f"tlsrpt mute {found.id} --reason {shlex.quote(reason)}")


def end_button(one: MuteState) -> None:
    """Offer to end a mute."""
    if not told_and_muted.may_write(settings()):
        st.code(f"tlsrpt unmute {shlex.quote(one.mute.what)}", language=None)
        return
    if st.button("Unmute", key=f"unmute-{one.mute.what}"):
        failed = told_and_muted.unmute(settings(), one.mute.what)
        if not failed:
            noted("unmute", one.mute.what)
        _done(failed, f"tlsrpt unmute {shlex.quote(one.mute.what)}")


def _done(failed: str, command: str) -> NoReturn:
    """Draw the page anew; what failed is said there, with the command that may do it."""
    if failed:
        st.session_state[_FAILED] = (failed, command)
    st.rerun()


def _say_failed() -> None:
    failed = st.session_state.pop(_FAILED, None)
    if failed is not None:
        st.error("That was not written.")
        say(escape(failed[0]))
        if failed[1]:
            st.code(failed[1], language=None)
