"""What each reporter counted for a domain over a span of days, and since: the ground that failures are held against.

A span of a large domain has hundreds of reporters, and there may be thousands of spans, so a ground stays in arrays; only the few
reporters that failed are looked up by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.ask import between
from pipeline.insight.detect.failure_cube import Ints, column_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask


class Span(NamedTuple):
    """Some days of one domain, both ends inclusive."""

    domain: str
    first_day: date
    last_day: date


class CountedSessions(NamedTuple):
    """Sessions of one reporter over a span, and since."""

    sessions: int = 0
    """Each counted once, whatever policies it was reported under."""
    sts_sessions: int = 0
    tlsa_sessions: int = 0
    days: int = 0
    """From the first day with a report to the last."""
    unrated_sessions: int = 0
    """Of those that report only on days with failures: their good days are not known."""
    sessions_after: int = 0
    """In the fourteen days after the span, and on the last two complete ones."""
    sessions_lately: int = 0
    """Of these, on the last two complete days."""


_WITHIN = ("sessions", "sts_sessions", "tlsa_sessions", "days", "unrated_sessions")
_NOTHING = CountedSessions()


@dataclass(frozen=True, slots=True)
class Exposure:
    """Sessions of all reporters over one span."""

    names: list[str]
    """Reporters by their number."""
    numbers: dict[str, int]
    reporter: Ints
    """The numbers of those with sessions, in order."""
    counts: Ints
    """One row for each, in the columns of `CountedSessions`."""

    def places(self, reporters: Iterable[str]) -> dict[str, int]:
        """Return at which row each of some reporters is; those without sessions are left out."""
        numbers = {reporter: self.numbers[reporter] for reporter in reporters if reporter in self.numbers}
        if not numbers or not len(self.reporter):
            return {}
        at = np.searchsorted(self.reporter, list(numbers.values()))
        met = self.reporter[np.minimum(at, len(self.reporter) - 1)]
        return {r: place for (r, number), place, there in zip(numbers.items(), at.tolist(), met.tolist(), strict=True) if number == there}

    def of(self, reporters: Iterable[str]) -> CountedSessions:
        """Return what some reporters counted together."""
        rows = list(self.places(reporters).values())
        return CountedSessions(*self.counts[rows].sum(axis=0).tolist()) if rows else _NOTHING

    def column(self, name: str) -> Ints:
        """Return one column of `CountedSessions` for all reporters."""
        return np.asarray(self.counts[:, CountedSessions._fields.index(name)])


def no_exposure() -> Exposure:
    """Return a ground without sessions."""
    return Exposure([], {}, np.zeros(0, dtype=np.int64), np.zeros((0, len(CountedSessions._fields)), dtype=np.int64))


def read_spans(ask: Ask, spans: Iterable[Span], *, until: date, seen: dict[Span, Exposure]) -> None:
    """Ask for the sessions of spans in one question; a span without sessions gives an empty ground.

    Args:
        ask: Answers questions.
        spans: Any number of them.
        until: The last complete day.
        seen: What was read before and is not asked for again; what is new is added.
    """
    wanted = sorted({span for span in spans if span.first_day <= span.last_day and span not in seen})
    if not wanted:
        return
    answer = between(
        ask,
        "insight_spans",
        since=min(span.first_day for span in wanted),
        until=until,
        span_domains=[span.domain for span in wanted],
        span_firsts=[span.first_day.isoformat() for span in wanted],
        span_lasts=[span.last_day.isoformat() for span in wanted],
    )
    reporters = texts_of(answer, "submitter_domain")
    numbers = {name: number for number, name in enumerate(reporters.values)}
    spans_of_rows = column_of(answer, "span")
    order = np.lexsort((reporters.at, spans_of_rows))
    reporter = reporters.at[order]
    counts = np.column_stack([column_of(answer, name)[order] for name in CountedSessions._fields])
    edges = np.searchsorted(spans_of_rows[order], np.arange(len(wanted) + 1)).tolist()
    for span, begin, end in zip(wanted, edges, edges[1:], strict=False):
        seen[span] = Exposure(reporters.values, numbers, reporter[begin:end], counts[begin:end])


def added(grounds: Sequence[Exposure]) -> Exposure:
    """Add up grounds of spans that follow each other; what came after is that of the last."""
    names = sorted({ground.names[number] for ground in grounds for number in ground.reporter.tolist()})
    numbers = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(CountedSessions._fields)), dtype=np.int64)
    for ground in grounds:
        rows = [numbers[ground.names[number]] for number in ground.reporter.tolist()]
        counts[rows, : len(_WITHIN)] += ground.counts[:, : len(_WITHIN)]
        counts[rows, len(_WITHIN) :] = ground.counts[:, len(_WITHIN) :] if ground is grounds[-1] else 0
    return Exposure(names, numbers, np.arange(len(names)), counts)
