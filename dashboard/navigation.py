"""The pages, in the order of the morning's questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_PAGES = Path(__file__).parent / "pages"
_TITLES = {
    "overview": "Overview",
}


def pages() -> list[Any]:
    """Return the pages for `st.navigation`; the first is the default."""
    return [
        st.Page(_PAGES / f"{name}.py", title=title, url_path=name, default=place == 0)
        for place, (name, title) in enumerate(_TITLES.items())
    ]
