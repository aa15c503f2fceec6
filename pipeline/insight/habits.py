"""Reporters whose habits change what their numbers mean, named where conclusions rest on them (decision 0057). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.insight.ask import rows_of
from pipeline.insight.phrases import count_of, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from pipeline.insight.ask import Ask
    from pipeline.insight.incident import Incident

FAILURES_ONLY, LOOP, SEVERAL, AT_HOST, UNSURE = "failures only", "report loop", "several reports a day", "host reports", "unsure"


class Habit(NamedTuple):
    """How one reporter reports on one domain."""

    submitter_domain: str
    report_domain: str
    habits: tuple[str, ...]
    first_day: date
    last_day: date
    reports: int
    sessions: int
    failed: int
    told_at_host: int
    """Sessions it tells again at this MX host; they are counted at their domains."""
    failed_at_host: int
    """Those of them that failed there; which domain they were for is not known, so no domain has them among its failed sessions."""
    unsure_sessions: int
    """Sessions more, were what it tells under two policies not the same sessions."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        days = {"first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}
        return {**self._asdict(), **days, "habits": list(self.habits)}


def read_habits(ask: Ask, *, since: date, until: date, domain: str | None) -> tuple[Habit, ...]:
    """Ask for the reporters with habits, those with most sessions first.

    Args:
        ask: Answers the named questions.
        since: First day, inclusive, UTC.
        until: Last day, inclusive, UTC.
        domain: One domain only; None: all.

    Raises:
        LakeError: The lake cannot be read.
    """
    rows = rows_of(ask("submitter_habits", since=since, until=until, domain=domain), Habit)
    return tuple(row._replace(habits=tuple(row.habits)) for row in rows)


def sentences(habits: Sequence[Habit]) -> Iterator[str]:
    """Yield one sentence for each habit that somebody has."""
    for habit, say in _SAID.items():
        having = [one for one in habits if habit in one.habits]
        if having:
            yield say(having)


def read_counting(ask: Ask, incident: Incident) -> tuple[str, ...]:
    """Say of one incident how the sessions behind its numbers were counted, where somebody may read them otherwise.

    Raises:
        LakeError: The lake cannot be read.
    """
    habits = read_habits(ask, since=incident.first_day, until=incident.last_day, domain=incident.domain)
    theirs = [one for one in habits if one.submitter_domain in incident.reporters]
    return tuple(_SAID[habit](having) for habit in (AT_HOST, UNSURE) if (having := [one for one in theirs if habit in one.habits]))


def _who(having: Iterable[Habit]) -> str:
    return listed(dict.fromkeys(one.submitter_domain for one in having))


def _verb(having: Sequence[Habit], one: str, many: str) -> str:
    return one if len({each.submitter_domain for each in having}) == 1 else many


def _failures_only(having: Sequence[Habit]) -> str:
    failed = sum(one.failed for one in having)
    return (
        f"{_who(having)} {_verb(having, 'reports', 'report')} only on days with failures: "
        f"{count_of(sum(one.sessions for one in having), 'session')} ({failed:,} failed) count, and are left out of every rate, because "
        "the days without failures are in no report."
    )


def _loop(having: Sequence[Habit]) -> str:
    about = listed(dict.fromkeys(one.report_domain for one in having))
    return (
        f"{_who(having)} {_verb(having, 'tells', 'tell')} of {about} only the sessions that carried TLS reports (report loop): "
        f"{sum(one.sessions for one in having):,} in all, which count but are no evidence for enforce."
    )


def _several(having: Sequence[Habit]) -> str:
    return f"{_who(having)} {_verb(having, 'sends', 'send')} several reports a day: they are added up."


def _at_host(having: Sequence[Habit]) -> str:
    told, failed = (sum(getattr(one, name) for one in having) for name in ("told_at_host", "failed_at_host"))
    return (
        f"{_who(having)} {_verb(having, 'reports', 'report')} {count_of(told, 'session')} a second time under the MX host "
        f"({listed(dict.fromkeys(one.report_domain for one in having))}): counted once, under the domain"
        + (f"; {failed:,} of them failed at the host: incidents have these, the failed sessions of the domains do not." if failed else ".")
    )


def _unsure(having: Sequence[Habit]) -> str:
    more = sum(one.unsure_sessions for one in having)
    return (
        f"Not known yet: whether {_who(having)} {_verb(having, 'reports', 'report')} the same sessions under MTA-STS and under DANE. "
        f"Until more reports show it, they are counted once; if they are not the same, there are {more:,} more."
    )


_SAID: dict[str, Callable[[Sequence[Habit]], str]] = {
    FAILURES_ONLY: _failures_only,
    LOOP: _loop,
    SEVERAL: _several,
    AT_HOST: _at_host,
    UNSURE: _unsure,
}
