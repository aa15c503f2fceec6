"""The complete days that are looked at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.insight.thresholds import InsightSettings

ONE_DAY = timedelta(days=1)
EARLIEST = date(2015, 1, 1)
"""The first day that can be asked about: a year before the oldest report there can be, for what is compared with the time before."""


class Period(NamedTuple):
    """Days, both ends inclusive."""

    since: date
    until: date


def period_of(as_of: date, days: int, settings: InsightSettings) -> Period:
    """Return the last `days` complete days as of a day; a day is complete `settling_days` later.

    Args:
        as_of: The day of asking (UTC).
        days: How many complete days, 1 or more; no more than there are since `EARLIEST`, and one at least.
        settings: `settling_days`.
    """
    until = as_of - timedelta(days=settings.settling_days)
    return Period(until - timedelta(days=min(days, max(1, (until - EARLIEST).days + 1)) - 1), until)


def as_of_from(told: date | str, name: str = "as_of") -> date:
    """Return the as-of date that somebody gave.

    Args:
        told: A day, or one as text.
        name: What the parameter or option is called.

    Raises:
        UsageError: It is no day, or before there were reports.
    """
    try:
        day = told if isinstance(told, date) else date.fromisoformat(told)
    except ValueError:
        raise UsageError(f"{name} is a day like 2026-05-31, which {str(told)[:40]!r} is not") from None
    if day < EARLIEST:
        raise UsageError(f"{name} cannot be {day}: no report is older than 2016")
    return day
