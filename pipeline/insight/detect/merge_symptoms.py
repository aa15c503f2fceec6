"""Failures that say less about a fault that others name: they belong to it, and are not incidents of their own."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.insight.detect.causes import POLICY_HOST_CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.detect.failure_runs import Run

_ONE_DAY = timedelta(days=1)
_VAGUE = {
    # A sender that gives no reason, beside others that give one for the same hosts on the same days.
    "unknown": None,
    # Some senders call every failed fetch by one name, where others say what was wrong with the host or the text.
    "policy-unreachable": frozenset({"policy-host-certificate", "policy-invalid"}),
}
_TAILS = frozenset({"mx-not-in-policy", "policy-stale"})
_TOO_LARGE = 3
"""A vague run with more than so many times the failures of the clear one is a matter of its own."""


def absorbed(runs: Iterable[Run], *, gap_days: int) -> list[Run]:
    """Return the runs with the vague ones folded into the clear ones they accompany."""
    by_domain: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_domain[run.domain].append(run)
    return [run for group in by_domain.values() for run in _within(_with_tails(_without_echoes(group), gap_days))]


def _without_echoes(runs: Sequence[Run]) -> list[Run]:
    """Leave out protection that was lost because the policy could not be had: that is told by those who said so."""
    told = [run for run in runs if run.cause in POLICY_HOST_CAUSES]
    return [
        run
        for run in runs
        if run.cause != "policy-lost"
        or not any(other.first_day - _ONE_DAY <= run.last_day and run.first_day <= other.last_day + _ONE_DAY for other in told)
    ]


def _within(runs: Sequence[Run]) -> list[Run]:
    kept = list(runs)
    for vague in [run for run in runs if run.cause in _VAGUE]:
        clear = next((run for run in kept if run is not vague and _accompanies(vague, run)), None)
        if clear is not None:
            kept.remove(vague)
            kept[kept.index(clear)] = clear.joined(vague)
    return kept


def _accompanies(vague: Run, clear: Run) -> bool:
    """Say whether a vague run lies within the days and on the hosts of a clear one."""
    meant = _VAGUE[vague.cause]
    if clear.cause in _VAGUE if meant is None else clear.cause not in meant:
        return False
    in_time = clear.first_day - _ONE_DAY <= vague.first_day and vague.last_day <= clear.last_day + _ONE_DAY
    in_place = not vague.hosts or bool(set(vague.hosts) & set(clear.hosts))
    return in_time and in_place and vague.failed_sessions <= _TOO_LARGE * clear.failed_sessions


def _with_tails(runs: Sequence[Run], gap_days: int) -> list[Run]:
    """Join a host that the policy did not name with the cached policies that outlive the repair, and take the larger as the cause."""
    kept = [run for run in runs if run.cause not in _TAILS]
    parts = sorted((run for run in runs if run.cause in _TAILS), key=lambda run: -run.failed_sessions)
    while parts:
        head = parts.pop(0)
        while (tail := next((run for run in parts if _adjoin(head, run, gap_days)), None)) is not None:
            parts.remove(tail)
            head = head.joined(tail)
        kept.append(head)
    return kept


def _adjoin(one: Run, other: Run, gap_days: int) -> bool:
    near = timedelta(days=gap_days + 1)
    in_time = other.first_day <= one.last_day + near and one.first_day <= other.last_day + near
    return in_time and (not one.hosts or not other.hosts or bool(set(one.hosts) & set(other.hosts)))
