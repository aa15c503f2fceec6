"""What is done on the page goes into the audit of the lake, once a visit, without anybody waiting for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import readers
from pipeline.notify.audit import audit
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.notify.audit import Act

_writer = ThreadPoolExecutor(1, thread_name_prefix="audit")
_NOTED = "audited"


def noted(act: Act, what: str = "") -> None:
    """Note it, unless this visit has; by whoever has signed in."""
    _noting(act, what)()


def handed_over(label: str, content: Callable[[], bytes], name: str, kind: str, *, of: str = "", **more: Any) -> None:
    """Draw a button that hands over a file, which is an export.

    Args:
        label: What it says.
        content: Makes the file once somebody asks for it.
        name: Of the file, as the browser is to save it.
        kind: Its media type.
        of: What the file is about, where its name does not say it.
        **more: For `st.download_button`.
    """
    note = _noting("export", f"{name} {of}".strip())

    def asked_for() -> bytes:
        note()
        return content()

    st.download_button(label, asked_for, name, kind, on_click="ignore", type="tertiary", **more)


def _noting(act: Act, what: str) -> Callable[[], None]:
    """Return what notes it once a visit; it may be called by another thread, which does not know whose visit it is."""
    done: set[tuple[str, str, str]] = st.session_state.setdefault(_NOTED, set())
    whose, line = readers.settings(), (act, by_whom(), what)

    def note() -> None:
        if line not in done:
            done.add(line)
            _writer.submit(audit, whose, act, line[1], what=escape(what))

    return note


def by_whom() -> str:
    """Return who uses the page: the address of the sign-in, or that nobody had to sign in."""
    email = readers.who().get("email")
    return escape(str(email)) if email else "the page, without sign-in"
