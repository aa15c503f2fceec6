"""What is no incident: stray single failures, alone or at the edges of an incident, and on its hosts.

Handshakes are cut short and fetches time out for no reason that anybody could remove. Such failures come one at a time, and their
causes are few: those that can pass by themselves. An expired certificate does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.chance import is_rare
from pipeline.insight.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.config import InsightSettings
    from pipeline.insight.failures import Cell

PASSING_CAUSES = frozenset({"unknown", "starttls-missing", "policy-unreachable", "dnssec-broken"})
"""Causes a failure may have for a moment: a broken handshake, a server that answers 4xx instead of EHLO, a timeout."""

_QUIET_DAY = 0.4
"""A quiet day has about so much of the usual traffic; an edge is judged as if it were one."""


def is_noise(run: Run, sessions: int, settings: InsightSettings) -> bool:
    """Say whether a run is stray failures and no incident.

    Args:
        run: The failures.
        sessions: Sessions of the reporters that failed, on the days of the run.
        settings: `stray_sessions`, `stray_share` and `stray_total`.
    """
    if run.failed_sessions <= settings.stray_sessions:
        return True
    if run.cause not in PASSING_CAUSES or run.failed_sessions >= settings.stray_total:
        return False
    one_at_a_time = max(run.by_reporter_day.values()) <= settings.stray_sessions
    return (one_at_a_time and run.failed_sessions <= 2 * settings.stray_sessions) or run.failed_sessions < settings.stray_share * sessions


def without_strays(run: Run, settings: InsightSettings) -> Run:
    """Return the run without hosts and edge days that only a stray failure added."""
    return _without_edges(_without_hosts(run, settings), settings)


def _without_hosts(run: Run, settings: InsightSettings) -> Run:
    """Drop hosts that one session names, where hundreds name the others."""
    named = {host: count for host, count in run.by_host.items() if host}
    total = sum(named.values())
    strays = {host for host, count in named.items() if count <= settings.stray_sessions and count < total / 20}
    return _keeping(run, [cell for cell in run.cells if cell.receiving_mx_hostname not in strays]) if strays else run


def _without_edges(run: Run, settings: InsightSettings) -> Run:
    """Drop first and last days with one failure, where a day of the incident has many."""
    if run.cause not in PASSING_CAUSES:
        return run
    days = list(run.days)
    for at, beside in ((0, 1), (-1, -2)):
        while len(days) > 2 and _is_stray_edge(run, days, at, beside, settings):
            days.pop(at)
    kept = set(days)
    return run if len(kept) == len(run.days) else _keeping(run, [cell for cell in run.cells if cell.report_day in kept])


def _is_stray_edge(run: Run, days: Sequence[date], at: int, beside: int, settings: InsightSettings) -> bool:
    failed = run.by_day[days[at]]
    if failed > settings.stray_sessions:
        return False
    inner = [day for day in days if day != days[at]]
    usual = sum(run.by_day[day] for day in inner) / ((max(inner) - min(inner)).days + 1)
    # The empty days between the edge and its neighbour would have had failures, too.
    empty = abs((days[beside] - days[at]).days) - 1
    return is_rare(failed, usual * _QUIET_DAY * (1 + empty), below=settings.clean_confidence)


def _keeping(run: Run, cells: Sequence[Cell]) -> Run:
    return Run(run.domain, run.cause, tuple(cells))
