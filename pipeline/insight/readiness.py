"""May this domain go from `testing` to `enforce`? A verdict with its evidence, what is missing, and the next step (RFC 8461 §5, §8.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.insight.bound import upper_bound
from pipeline.insight.forecast import Missing, missing_of
from pipeline.insight.incidents import Period, find, period_of
from pipeline.insight.known import read_known
from pipeline.insight.next_step import next_step
from pipeline.insight.policies import PoliciesSeen, PublishedPolicy, read_policies
from pipeline.insight.replay import ReplayDay, read_replay
from pipeline.insight.words import count_of, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pipeline.config import InsightSettings
    from pipeline.insight.ask import Ask
    from pipeline.insight.incident import Incident

Verdict = Literal["ready", "not-ready", "not-enough-evidence", "already-enforcing", "no-policy"]

_WEEK = 7


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The verdict on one domain."""

    domain: str
    verdict: Verdict
    as_of: date
    days: int
    since: date
    until: date
    sessions: int
    would_refuse: int
    upper_bound_95: float
    arithmetic: str
    """How the bound comes about, in one sentence."""
    reporters: tuple[str, ...]
    other_reporters: tuple[str, ...]
    days_covered: int
    blocking: tuple[str, ...]
    """Ids of the incidents that stand in the way."""
    reasons: tuple[str, ...]
    missing: tuple[Missing, ...]
    possible_from: date | None
    """The day all that is missing can be there at the usual number of sessions a day; None where that cannot be said, or nothing is."""
    next_step: str
    published: PublishedPolicy | None
    stale_reporters: tuple[str, ...]
    replay: tuple[ReplayDay, ...]
    """The what-if by day and sender, known reporters only."""


def assess(
    ask: Ask, domain: str, *, as_of: date, settings: InsightSettings, known: Collection[str], published: PublishedPolicy | None = None
) -> Readiness:
    """Return the verdict on a domain.

    Args:
        ask: Answers questions.
        domain: The domain, as a lower-case A-label.
        as_of: The day of asking (UTC).
        settings: Every number.
        known: Reporters known by name.
        published: The policy now published, as last checked; None: as the senders of the last three days show it.
    """
    period = period_of(as_of, settings.readiness_days, settings)
    replay = read_replay(ask, domain, since=period.since, until=period.until)
    trusted = read_known(ask, since=period.since, until=period.until, listed=known, settings=settings).before(period.since)
    evidence = _evidence(replay, trusted, period)
    seen = read_policies(ask, domain, since=period.since, until=period.until, published=published)
    incidents = find(ask, as_of=as_of, days=settings.readiness_days, settings=settings, known=known, domain=domain)
    blocking = tuple(incident for incident in incidents if _blocks(incident, period, settings))
    stale = _stale(seen, evidence.reporters, period)
    bound = upper_bound(min(evidence.would_refuse, evidence.sessions), evidence.sessions)
    missing = tuple(missing_of(evidence, bound, blocking, seen, stale, period=period, settings=settings, replay=replay))
    verdict = _verdict(evidence, bound, blocking, seen, stale, settings)
    dates = [entry.by for entry in missing]
    return Readiness(
        domain=domain,
        verdict=verdict,
        as_of=as_of,
        days=settings.readiness_days,
        since=period.since,
        until=period.until,
        sessions=evidence.sessions,
        would_refuse=evidence.would_refuse,
        upper_bound_95=bound,
        arithmetic=arithmetic(evidence.would_refuse, evidence.sessions, bound),
        reporters=evidence.reporters,
        other_reporters=evidence.others,
        days_covered=len(evidence.days),
        blocking=tuple(incident.id for incident in blocking),
        reasons=tuple(_reasons(verdict, evidence, bound, missing, seen, settings)),
        missing=missing if verdict in ("not-ready", "not-enough-evidence") else (),
        possible_from=max((day for day in dates if day), default=None)
        if all(dates) and verdict in ("not-ready", "not-enough-evidence")
        else None,
        next_step=next_step(verdict, domain, as_of=as_of, published=seen.published, missing=missing),
        published=seen.published,
        stale_reporters=tuple(held for held in stale),
        replay=tuple(day for day in replay if day.submitter_domain in trusted and day.sts_sessions),
    )


def _evidence(replay: Sequence[ReplayDay], known: Collection[str], period: Period) -> Evidence:
    counted = [day for day in replay if day.submitter_domain in known and day.sts_sessions]
    totals: dict[str, int] = {}
    for day in replay:
        if day.sts_sessions:
            totals[day.submitter_domain] = totals.get(day.submitter_domain, 0) + day.sts_sessions
    order = sorted(totals, key=lambda reporter: (-totals[reporter], reporter))
    week = [day for day in counted if day.report_day > period.until - timedelta(days=_WEEK)]
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
    )


