"""The pages, in the order of the morning's questions, and the ways between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from dashboard.filters import preset

_PAGES = Path(__file__).parent / "app_pages"
_TITLES = {
    "overview": ("Overview", "What is wrong now, and is it getting better?"),
    "incidents": ("Incidents", "What fails, since when, and whose fault it is"),
    "domain": ("Domain", "Policies, readiness and mail flow of one domain"),
    "reporters": ("Reporters", "Who reports, who went silent, who can be believed"),
    "hosts": ("MX hosts", "Failures by MX host and address"),
    "reports": ("Reports", "Every report, searched"),
    "ingest": ("Ingest health", "Runs, rejects, duplicates, forgeries"),
}
_UNCHOSEN = {"reports": {"reporter": "any", "result": "any", "shown": "counted", "failing": "false"}}
"""What the widgets of a page would otherwise remember from the last visit, when a link asks for something else."""
_DETAILS = {"incident": "Incident", "report": "Report"}
"""Pages that others lead to."""


def pages() -> list[Any]:
    """Return the pages for `st.navigation`; the first is the default."""
    listed = [
        st.Page(_PAGES / f"{name}.py", title=title, url_path=name, default=name == "overview", help=words)
        for name, (title, words) in _TITLES.items()
    ]
    return listed + [st.Page(_PAGES / f"{name}.py", title=title, url_path=name, visibility="hidden") for name, title in _DETAILS.items()]


def link(label: str, page: str, **parameters: str) -> None:
    """Draw a link to another page; period, domain and trust go with it by themselves.

    Args:
        label: Our own words: it is read as Markdown.
        page: The module's name.
        parameters: Of that page.
    """
    st.page_link(
        f"app_pages/{page}.py", label=f":blue[{label}]" if label.startswith("←") else f":blue[{label} →]", query_params=parameters or None
    )


def go(page: str, *, domain: str | None = None, **parameters: str) -> NoReturn:
    """Go to another page, choosing a domain on the way where one is given."""
    if domain is not None:
        preset(domain=domain)
    # A mapping, be it an empty one: None would clear the filters, too, which Streamlit refuses for what is bound to a widget.
    st.switch_page(f"app_pages/{page}.py", query_params={**_UNCHOSEN.get(page, {}), **parameters})


def place(name: str) -> str | None:
    """Return a parameter of the page's own URL."""
    value: str | None = st.query_params.get(name)
    return value
