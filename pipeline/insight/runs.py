"""Runs: failures of one cause at one domain that belong together in time and in the hosts they touch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.failures import Cell, Failure

_Key = TypeVar("_Key")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Run:
    """Failures of one domain and cause, close to each other in time, on hosts that fail together. Never empty."""

    domain: str
    cause: str
    cells: tuple[Cell, ...]

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The days with failures, in order."""
        return tuple(sorted({cell.report_day for cell in self.cells}))

    @property
    def first_day(self) -> date:
        """The first day with a failure."""
        return self.days[0]

    @property
    def last_day(self) -> date:
        """The last day with a failure."""
        return self.days[-1]

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The MX hosts named, sorted; empty where none is."""
        return tuple(sorted({cell.receiving_mx_hostname for cell in self.cells if cell.receiving_mx_hostname}))

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The receiving addresses named, sorted."""
        return tuple(sorted({cell.receiving_ip for cell in self.cells if cell.receiving_ip}))

    @cached_property
    def policy_types(self) -> frozenset[str]:
        """The policy types under which sessions failed."""
        return frozenset(cell.policy_type for cell in self.cells)

    @cached_property
    def by_reporter_day(self) -> dict[tuple[str, date], int]:
        """Failed sessions by reporter and day.

        A sender that applies MTA-STS and DANE tells the same session twice, so the larger of the two counts, and no-policy-found beside
        them. Details may overlap, so a cause has at most the failures the reporter counts under that policy type.
        """
        mentions: defaultdict[tuple[str, date, str], int] = defaultdict(int)
        ceiling: dict[tuple[str, date, str], int] = {}
        for cell in self.cells:
            key = (cell.submitter_domain, cell.report_day, cell.policy_type)
            mentions[key] += cell.mentions
            ceiling[key] = cell.policy_failures
        doubled: defaultdict[tuple[str, date], int] = defaultdict(int)
        single: defaultdict[tuple[str, date], int] = defaultdict(int)
        for (reporter, day, policy_type), count in mentions.items():
            # A summary of zero beside details is the sender's mistake; then the details are all there is.
            failed = min(count, ceiling[reporter, day, policy_type] or count)
            if policy_type in ("sts", "tlsa"):
                doubled[reporter, day] = max(doubled[reporter, day], failed)
            else:
                single[reporter, day] += failed
        return {key: doubled.get(key, 0) + single.get(key, 0) for key in doubled.keys() | single.keys()}

    @cached_property
    def by_reporter(self) -> dict[str, int]:
        """Failed sessions by reporter, most first."""
        return _summed((reporter, count) for (reporter, _), count in self.by_reporter_day.items())

    @cached_property
    def by_day(self) -> dict[date, int]:
        """Failed sessions by day."""
        return _summed((day, count) for (_, day), count in self.by_reporter_day.items())

    @cached_property
    def failed_sessions(self) -> int:
        """Failed sessions in all."""
        return sum(self.by_reporter_day.values())

    @cached_property
    def by_host(self) -> dict[str | None, int]:
        """Mentions by host, most first; None for failures that name no host."""
        return _summed((cell.receiving_mx_hostname, cell.mentions) for cell in self.cells)


def _summed(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    totals: defaultdict[_Key, int] = defaultdict(int)
    for key, count in pairs:
        totals[key] += count
    return dict(sorted(totals.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def runs_of(failures: Iterable[Failure], *, gap_days: int) -> list[Run]:
    """Group failures into runs: one domain, one cause, gaps of at most `gap_days` days, hosts that fail at the same time."""
    piles: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
    for failure in failures:
        piles[failure.cell.report_domain, failure.cause].append(failure.cell)
    runs: list[Run] = []
    for (domain, cause), cells in sorted(piles.items()):
        for stretch in _stretches(cells, gap_days):
            for together in _by_hosts(stretch, gap_days):
                runs += [Run(domain, cause, tuple(part)) for part in _stretches(together, gap_days)]
    return runs


def _stretches(cells: Iterable[Cell], gap_days: int) -> list[list[Cell]]:
    """Split cells where more than `gap_days` days without one lie between."""
    parts: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: cell.report_day):
        if not parts or (cell.report_day - parts[-1][-1].report_day).days > gap_days + 1:
            parts.append([])
        parts[-1].append(cell)
    return parts


def _by_hosts(cells: Sequence[Cell], gap_days: int) -> list[list[Cell]]:
    """Part cells by hosts whose failures do not coincide: mx1 in March and mx2 in April are two matters.

    Cells that name no host go with the largest part.
    """
    hostless = [cell for cell in cells if not cell.receiving_mx_hostname]
    piles: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.receiving_mx_hostname:
            piles[cell.receiving_mx_hostname].append(cell)
    if len(piles) <= 1:
        return [list(cells)]
    parts: list[list[Cell]] = []
    for pile in sorted((part for named in piles.values() for part in _stretches(named, gap_days)), key=len, reverse=True):
        beside = next((part for part in parts if _coincide(part, pile)), None)
        if beside is None:
            parts.append(list(pile))
        else:
            beside.extend(pile)
    parts[0].extend(hostless)
    return parts


def _coincide(one: Sequence[Cell], other: Sequence[Cell]) -> bool:
    """Say whether two piles cover the same time: more than half of the shorter lies within the longer."""
    first, last = max(_first(one), _first(other)), min(_last(one), _last(other))
    shorter = min(_last(one) - _first(one), _last(other) - _first(other)) + _ONE_DAY
    return (last - first + _ONE_DAY) * 2 > shorter


def _first(cells: Sequence[Cell]) -> date:
    return min(cell.report_day for cell in cells)


def _last(cells: Sequence[Cell]) -> date:
    return max(cell.report_day for cell in cells)
