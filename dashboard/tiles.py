"""A tile is a question and its picture: title, chart, its rows as CSV, and the SQL behind it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.ask import ask, lake
from pipeline.output import write

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def tile(title: str, question: str, draw: Callable[[pd.DataFrame], Any], *, empty: str, key: str = "", **parameters: Any) -> None:
    """Draw one tile.

    Args:
        title: The question in words.
        question: The named question.
        draw: Draws the answer.
        empty: What to say where there are no rows.
        key: Tells two tiles of one question apart.
        parameters: Of the question.
    """
    st.subheader(title, anchor=False)
    frame = ask(question, **parameters)
    if frame.empty:
        st.caption(empty)
        return
    draw(frame)
    left, right, _ = st.columns([1, 1, 4])
    with left.popover("Show the SQL"):
        st.code(lake().questions[question].sql, language="sql")
        st.code("\n".join(f"{name} = {value}" for name, value in parameters.items()), language=None)
    right.download_button(
        "CSV", lambda: csv_of(question, parameters), f"{question}.csv", "text/csv", on_click="ignore", key=f"csv-{question}{key}"
    )


def csv_of(question: str, parameters: dict[str, Any]) -> bytes:
    """Return the answer as CSV in which no cell is a formula."""
    text = io.StringIO()
    write(lake().ask(question, **parameters), format="csv", file=text)
    return text.getvalue().encode("utf-8")
