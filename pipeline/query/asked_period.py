"""The period of a question: first and last day, and the day of asking, however they were given."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pipeline.errors import UsageError

USUAL_DAYS = 90
"""The period of a question that is asked without one."""

_FIRST = date(1970, 1, 1)


def asked_period(since: date | str | None, until: date | str | None, as_of: date | str | None) -> dict[str, date]:
    """Return the period as days: until no later than as_of, since no later than until.

    Args:
        since: The first day, inclusive; a text is like 2026-05-31; None: `USUAL_DAYS` up to the last one.
        until: The last day, inclusive; None: `as_of`.
        as_of: The day of asking, UTC; None: today.

    Raises:
        UsageError: One of them is not a date, or the period ends before it begins.
    """
    asked = _day("as_of", as_of) or datetime.now(UTC).date()
    last = min(_day("until", until) or asked, asked)
    first = _day("since", since) or max(last, _FIRST) - timedelta(days=USUAL_DAYS - 1)
    if until is not None and since is not None and first > (_day("until", until) or last):
        raise UsageError(f"the period ends before it begins: {since} to {until}")
    return {"since": first, "until": last, "as_of": asked}


def _day(name: str, value: date | str | None) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{name} is a day like 2026-05-31, which {value[:40]!r} is not") from None
