"""Who may enter: everybody on this machine, or those who sign in with the configured OpenID provider and may see something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard import readers
from dashboard.auditing import noted
from dashboard.readers import FIRST, NOBODY
from dashboard.say import say

if TYPE_CHECKING:
    from dashboard.readers import Admission
    from pipeline.groups import Audience

_SEEN = "seen-as"
_AGAIN_SECONDS = 20
"""How often an open page looks whether whoever has signed in may still see what it shows."""


def admit(admitted: Admission) -> None:
    """Draw the door and stop here, unless nobody has to sign in or somebody who may see the page has.

    A sign-in that is demanded and not configured lets nobody in.

    Args:
        admitted: What this run may see.
    """
    claims = readers.who()
    seen, refused = admitted
    _begin_anew_as(seen)
    if refused:
        st.title("TLS reports", anchor=False)
        say(refused)
        if refused == FIRST:
            st.button("Sign in", on_click=st.login, type="primary")
    if claims:
        noted("refusal" if refused else "sign-in")
        with st.sidebar:
            if seen is not None and not refused:
                st.text(seen.title)
            st.button("Sign out", on_click=st.logout, type="tertiary")
        _look_again(seen, refused)
    if refused:
        st.stop()


def _begin_anew_as(seen: Audience | None) -> None:
    """Forget what was chosen while something else could be seen; the address stays, which anybody may type."""
    before = st.session_state.get(_SEEN, NOBODY)
    if before is not NOBODY and before != seen:
        st.session_state.clear()
    st.session_state[_SEEN] = seen


@st.fragment(run_every=_AGAIN_SECONDS)
def _look_again(seen: Audience | None, refused: str) -> None:
    if readers.admission(readers.who()) != (seen, refused):
        st.rerun()
