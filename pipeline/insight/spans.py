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
from pipeline.insight.failures import Ints, column_of, texts_of

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
    """From the first day with a report to the last."""
    sessions_after: int = 0
    """From the end of the span to the last complete day."""
    sessions_lately: int = 0
    """Of these, on the last two complete days."""


_WITHIN = ("sessions", "sts_sessions", "tlsa_sessions", "days")
_NOTHING = Counted()


@dataclass(frozen=True, slots=True)
class Ground:
    """Sessions of all reporters over one span."""

    names: list[str]
    """Reporters by their number."""
    numbers: dict[str, int]
    reporter: Ints
    """The numbers of those with sessions."""
    counts: Ints
    """One row for each, in the columns of `Counted`."""

    def of(self, reporter: str) -> Counted:
        """Return what one reporter counted; zeros where it did not report."""
        found = np.flatnonzero(self.reporter == self.numbers.get(reporter, -1))
        return Counted(*self.counts[found[0]].tolist()) if len(found) else _NOTHING

    def column(self, name: str) -> Ints:
        """Return one column of `Counted` for all reporters."""
        return np.asarray(self.counts[:, Counted._fields.index(name)])


def empty_ground() -> Ground:
    """Return a ground without sessions."""
    return Ground([], {}, np.zeros(0, dtype=np.int64), np.zeros((0, len(Counted._fields)), dtype=np.int64))


def read_spans(ask: Ask, spans: Iterable[Span], *, until: date) -> dict[Span, Ground]:
    """Ask for the sessions of every span in one question; a span without sessions gives an empty ground.

    Args:
        ask: Answers questions.
        spans: Any number of them.
        until: The last complete day.
    """
    wanted = sorted({span for span in spans if span.first_day <= span.last_day})
    if not wanted:
        return {}
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
    counts = np.column_stack([column_of(answer, name) for name in Counted._fields])
    edges = np.searchsorted(column_of(answer, "span"), np.arange(len(wanted) + 1))
    return {
        span: Ground(reporters.values, numbers, reporters.at[edges[number] : edges[number + 1]], counts[edges[number] : edges[number + 1]])
        for number, span in enumerate(wanted)
    }


def added(grounds: Sequence[Ground]) -> Ground:
    """Add up grounds of spans of one answer that follow each other; what came after is that of the last."""
    reporters, place = np.unique(np.concatenate([ground.reporter for ground in grounds]), return_inverse=True)
    counts = np.zeros((len(reporters), len(Counted._fields)), dtype=np.int64)
    within = np.concatenate([ground.counts[:, : len(_WITHIN)] for ground in grounds])
    np.add.at(counts[:, : len(_WITHIN)], place, within)
    last = grounds[-1]
    counts[np.searchsorted(reporters, last.reporter), len(_WITHIN) :] = last.counts[:, len(_WITHIN) :]
    return Ground(last.names, last.numbers, reporters, counts)
