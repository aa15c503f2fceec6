"""What is no incident: stray single failures, alone or at the edges of an incident, and on its hosts.

Handshakes are cut short and fetches time out for no reason that anybody could remove. Such failures come one at a time, and their
causes are few: those that can pass by themselves. An expired certificate does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.chance import is_rare

if TYPE_CHECKING:
    from pipeline.config import InsightSettings
    from pipeline.insight.failures import Floats, Ints
    from pipeline.insight.runs import Run

PASSING_CAUSES = frozenset({"unknown", "starttls-missing", "policy-unreachable", "dnssec-broken"})
"""Causes a failure may have for a moment: a broken handshake, a server that answers 4xx instead of EHLO, a timeout."""

_QUIET_DAY = 0.4
"""A quiet day has about so much of the usual traffic; an edge is judged as if it were one."""


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
