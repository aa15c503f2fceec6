"""Who may see the page: everybody on this machine, or those who sign in with the configured OpenID provider and are on the list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.lake_door import settings
from dashboard.say import say
from pipeline.dashboard_flags import SIGN_IN_VARIABLE, may_enter, refuse_doubtful_claim, sign_in_is_configured
from pipeline.errors import ConfigError
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

NOBODY: dict[str, Any] = {}
"""The claims of somebody who has not signed in."""
_FIRST = "Sign in to see the TLS reports."


def admit() -> None:
    """Draw the door and stop here, unless nobody has to sign in or somebody who may see the page has.

    A sign-in that is demanded and not configured lets nobody in.
    """
    who = dict(st.user.to_dict()) if st.user.get("is_logged_in") else NOBODY
    if refused := refused_because(who):
        st.title("TLS reports", anchor=False)
        say(refused)
        if refused == _FIRST:
            st.button("Sign in", on_click=st.login, type="primary")
        st.stop()
    if who:
        with st.sidebar:
            st.button("Sign out", on_click=st.logout, type="tertiary")


def refused_because(who: Mapping[str, Any]) -> str:
    """Return why somebody may not see the page; empty where they may.

    Args:
        who: The claims of the provider, `NOBODY` for who has not signed in.
    """
    if not sign_in_is_configured():
        return "Sign-in is not possible: the provider is no longer configured." if SIGN_IN_VARIABLE in os.environ else ""
    if not who:
        return _FIRST
    rules = settings().dashboard
    try:
        refuse_doubtful_claim(rules.verified_claim)
    except ConfigError as err:
        return f"Sign-in is not possible: {err}."
    if not may_enter(who, rules.allow, rules.verified_claim):
        listed = "[dashboard] allow" if rules.allow else "[dashboard] allow is empty"
        return f"{escape(str(who.get('email') or 'You'))} may not see this page ({listed}; the provider must have verified the address)."
    return ""
