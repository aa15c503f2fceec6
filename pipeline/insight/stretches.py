"""Where failures go on from day to day: stretches of one domain and cause, and of one host within; without the strays at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.failures import grouped, summed
from pipeline.insight.noise import is_stray_edge

if TYPE_CHECKING:
    from pipeline.config import InsightSettings
    from pipeline.insight.failures import Flags, Floats, Ints


class Days(NamedTuple):
    """Days with failures of each key (a domain and cause), in order of key and day."""

    key: Ints
    day: Ints
    weight: Floats
    stretch: Ints
    """Number of the stretch; days of one key with at most the allowed gap between them share one."""


def days_of(key: Ints, day: Ints, weight: Floats, *, gap_days: int) -> tuple[Days, Ints]:
    """Gather rows by key and day, and number the stretches.

    Returns:
        The days, and for each row the place of its day among them.
    """
    first, place = grouped(key, day)
    days, keys = day[first], key[first]
    total = summed(place, weight, len(first))
    begins = np.ones(len(first), dtype=bool)
    if len(first):
        begins[1:] = (np.diff(keys) != 0) | (np.diff(days) > gap_days + 1)
    return Days(keys, days, total, np.cumsum(begins) - 1), place


def lasting(days: Days, passing: Flags, settings: InsightSettings) -> Flags:
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


def _trim(days: Days, start: int, end: int, keep: Flags, settings: InsightSettings) -> None:
    """Take stray days off both ends of the stretch in [start, end)."""
    while end - start > 2 and is_stray_edge(days.day[start:end], days.weight[start:end], settings):
        keep[start] = False
        start += 1
    while end - start > 2 and is_stray_edge(days.day[start:end][::-1], days.weight[start:end][::-1], settings):
        end -= 1
        keep[end] = False
