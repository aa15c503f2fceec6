"""What is missing for a verdict of `ready`, and by when it can be there at the usual number of sessions a day."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import count_of, listed, span_of
from pipeline.insight.rate_bound import is_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.applied_policies import PoliciesSeen
    from pipeline.insight.enforce.replay import NoEvidence, ReplayDay
    from pipeline.insight.enforce.weighing import Evidence, Obstacles
    from pipeline.insight.incident import Incident
    from pipeline.insight.period import Period
    from pipeline.insight.thresholds import InsightSettings


class Missing(NamedTuple):
    """One thing that is missing."""

    what: str
    """sessions, reporters, days, bound, incident, refused-lately, policy-lost, stale-policy or published."""
    have: str
    need: str
    by: date | None
    """The day of asking on which it can be there; None where nobody can say."""
    sentence: str


def missing_of(
    evidence: Evidence, found: Obstacles, replay: Sequence[ReplayDay], period: Period, settings: InsightSettings
) -> Iterable[Missing]:
    """Yield what is missing, in the order of the conditions.

    Args:
        evidence: The sessions of known reporters.
        found: What may stand in the way.
        replay: What `read_replay` returned for the period, of all reporters.
        period: The complete days of the verdict.
        settings: What `ready` takes: `readiness_sessions` and the other thresholds.
    """
    pace = _Pace(evidence, period, settings)
    if not evidence.sessions:
        yield _nothing(evidence, period)
    elif evidence.sessions < settings.readiness_sessions:
        yield pace.sessions()
    if evidence.sessions and len(evidence.days) < settings.readiness_days_covered:
        yield pace.days()
    if len(evidence.reporters) < settings.readiness_reporters:
        yield _reporters(evidence, settings)
    if found.seen.published is None and evidence.sessions:
        yield _published(period)
    if found.bound > settings.readiness_bound and evidence.would_refuse:
        yield pace.bound(found.bound, replay)
    yield from (_incident(incident, settings) for incident in found.blocking)
    if evidence.left_out.refused_lately > settings.stray_sessions and not found.blocking:
        yield _refused_lately(evidence.left_out, period, settings)
    if found.without:
        sentence = f"{listed(found.without)} applied the policy and found none on the last days reported"
        yield Missing("policy-lost", listed(found.without), "the published policy at every known reporter", None, sentence)
    if found.stale:
        yield _stale(found.stale, found.seen, settings)


def _nothing(evidence: Evidence, period: Period) -> Missing:
    others = f" from a known reporter ({listed(evidence.others)} are not known yet)" if evidence.others else ""
    sentence = f"no session under an MTA-STS policy was reported{others} {span_of(period.since, period.until)}: no basis for a verdict"
    return Missing("sessions", "0", "at least one report", None, sentence)


def _reporters(evidence: Evidence, settings: InsightSettings) -> Missing:
    have, need = len(evidence.reporters), settings.readiness_reporters
    who = f" ({listed(evidence.reporters)})" if have else ""
    sentence = f"{count_of(have, 'known reporter')}{who} had sessions under the policy, {need} are needed: one sender is not enough"
    return Missing("reporters", str(have), str(need), None, sentence)


def _published(period: Period) -> Missing:
    sentence = f"no session from {period.until - timedelta(days=2)} to {period.until} shows which policy is published now"
    return Missing("published", "unknown", "a session of the last three complete days", None, sentence)


def _incident(incident: Incident, settings: InsightSettings) -> Missing:
    need = f"over for {settings.settle_days} days"
    if incident.state == "resolved":
        by = incident.last_day + timedelta(days=settings.settle_days + settings.settling_days)
        sentence = (
            f"incident {incident.id} ({incident.title}) is ours and ended on {incident.last_day}; "
            f"{settings.settle_days} days without it are needed"
        )
        return Missing("incident", f"ended {incident.last_day}", need, by, sentence)
    sentence = f"incident {incident.id} ({incident.title}) is ours and open since {incident.first_day}"
    return Missing("incident", "open", need, None, sentence)


def _refused_lately(left_out: NoEvidence, period: Period, settings: InsightSettings) -> Missing:
    refused = left_out.refused_lately
    sentence = (
        f"{listed(left_out.failures_only)} had {count_of(refused, 'session')} in the last {settings.settle_days} days that enforce would "
        "have refused"
    )
    by = period.until + timedelta(days=settings.settle_days + settings.settling_days)
    return Missing("refused-lately", str(refused), f"none in {settings.settle_days} days", by, sentence)


def _stale(stale: Sequence[str], seen: PoliciesSeen, settings: InsightSettings) -> Missing:
    until = [held.held_until for held in seen.stale if held.reporter in stale]
    latest = max((day for day in until if day is not None), default=None) if all(until) else None
    sentence = f"{listed(stale)} applied another policy than the published one in the last seven days"
    if latest is not None:
        sentence += f"; by its max_age they may hold it until {latest}"
    by = latest + timedelta(days=1 + settings.settling_days) if latest is not None else None
    return Missing("stale-policy", listed(stale), "the published policy at every known reporter", by, sentence)


class _Pace:
    """The usual number of sessions a day, and what follows from it."""

    def __init__(self, evidence: Evidence, period: Period, settings: InsightSettings) -> None:
        self._evidence, self._period, self._settings = evidence, period, settings
        begun = evidence.days[0] if evidence.days else period.until
        self._days_since = (period.until - begun).days + 1
        self.usual = evidence.sessions / self._days_since
        self._covered = len(evidence.days) / self._days_since

    def sessions(self) -> Missing:
        have, need = self._evidence.sessions, self._settings.readiness_sessions
        days = ceil(need / self.usual)
        sentence = f"{count_of(have, 'session')} under the policy in {self._settings.readiness_days} days, {need} are needed"
        return self._by(Missing("sessions", str(have), str(need), None, sentence), days, f"at about {self.usual:,.1f} sessions a day")

    def days(self) -> Missing:
        have, need = len(self._evidence.days), self._settings.readiness_days_covered
        had = f"{have} of the last {self._settings.readiness_days} days {'has' if have == 1 else 'have'} sessions under the policy"
        sentence = f"{had}, {need} are needed"
        days = ceil(need / self._covered)
        return self._by(Missing("days", str(have), str(need), None, sentence), days, "at this pace")

    def _by(self, missing: Missing, days: int, pace: str) -> Missing:
        """Say when so many days from the first session on are over; never, where the window does not hold them."""
        if days > self._settings.readiness_days:
            return missing._replace(sentence=f"{missing.sentence}; {pace} {self._settings.readiness_days} days never hold as many")
        by = self._period.until + timedelta(days=max(1, days - self._days_since) + self._settings.settling_days)
        return missing._replace(by=by, sentence=f"{missing.sentence}; {pace} that is met on {by}")

    def bound(self, bound: float, replay: Sequence[ReplayDay]) -> Missing:
        """Say when the rate can be low enough: by more good sessions, or once the failures are older than the window."""
        refused, settings = self._evidence.would_refuse, self._settings
        last_bad = max((day.report_day for day in replay if day.would_refuse), default=self._period.until)
        gone = last_bad + timedelta(days=settings.readiness_days + settings.settling_days)
        more = self._sessions_for(refused) - self._evidence.sessions
        diluted = self._period.until + timedelta(days=ceil(more / self.usual) + settings.settling_days) if self.usual else gone
        by = min(gone, diluted)
        sentence = (
            f"enforce would have refused {refused:,} of {count_of(self._evidence.sessions, 'session')}: up to {bound:.2%} with 95% "
            "confidence; "
            f"limit {settings.readiness_bound:.0%}; met by {by} if nothing more fails"
        )
        return Missing("bound", f"{bound:.2%}", f"{settings.readiness_bound:.2%}", by, sentence)

    def _sessions_for(self, refused: int) -> int:
        """Return the smallest number of sessions at which so many refused ones are few enough."""
        limit = self._settings.readiness_bound
        low, high = refused, max(1, refused) * 2
        while not is_within(limit, refused, high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if is_within(limit, refused, middle) else (middle, high)
        return high
