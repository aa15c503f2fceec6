"""What each reporter counted for a domain over a span of days: the ground that failures are held against."""

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
    """Sessions of one reporter over a span."""

    sessions: int = 0
    """Each counted once, whatever policies it was reported under."""
    sts_sessions: int = 0
    tlsa_sessions: int = 0
    failed: int = 0
    days: int = 0
    """Distinct days with a report."""

    def plus(self, other: Counted) -> Counted:
        """Add two that share no day."""
        return Counted(*(one + two for one, two in zip(self, other, strict=True)))


class _Row(NamedTuple):
    span: int
    submitter_domain: str
    sessions: int
    sts_sessions: int
    tlsa_sessions: int
    failed: int
    days: int


Ground = dict[str, Counted]
"""Sessions by reporter."""


def read_spans(ask: Ask, spans: Iterable[Span]) -> dict[Span, Ground]:
    """Ask for the sessions of every span in one question; a span without sessions gives an empty ground."""
    wanted = sorted({span for span in spans if span.first_day <= span.last_day})
    grounds: dict[Span, Ground] = {span: {} for span in wanted}
    if not wanted:
        return grounds
    answer = between(
        ask,
        "insight_spans",
        since=min(span.first_day for span in wanted),
        until=max(span.last_day for span in wanted),
        span_domains=[span.domain for span in wanted],
        span_firsts=[span.first_day.isoformat() for span in wanted],
        span_lasts=[span.last_day.isoformat() for span in wanted],
    )
    for row in rows_of(answer, _Row):
        grounds[wanted[row.span]][row.submitter_domain] = Counted(*row[2:])
    return grounds


def added(grounds: Sequence[Ground]) -> Ground:
    """Add up grounds of spans that share no day."""
    total: defaultdict[str, Counted] = defaultdict(Counted)
    for ground in grounds:
        for reporter, counted in ground.items():
            total[reporter] = total[reporter].plus(counted)
    return dict(total)
