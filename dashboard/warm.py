"""What every morning begins with is worked out before anybody asks: when the page is started, and whenever the lake has changed."""

from __future__ import annotations

import gc
import logging
import threading
import time
from contextlib import suppress
from datetime import date, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from dashboard import insight
from dashboard.filters import PERIODS, USUAL, Filters
from dashboard.first_look import first_look
from dashboard.fleet import WORST, first, fleet, with_verdicts
from dashboard.ground import first_weeks, ground_of, silent_mailboxes
from dashboard.lake_door import REFRESH_SECONDS, asked, lake, today
from dashboard.marks import marks
from dashboard.readers import as_operator
from pipeline.errors import TlsrptError
from pipeline.query.kept import FIRST_DRAWN

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE_LAKE = ("extent", "outcomes", "mailboxes", "not_proved", "ingest_runs", "table_rows")
"""Questions about all of the lake, which take the longest."""
_ANY_PERIOD = (
    "success_rate", "sessions_by_day", "failures_by_day_and_result_type", "domains_and_reporters", "failures_by_result_type",
    "failures_by_mx", "sessions_by_reporter", "coverage_by_reporter_day", "quirks_by_reporter", "not_counted", "failures_by_address",
    "failures_by_sending_network", "failures_by_reporter_and_mx", "failures_by_reason",
)  # fmt: skip
"""Questions that pages ask about the period chosen."""
_LONGEST = 90
"""Days of the longest period that is prepared."""
_BREATH = 3.0
"""Seconds left to the first visitor before the next clicks are prepared."""
_REST = 20
"""The preparation takes no more than one part in so many of the time, however often the lake changes."""
_DRAWN_WITH = ("PIL.Image", "streamlit.emojis", "dashboard.charts.days", "dashboard.incident_cards", "dashboard.tiles", "dashboard.trends")
"""What the first run of the page would import."""
_log = logging.getLogger("tlsrpt.dashboard")


def prepare(as_of: date) -> None:
    """Work out what the first look at the page needs."""
    filters = _filters(as_of, PERIODS[USUAL])
    asked("extent")
    for question in FIRST_DRAWN:
        asked(question, **filters.parameters())
    asked("success_rate", **filters.before())
    marks(filters)
    asked("checks_latest", domain=filters.domain)
    ground_of(filters)
    first_weeks(filters)
    silent_mailboxes(filters)
    first_look.wait()
    insight.coverage(filters)
    insight.incidents(filters)
    with_verdicts(first(fleet(filters, insight.incidents(filters)), WORST), filters)


def prepare_rest(as_of: date) -> None:
    """Work out what the next clicks will ask for, with as much rest as work: who is on the page already comes first."""
    for question in _WHOLE_LAKE:
        _gently(asked, question)
    usual = _filters(as_of, PERIODS[USUAL])
    others = [_filters(as_of, days) for days in sorted(PERIODS.values()) if days <= _LONGEST and days != usual.days]
    _prepare_questions(usual)
    # Conclusions are what somebody who chooses another period would wait for: before any other question about it.
    for chosen in others:
        _gently(ground_of, chosen)
        _gently(insight.incidents, chosen)
        _gently(insight.coverage, chosen)
        _gently(with_verdicts, first(fleet(chosen, insight.incidents(chosen)), WORST), chosen)
    for chosen in others:
        _prepare_questions(chosen)


def _prepare_questions(chosen: Filters) -> None:
    for question in _ANY_PERIOD:
        _gently(asked, question, **chosen.parameters())


def _gently(work: Callable[..., object], *given: Any, **parameters: Any) -> None:
    began = time.monotonic()
    work(*given, **parameters)
    time.sleep(time.monotonic() - began)


def _filters(as_of: date, days: int) -> Filters:
    return Filters(as_of - timedelta(days=days - 1), as_of, None, None, days)


def keep_warm() -> NoReturn:
    """Prepare now, and again when the lake or the day has changed."""
    prepared: tuple[str, date] | None = None
    while True:
        began = time.monotonic()
        try:
            now = (lake().version, today())
            if now != prepared:
                prepare(now[1])
                _set_aside()
                time.sleep(_BREATH)
                prepare_rest(now[1])
                _set_aside()
                prepared = now
        except TlsrptError as err:
            _log.warning("nothing could be prepared: %s", err)
        time.sleep(max(REFRESH_SECONDS, _REST * (time.monotonic() - began)))


def _set_aside() -> None:
    """Keep the garbage collector from walking over what is there to stay.

    Streamlit collects after every run of a page; over tens of thousands of lines of conclusions that took more time than the page
    itself (0.2 s on a lake of 10 million rows). What was set aside before and is no longer needed is collected first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def start() -> None:
    """Begin in the background; it ends with the page."""
    threading.Thread(target=_for_the_operator, name="keep-warm", daemon=True).start()


def _for_the_operator() -> None:
    first_look.may_come()
    for name in _DRAWN_WITH:
        with suppress(ImportError):  # another version of Streamlit may name its own otherwise
            import_module(name)
    with as_operator():
        keep_warm()
