"""Gaps that prove nothing: two runs with a quiet week between them are one incident, if the week could not have shown the failure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.detect.reporter_exposure import Exposure, Span, added, no_exposure, read_spans
from pipeline.insight.period import ONE_DAY
from pipeline.insight.rate_bound import at_most

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.insight.ask import Ask
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.thresholds import InsightSettings


class Weighed(NamedTuple):
    """A run with what all senders counted on its days and since."""

    run: Run
    ground: Exposure
    sessions: int
    """Sessions of the senders that failed, on the days of the run."""


def weighed(ask: Ask, runs: Sequence[Run], grounds: dict[Span, Exposure], *, until: date, settings: InsightSettings) -> list[Weighed]:
    """Return the runs with their ground, joined over gaps that prove nothing.

    Args:
        ask: Answers the named questions.
        runs: The failures, in any order.
        grounds: Sessions by span that were read before; what is read now is added.
        until: The last complete day, UTC.
        settings: Every threshold.
    """
    chains = list(_chains(runs, settings))
    gaps = [_gap(one, other) for chain in chains for one, other in pairwise(chain)]
    read_spans(ask, [*map(_span, runs), *gaps], until=until, seen=grounds)
    return [whole for chain in chains for whole in _joined(chain, grounds, settings)]


def _joined(chain: Sequence[Run], grounds: dict[Span, Exposure], settings: InsightSettings) -> Iterable[Weighed]:
    """Walk along runs of one cause and place, each joined with the last where the gap between them proves nothing."""
    whole: Weighed | None = None
    for run in chain:
        here = _weigh(run, grounds.get(_span(run), no_exposure()))
        if whole is None:
            whole = here
            continue
        gap = grounds.get(_gap(whole.run, run), no_exposure())
        if _proves_nothing(whole, gap, here, settings):
            whole = _weigh(whole.run.joined(run), added([whole.ground, gap, here.ground]))
        else:
            yield whole
            whole = here
    if whole is not None:
        yield whole


def _weigh(run: Run, ground: Exposure) -> Weighed:
    return Weighed(run, ground, ground.of(run.by_reporter).sessions)


def _span(run: Run) -> Span:
    return Span(run.domain, run.first_day, run.last_day)


def _gap(one: Run, other: Run) -> Span:
    return Span(one.domain, one.last_day + ONE_DAY, other.first_day - ONE_DAY)


def _chains(runs: Sequence[Run], settings: InsightSettings) -> Iterable[list[Run]]:
    """Yield runs of one domain, cause and place that follow each other with gaps that are not too long to be bridged."""
    open_chains: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (run.domain, run.cause, run.first_day)):
        for chain in [chain for chain in open_chains if not _may_follow(chain[-1], run, settings)]:
            open_chains.remove(chain)
            yield chain
        chain = next((chain for chain in open_chains if _follows(chain[-1], run)), [])
        if not chain:
            open_chains.append(chain)
        chain.append(run)
    yield from open_chains


def _may_follow(one: Run, other: Run, settings: InsightSettings) -> bool:
    return (one.domain, one.cause) == (other.domain, other.cause) and (other.first_day - one.last_day).days <= settings.bridge_days + 1


def _follows(one: Run, other: Run) -> bool:
    apart = (other.first_day - one.last_day).days
    return apart > 1 and (not one.hosts or not other.hosts or bool(set(one.hosts) & set(other.hosts)))


def _proves_nothing(before: Weighed, gap: Exposure, after: Weighed, settings: InsightSettings) -> bool:
    sessions = before.sessions + after.sessions
    rate = min(1.0, (before.run.failed_sessions + after.run.failed_sessions) / sessions) if sessions else 1.0
    idle = gap.of(before.run.by_reporter.keys() | after.run.by_reporter.keys()).sessions
    return idle == 0 or at_most(0, idle, rate) >= settings.clean_confidence
