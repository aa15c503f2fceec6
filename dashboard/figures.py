"""Figures: a number with its meaning, and the way to the rows behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from dashboard.filters import CLAIMED, chosen
from dashboard.formatting import number, short
from dashboard.navigation import link
from dashboard.say import whole_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.delta_generator import DeltaGenerator


class Way(NamedTuple):
    """Where the rows behind a number are."""

    label: str
    page: str
    parameters: dict[str, str]


def figure_row(count: int) -> Sequence[DeltaGenerator]:
    """Return the places of some figures beside each other; on a narrow screen they stand in pairs (`style.css`)."""
    with st.container(key="figures"):
        return st.columns(count)


def figure(label: str, value: object, *, help: str | None = None, note: str = "", way: Way | None = None) -> None:
    """Draw one figure in a card.

    Args:
        label: What it is; our own words.
        value: A text, or a count.
        help: What it means.
        note: A line below it; our own words.
        way: The rows behind it.
    """
    told = value if isinstance(value, str) else short(value)
    if not isinstance(value, str) and told != number(value):
        help = f"{number(value)}. {help or ''}".strip()
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(label, told, help=help)
        if note:
            st.caption(whole_days(note))
        if chosen().believes_all:
            st.caption(f"**{CLAIMED}**")
        if way is not None:
            link(way.label, way.page, **way.parameters)
