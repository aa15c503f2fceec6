"""Gaps that prove nothing: two runs with a quiet week between them are one incident, if the week could not have shown the failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.chance import at_most
from pipeline.insight.period import ONE_DAY
from pipeline.insight.spans import Ground, Span, added, read_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.config import InsightSettings
    from pipeline.insight.ask import Ask
    from pipeline.insight.runs import Run


class Weighed(NamedTuple):
    """A run with what all senders counted on its days and since."""

    run: Run
    ground: Ground

    @property
    def sessions(self) -> int:
        """Sessions of the senders that failed, on the days of the run."""
        return sum(self.ground[reporter].sessions for reporter in self.run.by_reporter if reporter in self.ground)


def weighed(ask: Ask, runs: Sequence[Run], *, until: date, settings: InsightSettings) -> list[Weighed]:
    """Return the runs with their ground, joined over gaps that prove nothing."""
    pairs = [(one, other) for one, other in _neighbours(runs, settings)]
    grounds = read_spans(ask, [*map(_span, runs), *(_gap(one, other) for one, other in pairs)], until=until)
    now = {id(run): Weighed(run, grounds[_span(run)]) for run in runs}
    for one, other in pairs:
        before, after, gap = now[id(one)], now[id(other)], grounds[_gap(one, other)]
        if before is after or not _proves_nothing(before, gap, after, settings):
            continue
        both = Weighed(before.run.joined(after.run), added([before.ground, gap, after.ground]))
        now = {key: both if value is before or value is after else value for key, value in now.items()}
    return list({id(value): value for value in now.values()}.values())


def _span(run: Run) -> Span:
    return Span(run.domain, run.first_day, run.last_day)


def _gap(one: Run, other: Run) -> Span:
    return Span(one.domain, one.last_day + ONE_DAY, other.first_day - ONE_DAY)


def _neighbours(runs: Sequence[Run], settings: InsightSettings) -> Iterable[tuple[Run, Run]]:
    """Yield pairs of runs of one cause and place with a gap between them that is not too long to be bridged."""
    ordered = sorted(runs, key=lambda run: (run.domain, run.cause, run.first_day))
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            apart = (other.first_day - one.last_day).days
            if (one.domain, one.cause) != (other.domain, other.cause) or apart > settings.bridge_days + 1:
                break
            if apart > 1 and (not one.hosts or not other.hosts or set(one.hosts) & set(other.hosts)):
                yield one, other


def _proves_nothing(before: Weighed, gap: Ground, after: Weighed, settings: InsightSettings) -> bool:
    reporters = before.run.by_reporter.keys() | after.run.by_reporter.keys()
    sessions = sum(part.ground[r].sessions for part in (before, after) for r in reporters if r in part.ground)
    rate = (before.run.failed_sessions + after.run.failed_sessions) / sessions if sessions else 1.0
    idle = sum(counted.sessions for reporter, counted in gap.items() if reporter in reporters)
    return idle == 0 or at_most(0, idle, min(1.0, rate)) >= settings.clean_confidence
