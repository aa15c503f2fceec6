"""Runs: failures of one cause at one domain that belong together in time and in the hosts they touch.

What is not an incident are stray single failures, alone or at the edges of one, and on its hosts. Handshakes are cut short and fetches
time out for no reason that anybody could remove. Such failures come one at a time, and their causes are few: those that can pass by
themselves. An expired certificate does not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from pipeline.insight.detect.applied_causes import CAUSE_NAMES
from pipeline.insight.detect.causes import PASSING_CAUSES
from pipeline.insight.detect.day_runs import days_of, lasting
from pipeline.insight.detect.failure_cube import grouped, summed, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.insight.detect.failure_cube import Cube, Floats, Ints
    from pipeline.insight.thresholds import InsightSettings

_Key = TypeVar("_Key")


class FailurePart(NamedTuple):
    """Failures of a stretch that agree in everything but the day."""

    reporter: str
    policy_type: str
    policy_hash: str | None
    result_type: str
    reason: str | None
    host: str | None
    address: str | None
    weight: float
    """Failed sessions; parts add up."""
    mentions: float
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Run:
    """Failures of one domain and cause, close to each other in time, on hosts that fail together. Never empty."""

    domain: str
    cause: str
    parts: tuple[FailurePart, ...]
    peak: float
    """The most failed sessions of one sender on one day."""

    @cached_property
    def first_day(self) -> date:
        """The first day with a failure."""
        return min(part.first_day for part in self.parts)

    @cached_property
    def last_day(self) -> date:
        """The last day with a failure."""
        return max(part.last_day for part in self.parts)

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The MX hosts named, sorted; empty where none is."""
        return tuple(sorted({part.host for part in self.parts if part.host}))

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The receiving addresses named, sorted."""
        return tuple(sorted({part.address for part in self.parts if part.address}))

    @cached_property
    def policy_types(self) -> frozenset[str]:
        """The policy types under which sessions failed."""
        return frozenset(part.policy_type for part in self.parts)

    @cached_property
    def by_reporter(self) -> dict[str, int]:
        """Failed sessions by reporter, most first."""
        return {reporter: round(count) for reporter, count in _summed((part.reporter, part.weight) for part in self.parts).items()}

    @cached_property
    def failed_sessions(self) -> int:
        """Failed sessions in all."""
        return round(sum(part.weight for part in self.parts))

    @cached_property
    def by_host(self) -> dict[str | None, float]:
        """Mentions by host, most first; None for failures that name no host."""
        return _summed((part.host, part.mentions) for part in self.parts)

    def most_first(self, column: str) -> tuple[str, ...]:
        """Return the distinct values of a column of the parts, most mentioned first; None is left out."""
        counts = _summed((getattr(part, column), part.mentions) for part in self.parts)
        return tuple(value for value in counts if value is not None)

    def keeping(self, wanted: Callable[[FailurePart], bool]) -> Run:
        """Return the run with some of its parts only."""
        return Run(self.domain, self.cause, tuple(part for part in self.parts if wanted(part)), self.peak)

    def joined(self, other: Run) -> Run:
        """Return one run of both, with the cause of this one."""
        return Run(self.domain, self.cause, self.parts + other.parts, max(self.peak, other.peak))


def _summed(pairs: Iterable[tuple[_Key, float]]) -> dict[_Key, float]:
    totals: defaultdict[_Key, float] = defaultdict(float)
    for key, count in pairs:
        totals[key] += count
    return dict(sorted(totals.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def runs_of(cube: Cube, cause: Ints, settings: InsightSettings) -> list[Run]:
    """Group failures into runs: one domain, one cause, gaps of at most `gap_days` days, hosts that fail at the same time.

    Args:
        cube: The failures.
        cause: The number of the cause of each row.
        settings: `gap_days` and what is a stray.
    """
    weight = weights(cube, cause)
    passing = np.array([name in PASSING_CAUSES for name in CAUSE_NAMES])
    _, key = grouped(cube.domain.at, cause)
    days, place = days_of(key, cube.day, weight, gap_days=settings.gap_days)
    cause_of_day = np.zeros(len(days.day), dtype=np.int64)
    cause_of_day[place] = cause
    keep = lasting(days, passing[cause_of_day], settings)[place]
    cube, cause, weight, stretch = cube.where(keep), cause[keep], weight[keep], days.stretch[place][keep]
    if not len(cube):
        return []
    _, key = grouped(stretch, cube.host.at)
    of_hosts, place = days_of(key, cube.day, weight, gap_days=settings.gap_days)
    return _collected(cube, cause, weight, stretch, of_hosts.stretch[place])


class _Pile(NamedTuple):
    """Failures of one host within a stretch, without a gap."""

    host: str | None
    parts: list[FailurePart]
    first_day: date
    last_day: date


def _collected(cube: Cube, cause: Ints, weight: Floats, stretch: Ints, pile: Ints) -> list[Run]:
    """Make runs of arrays: the rows of a pile agree in domain, cause, stretch and host."""
    first, place = grouped(
        stretch, pile, cube.reporter.at, cube.policy_type.at, cube.policy_hash.at, cube.result_type.at, cube.reason.at, cube.address.at
    )
    parts = _parts(cube, weight, first, place)
    peaks = _peaks(cube, weight, stretch)
    stretches: defaultdict[int, defaultdict[int, list[FailurePart]]] = defaultdict(lambda: defaultdict(list))
    head: dict[int, int] = {}
    for row, part, number, of_pile in zip(first.tolist(), parts, stretch[first].tolist(), pile[first].tolist(), strict=True):
        stretches[number][of_pile].append(part)
        head[number] = row
    return [
        Run(cube.domain.values[int(cube.domain.at[head[number]])], CAUSE_NAMES[int(cause[head[number]])], tuple(together), peaks[number])
        for number, piles in stretches.items()
        for together in _by_hosts([_pile(members) for members in piles.values()])
    ]


def _parts(cube: Cube, weight: Floats, first: Ints, place: Ints) -> list[FailurePart]:
    """Sum up the rows of each place; `first` is a row of each, where the texts are read."""
    begin, end = np.full(len(first), np.iinfo(np.int64).max), np.zeros(len(first), dtype=np.int64)
    np.minimum.at(begin, place, cube.day)
    np.maximum.at(end, place, cube.day)
    columns = (cube.reporter, cube.policy_type, cube.policy_hash, cube.result_type, cube.reason, cube.host, cube.address)
    texts = [[names[at] for names in [(*column.values, None)] for at in column.at[first].tolist()] for column in columns]
    numbers = (summed(place, weight, len(first)).tolist(), summed(place, cube.mentions, len(first)).tolist())
    days = ([date.fromordinal(day) for day in edge.tolist()] for edge in (begin, end))
    return list(map(FailurePart._make, zip(*texts, *numbers, *days, strict=True)))


def _peaks(cube: Cube, weight: Floats, stretch: Ints) -> dict[int, float]:
    first, place = grouped(stretch, cube.reporter.at, cube.day)
    total = np.bincount(place, weights=weight, minlength=len(first))
    numbers = stretch[first]
    peak = np.zeros(int(stretch.max()) + 1)
    np.maximum.at(peak, numbers, total)
    return {int(number): float(peak[number]) for number in np.unique(numbers)}


def _pile(parts: list[FailurePart]) -> _Pile:
    return _Pile(parts[0].host, parts, min(part.first_day for part in parts), max(part.last_day for part in parts))


def _by_hosts(piles: Sequence[_Pile]) -> list[list[FailurePart]]:
    """Put hosts together whose failures coincide: mx1 in March and mx2 in April are two matters.

    Failures that name no host go with the largest part.
    """
    named = sorted((pile for pile in piles if pile.host), key=lambda pile: (-sum(p.mentions for p in pile.parts), pile.host or ""))
    hostless = [part for pile in piles if not pile.host for part in pile.parts]
    if not named:
        return [hostless]
    groups: list[_Pile] = []
    for pile in named:
        at = next((n for n, group in enumerate(groups) if _coincide(group, pile)), None)
        if at is None:
            groups.append(pile)
        else:
            group = groups[at]
            first, last = min(group.first_day, pile.first_day), max(group.last_day, pile.last_day)
            groups[at] = _Pile(group.host, group.parts + pile.parts, first, last)
    return [groups[0].parts + hostless, *(group.parts for group in groups[1:])]


def _coincide(one: _Pile, other: _Pile) -> bool:
    """Say whether two piles cover the same time: more than half of the shorter lies within the longer."""
    shared = (min(one.last_day, other.last_day) - max(one.first_day, other.first_day)).days + 1
    shorter = min((one.last_day - one.first_day).days, (other.last_day - other.first_day).days) + 1
    return shared * 2 > shorter


def is_noise(run: Run, sessions: int, settings: InsightSettings) -> bool:
    """Say whether a run is stray failures and no incident.

    Args:
        run: The failures.
        sessions: Sessions of the reporters that failed, on the days of the run.
        settings: `stray_sessions`, `single_share`, `stray_share`, `stray_total` and `background_share`.
    """
    if run.failed_sessions <= settings.stray_sessions:
        return True
    if run.cause not in PASSING_CAUSES:
        return False
    share = run.failed_sessions / max(sessions, run.failed_sessions)
    if run.peak <= settings.stray_sessions:
        # One at a time: a second one within days is chance, and so are some more where there are many sessions.
        return run.failed_sessions <= 2 * settings.stray_sessions or share < settings.single_share
    return share < (settings.stray_share if run.failed_sessions < settings.stray_total else settings.background_share)


def without_stray_hosts(run: Run, settings: InsightSettings) -> Run:
    """Return the run without hosts that one session names, where many name the others."""
    named = {host: count for host, count in run.by_host.items() if host}
    total = sum(named.values())
    strays = {host for host, count in named.items() if count <= settings.stray_sessions and count < total / 20}
    return run.keeping(lambda part: part.host not in strays) if strays else run
