"""The pages, in the order of the morning's questions, and the ways between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import streamlit as st

from dashboard.filters import preset
from dashboard.readers import audience
from pipeline.output import escape

_PAGES = Path(__file__).parent / "app_pages"
_TITLES = {
    "overview": ("Overview", "What is wrong now, and is it getting better?"),
    "incidents": ("Incidents", "What fails, since when, and whose fault it is"),
    "domain": ("Domain", "State, verdict, policies and mail flow of one domain"),
    "domains": ("All domains", "Every domain in one table, worst first"),
    "reporters": ("Reporters", "Who reports, who went silent, who can be believed"),
    "hosts": ("MX hosts", "Failures by MX host and address"),
    "reports": ("Reports", "Every report, searched"),
    "notices": ("Notices", "What was told, when, to whom, and what is muted"),
    "ingest": ("Ingest health", "Runs, rejects, duplicates, forgeries"),
}
_OPERATORS = frozenset({"ingest", "notices"})
"""Pages about what no group sees: mails, runs, channels, mutes."""
_SEARCH = "search"
_PAGE, _ARRIVED = "page", "arrived"
_DETAILS = {"incident": "Incident", "report": "Report", "first_weeks": "The first two weeks"}
"""Pages that others lead to."""
PAGES = frozenset({*_TITLES, *_DETAILS})
"""The addresses of all pages."""
_NAME = "TLS reports"


class Target(NamedTuple):
    """Where a click leads: the rows behind a number."""

    page: str
    parameters: dict[str, str]
    domain: str | None = None
    """Chosen on the way."""


def pages() -> list[Any]:
    """Return the pages of whoever looks, for `st.navigation`; the first is the default."""
    hidden = _OPERATORS if audience() is not None else frozenset()
    listed = [
        st.Page(_PAGES / f"{name}.py", title=title, url_path=name, default=name == "overview", help=words)
        for name, (title, words) in _TITLES.items()
        if name not in hidden
    ]
    return listed + [st.Page(_PAGES / f"{name}.py", title=title, url_path=name, visibility="hidden") for name, title in _DETAILS.items()]


def titled(words: str) -> None:
    """Name the tab of the browser.

    Args:
        words: Which page of which thing; plain text.
    """
    st.set_page_config(page_title=f"{escape(words)} · {_NAME}")


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
    st.switch_page(f"app_pages/{page}.py", query_params=parameters)


def follow(target: Target) -> NoReturn:
    """Go where a click leads."""
    go(target.page, domain=target.domain, **target.parameters)


def to_reports(domain: str | None = None, **wanted: object) -> Target:
    """Return the way to the reports of a reporter, day, result, host and so on; what is None is left open."""
    return Target("reports", {name: escape(str(value)) for name, value in wanted.items() if value is not None}, domain)


def to_report(key: object, *, incident: str | None = None) -> Target:
    """Return the way to one report; where it was an incident that led there, with the way back."""
    return Target("report", {"key": str(key)} | ({"incident": incident} if incident else {}))


def arrive(page: str) -> None:
    """Note which page is run, and whether it is another than in the run before."""
    st.session_state[_ARRIVED] = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE] = page


def is_at(page: str) -> bool:
    """Return whether this is the page that is drawn."""
    return bool(st.session_state.get(_PAGE) == page)


def begin_anew(defaults: dict[str, object]) -> None:
    """Let the fields of a page that was just come to say what its URL says, and not what they said on the last visit.

    Args:
        defaults: What a field says of which the URL says nothing, by its key.
    """
    if st.session_state.get(_ARRIVED):
        for key, value in defaults.items():
            if key not in st.query_params and st.session_state.get(key, value) != value:
                st.session_state[key] = value


def keep_search(parameters: dict[str, str]) -> None:
    """Remember what the reports are searched for, for the way back."""
    st.session_state[_SEARCH] = parameters


def kept_search() -> dict[str, str]:
    """Return what the reports were last searched for."""
    kept: dict[str, str] = st.session_state.get(_SEARCH, {})
    return kept


def place(name: str) -> str | None:
    """Return a parameter of the page's own URL."""
    value: str | None = st.query_params.get(name)
    return value
