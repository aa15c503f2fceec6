"""A tile is a question and its picture: title, unit, chart, its rows as CSV, and the SQL behind it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.ask import Answer, lake
from dashboard.words import shown
from pipeline.output import write

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def tile(title: str, answer: Answer, draw: Callable[[pd.DataFrame], Any], *, unit: str, empty: str) -> None:
    """Draw one tile.

    Args:
        title: The question in words, unique on its page.
        answer: What is drawn.
        draw: Draws the rows; their texts are harmless already.
        unit: What the numbers are.
        empty: What to say where there are no rows.
    """
    with st.container(border=True):
        st.header(title, anchor=False)
        if not answer.table.num_rows:
            st.text(empty)
            return
        st.caption(unit)
        draw(shown(answer.frame))
        _footer(re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"), answer)


def _footer(name: str, answer: Answer) -> None:
    with st.container(horizontal=True, gap="small"):
        with st.popover("Show the SQL", type="tertiary", key=f"sql-{name}"):
            for question in answer.questions:
                st.code(lake().questions[question].sql, language="sql", height=320)
            st.code("\n".join(f"{key} = {value}" for key, value in answer.parameters.items()) or "no parameters", language=None)
        st.download_button(
            "CSV",
            lambda: csv_of(answer),
            f"{name}.csv",
            "text/csv",
            on_click="ignore",
            key=f"csv-{name}",
            type="tertiary",
            help="The rows behind it",
        )


def csv_of(answer: Answer) -> bytes:
    """Return an answer as CSV in which no cell is a formula."""
    text = io.StringIO()
    write(answer.table, format="csv", file=text)
    return text.getvalue().encode("utf-8")
