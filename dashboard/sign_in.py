"""Who may see the page: everybody on this machine, or those who sign in with the configured OpenID provider and are on the list."""

from __future__ import annotations

import os

import streamlit as st

from dashboard.lake_door import settings
from pipeline.dashboard_flags import SIGN_IN_VARIABLE, VERIFIED, may_enter, refuse_doubtful_claim, sign_in_is_configured
from pipeline.errors import ConfigError
from pipeline.output import escape


def admit() -> None:
    """Draw the door and stop here, unless nobody has to sign in or somebody who may see the page has.

    A sign-in that is demanded and not configured lets nobody in.
    """
    if not sign_in_is_configured() and SIGN_IN_VARIABLE not in os.environ:
        return
    if not sign_in_is_configured():
        _door("Sign-in is not possible: the provider is no longer configured.", button=False)
    if not st.user.get("is_logged_in"):
        _door("Sign in to see the TLS reports.", button=True)
    rules = settings().dashboard
    try:
        refuse_doubtful_claim(rules.verified_claim)
    except ConfigError as err:
        _door(f"Sign-in is not possible: {err}.", button=False)
    who = {name: st.user.get(name) for name in ("email", VERIFIED, rules.verified_claim)}
    if not may_enter(who, rules.allow, rules.verified_claim):
        listed = "[dashboard] allow" if rules.allow else "[dashboard] allow is empty"
        _door(
            f"{escape(str(who['email'] or 'You'))} may not see this page ({listed}; the provider must have verified the address).",
            button=False,
        )
    with st.sidebar:
        st.button("Sign out", on_click=st.logout, type="tertiary")


def _door(sentence: str, *, button: bool) -> None:
    st.title("TLS reports", anchor=False)
    st.text(sentence)
    if button:
        st.button("Sign in", on_click=st.login, type="primary")
    st.stop()
