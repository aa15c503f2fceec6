"""Conclusions as a notebook shows them: lists that are tables, with all text of strangers escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.extras import import_extra
from pipeline.insight.coverage import Coverage, unreported_json
from pipeline.insight.coverage import as_json as coverage_json
from pipeline.insight.incident import PROMISED, Incident
from pipeline.insight.incident import as_json as incident_json
from pipeline.output.markup import html_table, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from pipeline.insight.ground import Ground
    from pipeline.query.health import MailboxHealth

_COLUMNS = ("id", "state", "fault", "domain", "title", "mx_hosts", "reporters", "first_day", "last_day", "failed_sessions", "share")
_SHOWN_NAMES = 3


class Incidents(list[Incident]):
    """Incidents, newest first; a table in a notebook, one row each."""

    def __init__(
        self,
        found: Iterable[Incident] = (),
        ground: Callable[[], Ground] | None = None,
        silent: Callable[[], Sequence[MailboxHealth]] = tuple,
    ) -> None:
        super().__init__(found)
        self._ground = ground
        self._silent = silent

    @property
    def rests_on(self) -> Ground | None:
        """What they rest on, asked when it is wanted; None where they come from no lake."""
        return self._ground() if self._ground is not None else None

    @property
    def silent_mailboxes(self) -> list[MailboxHealth]:
        """The mailboxes that are not read, or give nothing: what they hold is in no incident."""
        return list(self._silent())

    def to_pandas(self) -> pd.DataFrame:
        """Return a frame with one row per incident and the members of its JSON."""
        return _frame([incident_json(incident) for incident in self], PROMISED)

    def _repr_html_(self) -> str:
        ground = self.rests_on
        if not self:
            said = "" if ground is None else _said(ground)
            return f"<p>{said} {_none(ground)}</p>"
        rows = [[_cell(name, getattr(incident, name)) for name in _COLUMNS] for incident in self]
        said = f"{len(self)} incident{'s' if len(self) > 1 else ''}"
        if ground is not None:
            said += f". {_said(ground)}"
        return html_table(said, [name.replace("_", " ") for name in _COLUMNS], rows)


def _none(ground: Ground | None) -> str:
    if ground is None:
        return "No incidents."
    if not ground.reports:
        return ""
    return f"{ground.good_news('No incidents in what has been read' if ground.unread else 'No incidents')}."


class CoverageTable(list[Coverage]):
    """Who reports on what; silence first. A table in a notebook, with the domains of ours that nobody ever reported about above it."""

    def __init__(self, found: Iterable[Coverage] = (), ground: Callable[[], Ground] | None = None) -> None:
        super().__init__(found)
        self._ground = ground

    @property
    def rests_on(self) -> Ground | None:
        """What it rests on, asked when it is wanted; None where it comes from no lake."""
        return self._ground() if self._ground is not None else None

    def to_pandas(self) -> pd.DataFrame:
        """Return a frame with one row per reporter and domain, and one for each domain of ours without any report."""
        return _frame([*_unreported(self.rests_on), *map(coverage_json, self)], Coverage._fields)

    def _repr_html_(self) -> str:
        ground, names = self.rests_on, Coverage._fields
        lines = [*_unreported(ground), *(line._asdict() for line in self)]
        rows = [[_cell(name, line[name]) for name in names] for line in lines]
        said = f"Who reports on what. {_said(ground)}" if ground is not None else "Who reports on what"
        return html_table(said, [name.replace("_", " ") for name in names], rows)


def _said(ground: Ground) -> str:
    return text(" ".join(ground.said()))


def _unreported(ground: Ground | None) -> list[dict[str, Any]]:
    return [] if ground is None else [unreported_json(name, state) for name, state in ground.without_reports()]


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...]) -> pd.DataFrame:
    import_extra("pandas", extra="notebooks", what="a frame")
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(names))
    for name in ("first_day", "last_day", "silent_since"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name])
    return frame


def _cell(name: str, value: object) -> object:
    if value is None:
        return ""
    if name == "share" and isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        more = len(value) - _SHOWN_NAMES
        return ", ".join(map(str, value[:_SHOWN_NAMES])) + (f" and {more} more" if more > 0 else "")
    return value
