"""The complete days that are looked at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.insight.settings import InsightSettings

ONE_DAY = timedelta(days=1)


class Period(NamedTuple):
    """Days, both ends inclusive."""

    since: date
    until: date


def period_of(as_of: date, days: int, settings: InsightSettings) -> Period:
    """Return the last `days` complete days as of a day; a day is complete `settling_days` later."""
    until = as_of - timedelta(days=settings.settling_days)
    return Period(until - timedelta(days=days - 1), until)
