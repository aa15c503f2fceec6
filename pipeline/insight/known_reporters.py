"""Which reporters are known: their word is enough to say `ready`, or that something is ours.

Verified means "that domain said so", and anybody can have a domain. Known are the reporters of the shipped list and of the configuration,
those the operator vouched for or imported, and those whose reports came on enough distinct days before the time in question, each soon
after the day it covers: days that a report merely claims can all be mailed in one afternoon.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.insight.ask import Ask
    from pipeline.insight.thresholds import InsightSettings


class _Row(NamedTuple):
    submitter_domain: str
    days: int
    known_after_day: date | None
    is_vouched: bool
    is_proved: bool
    """Seen with an authenticated domain; a claim alone makes nobody the reporter of the list."""


class KnownReporters(NamedTuple):
    """Since when each reporter is known."""

    always: frozenset[str]
    after: dict[str, date]
    """The day of receipt after which a reporter counts as known, by having been seen."""
    late: frozenset[str] = frozenset()
    """Reporters with reports about enough days that came too late, or too many at once, to make them known."""

    def before(self, day: date) -> frozenset[str]:
        """Return the reporters known by what was seen before that day."""
        return self.always | {reporter for reporter, after in self.after.items() if after < day}

    def knows_any(self, reporters: Iterable[str], day: date) -> bool:
        """Say whether one of them was known by what was seen before that day."""
        return any(reporter in self.always or self.after.get(reporter, day) < day for reporter in reporters)


def read_known(ask: Ask, *, since: date, until: date, listed: Collection[str], settings: InsightSettings) -> KnownReporters:
    """Ask who was seen how often.

    Args:
        ask: Answers questions.
        since: First day of the period.
        until: Its last day.
        listed: Reporters known by name: the shipped list and the configuration. What is below one of them is a reporter of its own.
        settings: `known_after_days`, `known_within_days` and `known_lookback_days`.
    """
    needed = settings.known_after_days
    start = since - timedelta(days=settings.known_lookback_days)
    rows = list(
        rows_of(between(ask, "insight_reporters", since=start, until=until, needed=needed, within=settings.known_within_days), _Row)
    )
    return KnownReporters(
        always=frozenset(r.submitter_domain for r in rows if r.is_vouched or (r.is_proved and r.submitter_domain in listed)),
        after={row.submitter_domain: row.known_after_day for row in rows if row.is_proved and row.known_after_day is not None},
        late=frozenset(row.submitter_domain for row in rows if row.is_proved and row.known_after_day is None and row.days >= needed),
    )
