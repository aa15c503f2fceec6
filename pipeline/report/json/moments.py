"""Date-times of RFC 8460 §4.4 (RFC 3339) as aware UTC moments, and the checks on the reporting period."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.parse_notes import Refusal, clean_text

if TYPE_CHECKING:
    from pipeline.report.parse_notes import Notes

EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)
"""The example of RFC 8460 appendix B is of April 2016; nothing can be older."""

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,12})?([Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_RAW_CHARS = 64
_DAY = 86_400


@lru_cache(maxsize=4096)
def read_moment(text: str) -> tuple[datetime, str | None] | None:
    """Read an RFC 3339 date-time and drop fractions of a second; None where it is none.

    A date-time without a zone is read as UTC (`tz_missing`; seen from Microsoft in March 2024: `2024-03-26T00:00:00`). One with an offset
    is converted (`tz_offset`). A leap second becomes second 59. A regular expression decides, because `datetime.fromisoformat` also takes
    week dates and the basic format.

    Returns:
        The moment in UTC and the quirk, if any.
    """
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    zone = match[7]
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59) if second == 60 else second, tzinfo=UTC)
        if zone is None:
            return moment, "tz_missing"
        if zone in "Zz":
            return moment, None
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
        return moment.replace(tzinfo=timezone(offset)).astimezone(UTC), "tz_offset" if offset else None
    except (ValueError, OverflowError):
        return None


class Window(NamedTuple):
    """A reporting period, in the order of the fields of `ParsedReport`."""

    start: datetime
    end: datetime
    start_raw: str
    end_raw: str


def read_window(start: object, end: object, notes: Notes) -> Window:
    """Read and check a reporting period.

    Args:
        start: The member start-datetime.
        end: The member end-datetime.
        notes: Takes the quirks, and says when the report was received.

    Raises:
        Refusal: The period cannot be read or cannot be true.
    """
    first, first_raw = _moment(start, "start-datetime", notes)
    last, last_raw = _moment(end, "end-datetime", notes)
    limits = notes.limits
    quirks = _check_window(first, last, limits.window_days, limits.long_window_days)
    if quirks:
        notes.quirks.update(quirks)
    if notes.received_at is not None:
        check_age(last, notes.received_at, notes)
    return Window(first, last, first_raw, last_raw)


def _moment(value: object, name: str, notes: Notes) -> tuple[datetime, str]:
    if type(value) is not str:
        raise Refusal("schema_invalid", f"{name} is {'absent' if value is None else 'no text'}")
    read = read_moment(value) if len(value) < _RAW_CHARS else None
    if read is None:
        raise Refusal("date_range", f"{name} is not a date-time: {clean_text(value[:40])!r}")
    moment, quirk = read
    if quirk is not None:
        notes.quirks.add(quirk)
    return moment, value.strip()


@lru_cache(maxsize=4096)
def _check_window(start: datetime, end: datetime, most_days: int, long_days: int) -> tuple[str, ...]:
    """Return the quirks of a period, or raise `Refusal`; a raise is not cached, which is fine."""
    if start >= end:
        raise Refusal(
            "date_range", f"the reporting period ends at {end:%Y-%m-%d %H:%M:%S}, not after its start at {start:%Y-%m-%d %H:%M:%S}"
        )
    if start < EARLIEST:
        raise Refusal("date_range", f"the reporting period begins in {start.year}, before there were TLS reports")
    length = end - start
    if length > timedelta(days=most_days):
        raise Refusal("date_range", f"the reporting period is {length.days} days long, the limit is {most_days}")
    quirks = []
    if length > timedelta(days=long_days):
        quirks.append("window_long")
    if _seconds_of_day(start) != 0 or _seconds_of_day(end) not in {0, _DAY - 1}:
        quirks.append("window_unaligned")
    return tuple(quirks)


def check_age(end: datetime, received_at: datetime, notes: Notes) -> None:
    """Hold the end of a period against the day the report came; a report of long ago is `stale`.

    Args:
        end: The end of the reporting period, aware.
        received_at: When the report was received, aware.
        notes: Takes the quirk, and has the limits; for `stale` its `sent_at` counts where that is earlier.

    Raises:
        Refusal: It is of the future.
    """
    limits = notes.limits
    if end > received_at + timedelta(hours=limits.future_hours):
        raise Refusal(
            "date_range", f"the reporting period ends at {end:%Y-%m-%d %H:%M}, after the report was received ({received_at:%Y-%m-%d})"
        )
    came = received_at if notes.sent_at is None else min(received_at, notes.sent_at)
    if end < came - timedelta(days=limits.stale_days):
        notes.add("stale")


def _seconds_of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


@lru_cache(maxsize=4096)
def seconds(moment: datetime) -> int:
    """Return a moment as seconds since 1970, UTC."""
    return int(moment.timestamp())


@lru_cache(maxsize=4096)
def report_day(start: datetime, end: datetime) -> date:
    """Return the UTC date of the midpoint of a period: the same for 23:59:59 and 24:00, and right for unaligned days."""
    return (start + (end - start) / 2).date()
