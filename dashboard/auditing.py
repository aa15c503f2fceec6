"""What is done on the page goes into the audit of the lake, once a visit, without anybody waiting for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import readers
from pipeline.notify.audit import audit
from pipeline.output import escape

if TYPE_CHECKING:
    from pipeline.notify.audit import Act

_writer = ThreadPoolExecutor(1, thread_name_prefix="audit")
_NOTED = "audited"


def noted(act: Act, what: str = "") -> None:
    """Note it, unless this visit has; by whoever has signed in."""
    done: set[tuple[str, str, str]] = st.session_state.setdefault(_NOTED, set())
    line = (act, by_whom(), what)
    if line not in done:
        done.add(line)
        _writer.submit(audit, readers.settings(), act, line[1], what=escape(what))


def by_whom() -> str:
    """Return who uses the page: the address of the sign-in, or that nobody had to sign in."""
    email = readers.who().get("email")
    return escape(str(email)) if email else "the page, without sign-in"
