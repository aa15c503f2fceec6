"""What each reporter counted for a domain over a span of days, and since: the ground that failures are held against."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask


class Span(NamedTuple):
    """Some days of one domain, both ends inclusive."""

    domain: str
    first_day: date
    last_day: date


class Counted(NamedTuple):
    """Sessions of one reporter over a span, and since."""

    sessions: int = 0
    """Each counted once, whatever policies it was reported under."""
    sts_sessions: int = 0
    tlsa_sessions: int = 0
    days: int = 0
    """Distinct days with a report."""
    sessions_after: int = 0
    """From the end of the span to the last complete day."""
    sessions_lately: int = 0
    """Of these, on the last two complete days."""


class _Row(NamedTuple):
    span: int
    submitter_domain: str
    sessions: int
    sts_sessions: int
    tlsa_sessions: int
    days: int
    sessions_after: int
    sessions_lately: int


Ground = dict[str, Counted]
"""Sessions by reporter."""


def read_spans(ask: Ask, spans: Iterable[Span], *, until: date) -> dict[Span, Ground]:
    """Ask for the sessions of every span in one question; a span without sessions gives an empty ground.

    Args:
        ask: Answers questions.
        spans: Any number of them.
        until: The last complete day.
    """
    wanted = sorted({span for span in spans if span.first_day <= span.last_day})
    grounds: dict[Span, Ground] = {span: {} for span in wanted}
    if not wanted:
        return grounds
    answer = between(
        ask,
        "insight_spans",
        since=min(span.first_day for span in wanted),
        until=until,
        span_domains=[span.domain for span in wanted],
        span_firsts=[span.first_day.isoformat() for span in wanted],
        span_lasts=[span.last_day.isoformat() for span in wanted],
    )
    for number, reporter, *counts in rows_of(answer, _Row):
        grounds[wanted[number]][reporter] = Counted(*counts)
    return grounds


def added(grounds: Sequence[Ground]) -> Ground:
    """Add up grounds of spans that follow each other; what came after is that of the last."""
    total: defaultdict[str, Counted] = defaultdict(Counted)
    for ground in grounds:
        for reporter, counted in ground.items():
            before = total[reporter]
            total[reporter] = Counted(*(one + two for one, two in zip(before[:4], counted[:4], strict=True)))
    last = grounds[-1] if grounds else {}
    return {
        r: counted._replace(sessions_after=last[r].sessions_after, sessions_lately=last[r].sessions_lately) if r in last else counted
        for r, counted in total.items()
    }
