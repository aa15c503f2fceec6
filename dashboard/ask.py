"""The one cached door to the lake: a question or an insight, answered once per version of the lake."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from pipeline.config import Settings, load_settings
from pipeline.query import Lake, open_lake

if TYPE_CHECKING:
    import pandas as pd

REFRESH_SECONDS = 30.0
"""How often the lake is looked at for a new version."""


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Return the settings the page was started with."""
    return load_settings(os.environ.get("TLSRPT_CONFIG"))


@st.cache_resource(show_spinner=False)
def _door() -> dict[str, Any]:
    return {"lake": open_lake(settings=settings()), "seen": time.monotonic()}


def lake() -> Lake:
    """Return the open lake, at most `REFRESH_SECONDS` behind the writer."""
    door = _door()
    if time.monotonic() - door["seen"] > REFRESH_SECONDS:
        door["seen"] = time.monotonic()
        door["lake"].refresh()
    opened: Lake = door["lake"]
    return opened


def ask(question: str, **parameters: Any) -> pd.DataFrame:
    """Return the answer to a named question, cached by the version of the lake."""
    return _answer(lake().version, question, tuple(sorted(parameters.items())))


@st.cache_data(max_entries=500, show_spinner=False)
def _answer(version: str, question: str, parameters: tuple[tuple[str, Any], ...]) -> pd.DataFrame:  # noqa: ARG001 -- the version is the key
    return lake().ask(question, **dict(parameters)).to_pandas()


def today() -> date:
    """Return the day of asking, in UTC."""
    return datetime.now(UTC).date()
