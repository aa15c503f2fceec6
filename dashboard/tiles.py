"""A tile is a question and its picture: title, unit, chart, its rows as CSV, and the SQL behind it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from dashboard.auditing import handed_over
from dashboard.filters import CLAIMED, chosen
from dashboard.formatting import shown
from dashboard.ground import said_of_none
from dashboard.lake_door import Answer, lake
from dashboard.navigation import follow
from dashboard.say import say, whole_days
from dashboard.table_columns import height_for, rows_of
from pipeline.output import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from dashboard.navigation import Target

_MOST_ROWS = 1000
"""Rows of one table on the page: more take the browser seconds, and nobody scrolls that far."""
_TALL = 425


class Rows(NamedTuple):
    """The rows of a chart as a table, which is the way to them with the keyboard."""

    columns: Sequence[str]
    to: Callable[[dict[str, Any]], Target | None] | None = None
    """Where a row leads; it is given as the lake has it."""


def tile(
    title: str,
    answer: Answer,
    draw: Callable[[pd.DataFrame], Target | None],
    *,
    unit: str,
    empty: str,
    rows: Rows | None = None,
    whole: Answer | None = None,
    tall: bool = False,
) -> None:
    """Draw one tile, and follow what was clicked in it.

    Args:
        title: The question in words, unique on its page.
        answer: What is drawn.
        draw: Draws the rows; their texts are harmless already. It returns where a click leads.
        unit: What the numbers are.
        empty: What to say where there are no rows.
        rows: The rows of a chart, to be opened beside it.
        whole: What the file has, where not all of it is drawn.
        tall: As tall as what stands beside it.
    """
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    with st.container(border=True, key=f"tile-{name}", gap="xsmall", height="stretch" if tall else "content"):
        st.header(title, anchor=False)
        if not answer.table.num_rows:
            say(said_of_none(answer.questions, empty))
            return
        st.caption(whole_days(f"**{CLAIMED}** {unit}" if chosen().believes_all else unit))
        target = draw(shown(answer.frame))
        target = _footer(name, whole or answer, rows) or target
    if target is not None:
        follow(target)


def rows_tile(
    title: str,
    answer: Answer,
    columns: Sequence[str],
    *,
    unit: str,
    empty: str,
    alt: str,
    key: str | None = None,
    to: Callable[[dict[str, Any]], Target | None] | None = None,
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    most: int = _MOST_ROWS,
    height: int | None = None,
) -> None:
    """Draw a tile that is a table.

    Args:
        title: The question in words, unique on its page.
        answer: What is drawn.
        columns: Which columns, in this order.
        unit: What the numbers are.
        empty: What to say where there are no rows.
        alt: What the table is, for those who cannot see it.
        key: Its name on the page, where a row leads somewhere.
        to: Where a row leads; it is given as the lake has it.
        change: Adds columns in our own words; the rows stay the same and in order.
        most: So many rows are drawn at most; the file has them all.
        height: Pixels at most.
    """
    drawn = answer._replace(table=answer.table.slice(0, most))

    def draw(frame: pd.DataFrame) -> Target | None:
        tall = height_for(frame, height or _TALL)
        target = rows_of(change(frame) if change else frame, columns, alt=alt, key=key, height=tall, to=_leading(drawn, to))
        if answer.table.num_rows > most:
            st.caption(f"The first {most:,} of {answer.table.num_rows:,} rows; the file has them all.")
        return target

    tile(title, drawn if answer.table.num_rows else answer, draw, unit=unit, empty=empty, whole=answer)


def _leading(answer: Answer, to: Callable[[dict[str, Any]], Target | None] | None) -> Callable[[int], Target | None] | None:
    return None if to is None else lambda place: to(answer.table.slice(place, 1).to_pylist()[0])


def _footer(name: str, answer: Answer, rows: Rows | None) -> Target | None:
    # Not a popover: those are drawn at the end of the page, which is a long way for the Tab key.
    open_table = False
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if rows is not None:
            open_table = st.toggle("As a table", key=f"rows-{name}")
        with st.popover("Show the SQL", type="tertiary", key=f"sql-{name}"):
            for question in answer.questions:
                st.code(lake().questions[question].sql, language="sql", height=320)
            st.code("\n".join(f"{key} = {value}" for key, value in answer.parameters.items()) or "no parameters", language=None)
        about = str(answer.parameters.get("domain") or "")
        handed_over("CSV", lambda: csv_of(answer), f"{name}.csv", "text/csv", of=about, key=f"csv-{name}", help="The rows behind it")
    if rows is None or not open_table:
        return None
    cut = answer._replace(table=answer.table.slice(0, _MOST_ROWS))
    frame = shown(cut.frame)
    tall = height_for(frame, _TALL)
    return rows_of(frame, rows.columns, alt="The rows of the chart", key=f"table-{name}", height=tall, to=_leading(cut, rows.to))


def csv_of(answer: Answer) -> bytes:
    """Return an answer as CSV in which no cell is a formula."""
    text = io.StringIO()
    write(answer.table, format="csv", file=text)
    return text.getvalue().encode("utf-8")
