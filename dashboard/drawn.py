"""Charts on the page, and where a click in one of them leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.charts.picked import clickable, picked

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.charts.picked import Picked
    from dashboard.navigation import Target


def chart(option: dict[str, Any], *, key: str, height: int, alt: str, to: Callable[[Picked], Target | None] | None = None) -> Target | None:
    """Draw a chart.

    Args:
        option: As a function of `dashboard.charts` made it.
        key: Its name on the page: a chart of the same name is changed and not drawn anew.
        height: In pixels.
        alt: What it is, for those who cannot see it.
        to: Where a click on a part of it leads.

    Returns:
        Where the click of this run leads, if there was one.
    """
    if to is None or not option["series"]:
        st.echarts_chart(option, key=key, height=height, alt=alt)
        return None
    open_to_clicks = clickable(option)
    state: Any = st.echarts_chart(open_to_clicks, key=key, height=height, alt=alt, on_select="rerun")
    part = picked(open_to_clicks, state.selection.selected)
    return None if part is None else to(part)
