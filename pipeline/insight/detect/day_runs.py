"""Where failures go on from day to day: stretches of one domain and cause, and of one host within; without the strays at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.detect.failure_cube import grouped, summed
from pipeline.insight.rate_bound import is_rare

if TYPE_CHECKING:
    from pipeline.insight.detect.failure_cube import Flags, Floats, Ints
    from pipeline.insight.thresholds import InsightSettings

_QUIET_DAY = 0.4
"""A quiet day has about so much of the usual traffic; an edge is judged as if it were one."""


class FailureDays(NamedTuple):
    """Days with failures of each key (a domain and cause), in order of key and day."""

    key: Ints
    day: Ints
    weight: Floats
    stretch: Ints
    """Number of the stretch; days of one key with at most the allowed gap between them share one."""


def days_of(key: Ints, day: Ints, weight: Floats, *, gap_days: int) -> tuple[FailureDays, Ints]:
    """Gather rows by key and day, and number the stretches.

    Args:
        key: The number of the key (a domain and cause, or a stretch and host) of each row.
        day: The day of each row, an ordinal as `date.toordinal`.
        weight: How many failed sessions each row stands for.
        gap_days: Days without a failure that a stretch may have between two days with one.

    Returns:
        The days, and for each row the place of its day among them.
    """
    first, place = grouped(key, day)
    days, keys = day[first], key[first]
    total = summed(place, weight, len(first))
    begins = np.ones(len(first), dtype=bool)
    if len(first):
        begins[1:] = (np.diff(keys) != 0) | (np.diff(days) > gap_days + 1)
    return FailureDays(keys, days, total, np.cumsum(begins) - 1), place


def lasting(days: FailureDays, passing: Flags, settings: InsightSettings) -> Flags:
    """Say which days belong to a stretch that is more than a stray, without stray days at its ends.

    Args:
        days: The days; every stretch in order.
        passing: For each day, whether its cause is one that can pass by itself; only such have strays.
        settings: `stray_sessions` and `clean_confidence`.
    """
    keep = np.ones(len(days.day), dtype=bool)
    if not len(keep):
        return keep
    total = summed(days.stretch, days.weight, int(days.stretch[-1]) + 1)
    starts = np.flatnonzero(np.diff(days.stretch, prepend=-1))
    ends = np.append(starts[1:], len(keep))
    at_edge = (days.weight[starts] <= settings.stray_sessions) | (days.weight[ends - 1] <= settings.stray_sessions)
    for number in np.flatnonzero(at_edge & passing[starts] & (ends - starts > 2) & (total > settings.stray_sessions)).tolist():
        _trim(days, int(starts[number]), int(ends[number]), keep, settings)
    kept_total = summed(days.stretch, np.where(keep, days.weight, 0.0), len(total))
    return keep & (kept_total > settings.stray_sessions + 1e-9)[days.stretch]


def _trim(days: FailureDays, start: int, end: int, keep: Flags, settings: InsightSettings) -> None:
    """Take stray days off both ends of the stretch in [start, end)."""
    while end - start > 2 and is_stray_edge(days.day[start:end], days.weight[start:end], settings):
        keep[start] = False
        start += 1
    while end - start > 2 and is_stray_edge(days.day[start:end][::-1], days.weight[start:end][::-1], settings):
        end -= 1
        keep[end] = False


def is_stray_edge(days: Ints, failed: Floats, settings: InsightSettings) -> bool:
    """Say whether the first of some days with failures is a stray before the rest (turn them round to ask about the last).

    Args:
        days: Days with failures, in order or in reverse.
        failed: Failed sessions on each.
        settings: `stray_sessions` and `clean_confidence`.
    """
    if failed[0] > settings.stray_sessions:
        return False
    usual = float(failed[1:].sum()) / (abs(int(days[-1]) - int(days[1])) + 1)
    # The empty days between the edge and its neighbour would have had failures, too.
    empty = abs(int(days[1]) - int(days[0])) - 1
    return is_rare(int(failed[0]), usual * _QUIET_DAY * (1 + empty), below=settings.clean_confidence)
