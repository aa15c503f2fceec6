"""The one cached door to the lake: a question or a conclusion, answered once per version of the lake."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from pipeline.config import Settings, load_settings
from pipeline.query import Lake, open_lake

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

REFRESH_SECONDS = 30.0
"""How often the lake is looked at for a new version."""
_ANSWERS = 600


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Return the settings the page was started with."""
    return load_settings(os.environ.get("TLSRPT_CONFIG"))


class _Door:
    """The open lake, looked at again now and then. Shared by all sessions and their threads."""

    def __init__(self) -> None:
        self.lake = open_lake(settings=settings())
        self._seen = time.monotonic()
        self._lock = threading.Lock()

    def opened(self) -> Lake:
        """Return the lake, at most `REFRESH_SECONDS` behind the writer; one thread looks, the others go on."""
        if time.monotonic() - self._seen > REFRESH_SECONDS and self._lock.acquire(blocking=False):
            try:
                self.lake.refresh()
                self._seen = time.monotonic()
            finally:
                self._lock.release()
        return self.lake


@st.cache_resource(show_spinner=False)
def _door() -> _Door:
    return _Door()


def lake() -> Lake:
    """Return the open lake, at most `REFRESH_SECONDS` behind the writer."""
    return _door().opened()


class Answer(NamedTuple):
    """An answer and what was asked, so that both can be shown and given away."""

    table: pa.Table
    questions: tuple[str, ...]
    """The named questions it rests on."""
    parameters: dict[str, Any]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame, with text as sent: not to be drawn before `words.shown`."""
        return self.table.to_pandas()


def asked(question: str, **parameters: Any) -> Answer:
    """Return the answer to a named question, cached by the version of the lake.

    Args:
        question: Its name.
        parameters: Its own; those it does not know are left out, so that all tiles of a page can be given the same.
    """
    known = {"since", "until", "as_of", *lake().questions[question].parameter_names}
    given = {name: value for name, value in parameters.items() if name in known}
    return Answer(_table(lake().version, question, _key(given)), (question,), given)


def ask(question: str, **parameters: Any) -> pd.DataFrame:
    """Return the answer to a named question as a frame, with text as sent."""
    return asked(question, **parameters).frame


def concluded(version: str, name: str, conclude: Callable[[], Any], **parameters: Any) -> Any:
    """Return a conclusion, cached by the version of the lake and what it was drawn from.

    Args:
        version: Of the lake.
        name: Of the conclusion.
        conclude: Draws it, where it is not there yet.
        parameters: All that it depends on.
    """
    return _conclusion(version, name, _key(parameters), conclude)


# Tables and conclusions are frozen: they can be shared, and need no copy.
@st.cache_resource(max_entries=_ANSWERS, show_spinner=False)
def _table(version: str, question: str, parameters: tuple[tuple[str, Any], ...]) -> pa.Table:  # noqa: ARG001 -- the version is the key
    return lake().ask(question, **dict(parameters))


@st.cache_resource(max_entries=_ANSWERS, show_spinner=False)
def _conclusion(
    version: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    parameters: tuple[tuple[str, Any], ...],  # noqa: ARG001
    _conclude: Callable[[], Any],
) -> Any:
    return _conclude()


def _key(parameters: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in parameters.items()))


def today() -> date:
    """Return the day of asking, in UTC."""
    return datetime.now(UTC).date()
