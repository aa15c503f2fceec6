"""An incident as a card: what, where, since when, how much, whose fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.formatting import is_plain_name, listed, number, rate, span, without_marks
from dashboard.navigation import link
from dashboard.say import say
from dashboard.signs import FAULTS, STATES
from pipeline.insight.phrases import count_of, sentence_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.api import Incident


def card(incident: Incident, *, new: bool = False, others: Sequence[Incident] = (), at_home: bool = False) -> None:
    """Draw one incident; its title and badges are our words, all else is plain text.

    Args:
        incident: As the insight tells it; the hosts and reasons in it are text of strangers.
        new: Whether it is news this morning.
        others: The incidents of the same fault on other domains.
        at_home: The page is that of its domain.
    """
    fault, state = FAULTS[incident.fault], STATES[incident.state]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            heading = st.header if at_home else st.subheader  # on its domain's page it stands right below the title
            heading(headline(incident), anchor=False, width="content")
            st.badge(fault.short, color=fault.colour)
            if new:
                st.badge("+ new", color="blue")
            if incident.state != "open":
                st.badge(state.short, color=state.colour)
        say(where(incident))
        if others:
            say(also_on(incident, others))
        if incident.last_check:
            say(without_marks(incident.last_check.sentence))
        with st.container(horizontal=True, gap="small"):
            link("Cause, fix and evidence", "incident", id=incident.id)
            if is_plain_name(incident.domain) and not at_home:
                link(incident.domain, "domain", domain=incident.domain)


def also_on(incident: Incident, others: Sequence[Incident]) -> str:
    """Return the other domains of a fault, and what it comes to on all of them; plain text."""
    domains = sorted({one.domain for one in others})
    failed = incident.failed_sessions + sum(one.failed_sessions for one in others)
    in_all = f"on all of them {number(failed)} sessions {incident.went}"
    return f"The same fault on {count_of(len(domains), 'more domain')}: {listed(domains, 12)}; {in_all}"


def headline(incident: Incident) -> str:
    """Return the title as the beginning of a line."""
    return sentence_start(incident.title)


def where(incident: Incident) -> str:
    """Return scope, days and size of an incident on one line; plain text."""
    hosts = listed(incident.mx_hosts, 2)
    rated = len(incident.reporters) - len(incident.failures_only)
    share = f"{rate(incident.share)} of the sessions of {count_of(rated, 'reporter')}"
    if incident.share is None:
        share = "of senders that report only on days with failures"
    when = f"since {incident.first_day}" if incident.state == "open" else span(incident.first_day, incident.last_day)
    parts = [
        listed([incident.domain]),
        *([hosts] if hosts else []),
        when,
        f"{count_of(incident.failed_sessions, 'session')} {incident.went}, {share}",
    ]
    return "  ·  ".join(parts)
