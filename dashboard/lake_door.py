"""How the page asks the lake: a question or a conclusion, answered once per version of the lake."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from datetime import time as datetime_time
from typing import TYPE_CHECKING, Any, NamedTuple

from dashboard import readers
from dashboard.answers import Answering, Answers
from dashboard.first_look import first_look
from dashboard.readers import settings
from pipeline.query import Lake, open_lake
from pipeline.tables.schema import TRUST_TIERS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from streamlit.delta_generator import DeltaGenerator

    from pipeline.config import Settings
    from pipeline.groups import Audience

__all__ = ["lake", "settings"]

REFRESH_SECONDS = 30.0
"""How often the lake is looked at for a new version."""
TODAY_VARIABLE = "TLSRPT_TEST_TODAY"
"""A day that tests and benchmarks take for today, since their lakes end on a fixed day."""
MORNING = datetime_time(7, 30, tzinfo=UTC)
"""When that day is looked at."""
_ANSWERS = 400
_LOOK_SECONDS = 0.15
"""How often somebody who waits for a conclusion gives way to a newer click."""
_answers = Answers(_ANSWERS)
_workers = ThreadPoolExecutor(2, thread_name_prefix="conclude")
"""Conclusions are drawn here and not in the thread of the visit: who clicks on goes on, and the work is not lost."""


class _Door:
    """An open lake, looked at again now and then. Shared by all sessions and their threads."""

    def __init__(self, mine: Settings, tiers: tuple[str, ...] | None) -> None:
        self.lake = open_lake(settings=_counting(mine, tiers))
        self._seen = time.monotonic()
        self._lock = threading.Lock()

    def opened(self) -> Lake:
        """Return the lake, at most `REFRESH_SECONDS` behind the writer; one thread looks, the others go on."""
        if time.monotonic() - self._seen > REFRESH_SECONDS and self._lock.acquire(blocking=False):
            try:
                before = self.lake.version
                if self.lake.refresh():
                    _answers.forget(lambda key: isinstance(key, tuple) and key[0] == before)
                self._seen = time.monotonic()
            finally:
                self._lock.release()
        return self.lake


def _counting(mine: Settings, tiers: tuple[str, ...] | None) -> Settings:
    """Return the settings with no more tiers counting than those chosen: so every question and conclusion minds the choice alike."""
    if tiers is None:
        return mine
    # All means all: also what the configuration does not count, marked as such wherever it is shown. What does not count is the operator's.
    everything = tiers == TRUST_TIERS and mine.audience is None
    count = tiers if everything else tuple(tier for tier in mine.trust.count if tier in tiers)
    return mine.model_copy(update={"trust": mine.trust.model_copy(update={"count": count})})


MOST_OPEN = 8
"""So many lakes are open at once, those that were asked last; one that is let go of is closed when the last page is done with it."""
_doors: OrderedDict[tuple[Audience | None, tuple[str, ...] | None], _Door] = OrderedDict()
_opening = threading.Lock()


def lake(tiers: tuple[str, ...] | None = None) -> Lake:
    """Return the open lake of whoever looks, at most `REFRESH_SECONDS` behind the writer.

    Args:
        tiers: The trust tiers that shall count, of those that do; None: all that do.
    """
    whose = readers.audience()
    key = whose, None if whose is not None and tiers == TRUST_TIERS else tiers
    with _opening:
        door = _doors.get(key)
        if door is None:
            door = _doors[key] = _Door(readers.settings_of(whose), key[1])
        _doors.move_to_end(key)
        while len(_doors) > MOST_OPEN:
            _doors.popitem(last=False)
    return door.opened()


def close() -> None:
    """Let go of the lakes, the answers and the settings: what comes next begins anew."""
    with _opening:
        for door in _doors.values():
            door.lake.close()
        _doors.clear()
    _answers.forget(lambda _key: True)
    readers.forget()


class Answer(NamedTuple):
    """An answer and what was asked, so that both can be shown and given away."""

    table: pa.Table
    questions: tuple[str, ...]
    """The named questions it rests on."""
    parameters: dict[str, Any]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame, with text as sent: not to be drawn before `formatting.shown`."""
        return self.table.to_pandas()


def asked(question: str, **parameters: Any) -> Answer:
    """Return the answer to a named question, cached by the version of the lake.

    Args:
        question: As in `tlsrpt questions`.
        parameters: Its own; those it does not know are left out, so that all tiles of a page can be given the same.
    """
    opened = lake(TRUST_TIERS) if parameters.get("tiers") == TRUST_TIERS else lake()
    # The day of asking bounds the period also where the question itself does not ask for it.
    known = {"since", "until", "as_of", *opened.questions[question].parameter_names}
    given = {name: value for name, value in parameters.items() if name in known}
    answer = _answering(opened, question, given, lambda: opened.ask(question, **given)).answer()
    return Answer(answer, (question,), given)


def ask(question: str, **parameters: Any) -> pd.DataFrame:
    """Return the answer to a named question as a frame, with text as sent."""
    return asked(question, **parameters).frame


def concluded(
    opened: Lake, name: str, conclude: Callable[[], Any], *, slot: DeltaGenerator | None = None, waiting: str = "", **parameters: Any
) -> Any:
    """Return a conclusion, cached by the version of the lake and what it was drawn from.

    Args:
        opened: The lake it is drawn from.
        name: Of the conclusion.
        conclude: Draws it, where it is not there yet.
        slot: A place of the page that says meanwhile what is being done; there a newer click takes over. None: it is just waited for.
        waiting: What it says.
        parameters: All that it depends on.
    """
    answering = _answering(opened, name, parameters, conclude)
    if slot is not None and not answering.wait(0):
        slot.text(waiting)
        first_look.is_shown()
        answering.wait(max(0, first_look.seconds_left()))
        _workers.submit(readers.working_for, readers.audience(), answering.work)
        while not answering.wait(_LOOK_SECONDS):
            slot.text(waiting)
    return answering.answer()


def _answering(opened: Lake, name: str, parameters: dict[str, Any], work: Callable[[], Any]) -> Answering:
    key = tuple(sorted((key, tuple(value) if isinstance(value, list) else value) for key, value in parameters.items()))
    return _answers.of((opened.version, name, key), work)


def today() -> date:
    """Return the as-of date, in UTC."""
    return now().date()


def now() -> datetime:
    """Return the moment of asking, in UTC."""
    told = os.environ.get(TODAY_VARIABLE)
    return datetime.combine(date.fromisoformat(told), MORNING) if told else datetime.now(UTC)
