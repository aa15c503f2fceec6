"""What is not an incident: stray single failures, alone or at the edges of an incident, and on its hosts.

Handshakes are cut short and fetches time out for no reason that anybody could remove. Such failures come one at a time, and their
causes are few: those that can pass by themselves. An expired certificate does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.detect.causes import PASSING_CAUSES

if TYPE_CHECKING:
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.thresholds import InsightSettings


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