def _blocks(incident: Incident, period: Period, settings: InsightSettings) -> bool:
    """Say whether an incident of ours is open, or ended too short a time ago."""
    return incident.blocking and (incident.state != "resolved" or (period.until - incident.last_day).days < settings.settle_days)


def _stale(seen: PoliciesSeen, reporters: Collection[str], period: Period) -> tuple[str, ...]:
    """Return the known reporters of the last seven days that applied another policy than the published one."""
    week = period.until - timedelta(days=_WEEK)
    return tuple(sorted(held.reporter for held in seen.stale if held.last_day > week and held.reporter in reporters))


def _verdict(
    evidence: Evidence, bound: float, blocking: Sequence[Incident], seen: PoliciesSeen, stale: Sequence[str], settings: InsightSettings
) -> Verdict:
    off = evidence.switched_off_last_week * 2 > evidence.sessions_last_week > 0 or (
        seen.published is not None and seen.published.mode == "none"
    )
    if off or (not evidence.sessions and not evidence.others and evidence.unprotected):
        return "no-policy"
    if evidence.enforced_last_week * 2 > evidence.sessions_last_week > 0:
        return "already-enforcing"
    enough = (
        evidence.sessions >= settings.readiness_sessions
        and len(evidence.reporters) >= settings.readiness_reporters
        and len(evidence.days) >= settings.readiness_days_covered
        and seen.published is not None
    )
    if not enough:
        return "not-enough-evidence"
    return "ready" if bound <= settings.readiness_bound and not blocking and not stale else "not-ready"


def arithmetic(would_refuse: int, sessions: int, bound: float) -> str:
    """Say in one sentence how the bound comes about."""
    if not sessions:
        return "No session, so the rate may be anything: the bound is 100 %."
    if not would_refuse:
        how = f"1 - 0.05^(1/{sessions:,}), about 3/{sessions:,}"
    else:
        how = f"the rate at which {would_refuse:,} or fewer of {sessions:,} happen once in twenty times (Clopper-Pearson)"
    return (
        f"{would_refuse:,} of {sessions:,} sessions would have been refused; with 95 % confidence the true rate is at most "
        f"{bound:.2%}: {how}. This takes sessions as independent, which they are not quite."
    )


def _reasons(
    verdict: Verdict, evidence: Evidence, bound: float, missing: Iterable[Missing], seen: PoliciesSeen, settings: InsightSettings
) -> Iterable[str]:
    if verdict == "no-policy":
        yield f"senders found no MTA-STS policy in {count_of(evidence.unprotected, 'session')}, or one with mode none; there is nothing to enforce"
        return
    if verdict == "already-enforcing":
        yield f"{evidence.enforced_last_week:,} of the {count_of(evidence.sessions_last_week, 'session')} of the last seven days carried mode enforce"
    if verdict == "ready":
        yield (
            f"{count_of(evidence.sessions, 'session')} of {listed(evidence.reporters)} on {len(evidence.days)} of {settings.readiness_days} days, "
            f"{evidence.would_refuse:,} of which enforce would have refused: at most {bound:.2%} with 95 % confidence, {settings.readiness_bound:.0%} is allowed"
        )
        yield f"no incident of ours is open or ended in the last {settings.settle_days} days"
        if seen.published is not None:
            yield "every known reporter of the last seven days applies the published policy"
    else:
        yield from (entry.sentence for entry in missing)
    if evidence.others:
        yield f"not counted, because they are not known reporters yet: {listed(evidence.others)}"


def as_json(readiness: Readiness) -> dict[str, Any]:
    """Return the verdict as `readiness --format json` prints it: the promised members first, in their order."""
    published = readiness.published
    return {
        "domain": readiness.domain,
        "verdict": readiness.verdict,
        "as_of": readiness.as_of.isoformat(),
        "days": readiness.days,
        "sessions": readiness.sessions,
        "would_refuse": readiness.would_refuse,
        "upper_bound_95": round(readiness.upper_bound_95, 6),
        "reporters": list(readiness.reporters),
        "days_covered": readiness.days_covered,
        "blocking": list(readiness.blocking),
        "reasons": list(readiness.reasons),
        "next_step": readiness.next_step,
        "since": readiness.since.isoformat(),
        "until": readiness.until.isoformat(),
        "arithmetic": readiness.arithmetic,
        "other_reporters": list(readiness.other_reporters),
        "stale_reporters": list(readiness.stale_reporters),
        "possible_from": readiness.possible_from.isoformat() if readiness.possible_from else None,
        "missing": [{"what": m.what, "have": m.have, "need": m.need, "by": m.by.isoformat() if m.by else None} for m in readiness.missing],
        "published": None
        if published is None
        else {"mode": published.mode, "max_age_seconds": published.max_age_seconds, "mx": list(published.mx), "source": published.source},
        "replay": [
            {"day": d.report_day.isoformat(), "reporter": d.submitter_domain, "sessions": d.sts_sessions, "would_refuse": d.would_refuse}
            for d in readiness.replay
        ],
    }
