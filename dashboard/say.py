"""Sentences on the page, in which a day stays on one line."""

from __future__ import annotations

import re

import streamlit as st

_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")


def say(words: str) -> None:
    """Draw plain text, which is neither Markdown nor HTML."""
    st.text(whole_days(words))


def whole_days(words: str) -> str:
    """Return words whose days a browser does not break at their hyphens: for eyes, not for what is copied into a command or a ticket."""
    return _DAY.sub("\\1\u2011\\2\u2011\\3", words)
