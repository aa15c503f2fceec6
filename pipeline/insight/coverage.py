"""Who reports how often, who went silent, and whether it is they or we (a success row is a heartbeat; without reports nothing is proved).

A reporter is silent when it has missed several of its usual steps and more than it ever missed before. When all that used to report
stop at once, the common part is on our side: the mailbox, the `_smtp._tls` record, or the program that fetches.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.insight.habits import FAILURES_ONLY, read_habits
from pipeline.insight.period import period_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask
    from pipeline.insight.ground import Ground
    from pipeline.insight.thresholds import InsightSettings

State = Literal["reporting", "silent", "rare", "inactive", "new", "failures-only", "ingest-outage"]

_ENOUGH_DAYS = 3
"""Two steps are the least a habit can be told from."""
_RARE_DAYS = 7
"""A reporter that usually leaves a week between reports proves nothing by its silence for long."""
_INACTIVE_DAYS = 28
"""One without a habit that has not been seen for so long, and three times its usual step, is not rare but gone."""


class Coverage(NamedTuple):
    """The reports of one reporter on one domain; its JSON has the fields in their order."""

    domain: str
    reporter: str
    usual_every_days: float | None
    """The median step between days with a report; None with fewer than two days."""
    last_day: date
    """The last day a report is about."""
    silent_since: date | None
    """The first day without a report, where it is silent."""
    lag_hours: float | None
    """Hours from the end of the day to the arrival of the report, as usual for this reporter."""
    state: State
    first_day: date
    days: int
    sessions: int
    habits: tuple[str, ...] = ()
    """What a reader of its numbers has to know: failures only, report loop, several reports a day, host reports, unsure."""


class _Row(NamedTuple):
    report_domain: str
    submitter_domain: str
    days: int
    first_day: date
    last_day: date
    usual_step: float | None
    longest_step: int | None
    sessions: int
    lag_hours: float | None


def coverage(ask: Ask, *, as_of: date, settings: InsightSettings, days: int | None = None, domain: str | None = None) -> list[Coverage]:
    """Return who reports on what; silence first, then by domain and sessions.

    Args:
        ask: Answers questions.
        as_of: The day of asking (UTC). Reports about days that are not complete yet count as signs of life, their absence is not silence.
        settings: `silent_factor` and `silent_min_days`.
        days: The days looked at; the configured ones where it is not given.
        domain: One domain only; None: all.
    """
    period = period_of(as_of, days or settings.days, settings)
    rows = list(rows_of(between(ask, "insight_coverage", since=period.since, until=as_of, domain=domain), _Row))
    known = {
        (one.submitter_domain, one.report_domain): one.habits for one in read_habits(ask, since=period.since, until=as_of, domain=domain)
    }
    lines = [_line(row, known.get((row.submitter_domain, row.report_domain), ()), period.until, settings) for row in rows]
    if _all_silent(lines, period.until, settings):
        lines = [_as_outage(line) for line in lines]
    return sorted(lines, key=lambda line: line.silent_since is None)  # the answer is by domain, sessions and reporter


def _line(row: _Row, habits: tuple[str, ...], until: date, settings: InsightSettings) -> Coverage:
    # Who reports only on days with failures says nothing by being silent.
    only_failures = FAILURES_ONLY in habits
    silent = not only_failures and _is_silent(row, until, settings)
    return Coverage(
        domain=row.report_domain,
        reporter=row.submitter_domain,
        usual_every_days=row.usual_step,
        last_day=row.last_day,
        silent_since=row.last_day + timedelta(days=1) if silent else None,
        lag_hours=row.lag_hours,
        state="silent" if silent else "failures-only" if only_failures else _state(row, until),
        first_day=row.first_day,
        days=row.days,
        sessions=row.sessions,
        habits=habits,
    )


def _is_silent(row: _Row, until: date, settings: InsightSettings) -> bool:
    """Say whether it has missed several usual steps, and more than it ever did: weekends are part of the habit."""
    if row.days < _ENOUGH_DAYS or row.usual_step is None:
        return False
    missed = (until - row.last_day).days
    return missed >= settings.silent_min_days and missed >= settings.silent_factor * row.usual_step and missed > (row.longest_step or 0)


def _state(row: _Row, until: date) -> State:
    if row.days < _ENOUGH_DAYS and (until - row.first_day).days < _RARE_DAYS:
        return "new"
    if row.days >= _ENOUGH_DAYS and (row.usual_step is None or row.usual_step < _RARE_DAYS):
        return "reporting"
    gone = (until - row.last_day).days
    return "inactive" if gone >= _INACTIVE_DAYS and gone >= 3 * (row.usual_step or 0) else "rare"


def _all_silent(lines: Sequence[Coverage], until: date, settings: InsightSettings) -> bool:
    """Say whether everybody stopped within a day: at least two reporters with a habit, and none that goes on."""
    habitual = [line for line in lines if line.state in ("silent", "reporting")]
    if len({line.reporter for line in habitual}) < 2 or any(
        line.state == "reporting" and _is_alive(line, until, settings) for line in lines
    ):
        return False
    last = max(line.last_day for line in lines)
    stopped = [line for line in habitual if (last - line.last_day).days <= 1]
    return (until - last).days >= settings.silent_min_days and len({line.reporter for line in stopped}) >= 2


def _is_alive(line: Coverage, until: date, settings: InsightSettings) -> bool:
    return (until - line.last_day).days < settings.silent_min_days


def _as_outage(line: Coverage) -> Coverage:
    if line.state not in ("silent", "reporting"):
        return line
    return line._replace(state="ingest-outage", silent_since=line.last_day + timedelta(days=1))


def has_stopped(ground: Ground, lines: Iterable[Coverage]) -> bool:
    """Say whether everything came to an end at once: reports that came do not count any more, or no reporter reports any more."""
    return ground.ends_early and (ground.left_out_since > 0 or any(line.state == "ingest-outage" for line in lines))


def unreported_json(domain: str, state: str) -> dict[str, Any]:
    """Return a domain of ours that nobody ever reported about with the members of a line; `state` is waiting or never."""
    return {**dict.fromkeys(Coverage._fields), "domain": domain, "state": state, "days": 0, "sessions": 0, "habits": []}


def as_json(line: Coverage) -> dict[str, Any]:
    """Return a line as `coverage --format json` prints it."""
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in line._asdict().items()}
    return {**plain, "habits": list(line.habits)}
