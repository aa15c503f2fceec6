"""Where the verdict on `enforce` is decided, and the evidence it is weighed from."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.insight.enforce.replay import NoEvidence, left_out_of, weighs

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.insight.applied_policies import PoliciesSeen
    from pipeline.insight.enforce.replay import ReplayDay
    from pipeline.insight.incident import Incident
    from pipeline.insight.period import Period
    from pipeline.insight.thresholds import InsightSettings

Verdict = Literal["ready", "not-ready", "not-enough-evidence", "already-enforcing", "no-policy"]

_WEEK = timedelta(days=7)


class Evidence(NamedTuple):
    """The numbers a verdict rests on; those of known reporters only."""

    sessions: int
    would_refuse: int
    reporters: tuple[str, ...]
    """Known reporters with sessions under a policy, most sessions first."""
    others: tuple[str, ...]
    """Verified, but not known yet: shown, and not counted."""
    days: tuple[date, ...]
    """Days with such sessions, in order."""
    enforced_last_week: int
    sessions_last_week: int
    switched_off_last_week: int
    unprotected: int
    """Sessions without a policy, of all reporters."""
    left_out: NoEvidence = NoEvidence()
    """Of known reporters, and no evidence."""

    @property
    def applying(self) -> tuple[str, ...]:
        """Known reporters that applied a policy, also those that make no share."""
        return (*self.reporters, *(name for name in self.left_out.failures_only if name not in self.reporters))


class Obstacles(NamedTuple):
    """What may stand in the way."""

    bound: float
    """Upper 95% bound of the rate that enforce would refuse."""
    blocking: tuple[Incident, ...]
    seen: PoliciesSeen
    stale: tuple[str, ...]
    """Known reporters that apply another policy than the published one."""
    without: tuple[str, ...] = ()
    """Known reporters that applied it and find no policy any more."""


def evidence_of(replay: Sequence[ReplayDay], known: Collection[str], period: Period, settings: InsightSettings) -> Evidence:
    """Sum up the sessions of the known reporters.

    Args:
        replay: What `read_replay` returned for the period, of all reporters.
        known: Known reporters, by their domains.
        period: The complete days of the verdict; its last seven are the last week.
        settings: `settle_days`.
    """
    applied = [day for day in replay if day.submitter_domain in known and day.sts_sessions]
    counted = [day for day in applied if weighs(day)]
    totals: dict[str, int] = {}
    for day in replay:
        if day.sts_sessions and (day.submitter_domain not in known or weighs(day)):
            totals[day.submitter_domain] = totals.get(day.submitter_domain, 0) + day.sts_sessions
    order = sorted(totals, key=lambda reporter: (-totals[reporter], reporter))
    week = [day for day in applied if day.report_day > period.until - _WEEK]
    return Evidence(
        sessions=sum(day.sts_sessions for day in counted),
        would_refuse=sum(day.would_refuse for day in counted),
        reporters=tuple(reporter for reporter in order if reporter in known),
        others=tuple(reporter for reporter in order if reporter not in known),
        days=tuple(sorted({day.report_day for day in counted})),
        enforced_last_week=sum(day.enforced for day in week),
        sessions_last_week=sum(day.sts_sessions for day in week),
        switched_off_last_week=sum(day.switched_off for day in week),
        unprotected=sum(day.unprotected for day in replay),
        left_out=left_out_of(replay, known, period, settings),
    )


def blocks(incident: Incident, period: Period, settings: InsightSettings) -> bool:
    """Say whether an incident of ours is open, or ended too short a time ago.

    Args:
        incident: An incident of the domain, of whatever fault.
        period: The complete days of the verdict.
        settings: `settle_days`: an incident whose last failure is fewer days before the end of the period still blocks.
    """
    return incident.blocking and (incident.state != "resolved" or (period.until - incident.last_day).days < settings.settle_days)


def stale_reporters(seen: PoliciesSeen, reporters: Collection[str], period: Period) -> tuple[str, ...]:
    """Return the known reporters of the last seven days that applied another policy than the published one.

    Args:
        seen: The policies that senders applied.
        reporters: Known reporters, by their domains.
        period: The complete days of the verdict; its last seven are looked at.
    """
    week = period.until - _WEEK
    return tuple(sorted(held.reporter for held in seen.stale if held.last_day > week and held.reporter in reporters))


def reporters_without(replay: Sequence[ReplayDay], reporters: Collection[str], period: Period) -> tuple[str, ...]:
    """Return those of some reporters that found no policy in most of their sessions of the last days they reported, two at least.

    Args:
        replay: What `read_replay` returned for the period, of all reporters.
        reporters: Those asked about, by their domains.
        period: The complete days of the verdict; its last seven are looked at.
    """
    lately: dict[str, list[ReplayDay]] = {}
    for day in replay:
        if day.report_day > period.until - _WEEK and day.submitter_domain in reporters:
            lately.setdefault(day.submitter_domain, []).append(day)
    found = []
    for reporter, days in sorted(lately.items()):
        last = sorted(days, key=lambda day: day.report_day)[-2:]
        if len(last) == 2 and all(day.unprotected > day.sts_sessions for day in last):
            found.append(reporter)
    return tuple(found)


def verdict_of(evidence: Evidence, found: Obstacles, settings: InsightSettings) -> Verdict:
    """Return the verdict; without policy or evidence there is none to be had, whatever else is found.

    Args:
        evidence: The sessions of known reporters.
        found: What may stand in the way.
        settings: `readiness_*` and `stray_sessions`.
    """
    published = found.seen.published
    if any(one.cause == "policy-lost" and one.state != "resolved" and "sts" in one.policy_types for one in found.blocking):
        return "not-ready"
    off = evidence.switched_off_last_week * 2 > evidence.sessions_last_week > 0 or (published is not None and published.mode == "none")
    if off or (not evidence.sessions and not evidence.others and not evidence.applying and evidence.unprotected):
        return "no-policy"
    if evidence.enforced_last_week * 2 > evidence.sessions_last_week > 0:
        return "already-enforcing"
    enough = (
        evidence.sessions >= settings.readiness_sessions
        and len(evidence.reporters) >= settings.readiness_reporters
        and len(evidence.days) >= settings.readiness_days_covered
        # Without a session that shows the published policy nobody can say who applies it; with an incident of ours nobody has to.
        and (published is not None or bool(found.blocking))
    )
    if not enough:
        return "not-enough-evidence"
    refused_lately = evidence.left_out.refused_lately > settings.stray_sessions
    stands = found.bound > settings.readiness_bound or found.blocking or found.stale or found.without or refused_lately
    return "not-ready" if stands else "ready"
