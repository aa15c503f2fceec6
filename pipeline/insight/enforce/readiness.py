"""May this domain go from `testing` to `enforce`? Verdict, evidence, what is missing and the next step together (RFC 8461 §5, §8.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.insight.applied_policies import PublishedPolicy, read_policies
from pipeline.insight.disputed import count_disputed, read_disputed, said_of
from pipeline.insight.enforce.forecast import Missing, missing_of
from pipeline.insight.enforce.next_step import next_step
from pipeline.insight.enforce.replay import ReplayDay, read_replay
from pipeline.insight.enforce.weighing import (
    Evidence,
    Obstacles,
    Verdict,
    blocks,
    evidence_of,
    reporters_without,
    stale_reporters,
    verdict_of,
)
from pipeline.insight.incidents import find
from pipeline.insight.known_reporters import read_known
from pipeline.insight.period import period_of
from pipeline.insight.phrases import count_of, days_of, listed
from pipeline.insight.rate_bound import upper_bound
from pipeline.output.markup import html_table, joined, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.insight.ask import Ask
    from pipeline.insight.enforce.replay import NoEvidence
    from pipeline.insight.ground import Ground
    from pipeline.insight.incident import Incident
    from pipeline.insight.known_reporters import KnownReporters
    from pipeline.insight.thresholds import InsightSettings

_OPEN_VERDICTS = ("not-ready", "not-enough-evidence")


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
    left_out: NoEvidence
    """Known reporters that are no evidence: failures only, report loops."""
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
    disputed_reports: int
    """Reports of known reporters that have several contents, one of which may be forged: the worst of each is taken."""
    replay: tuple[ReplayDay, ...]
    """The what-if by day and sender, known reporters only."""
    rests_on: Ground | None = None
    """All that is counted of the domain on those days, and what is left out; None where it was not asked for."""

    @property
    def refused(self) -> str:
        """What became of sessions that enforce refuses."""
        return refused_as(enforcing=self.verdict == "already-enforcing")

    def _repr_html_(self) -> str:
        return readiness_html(self)


def assess(
    ask: Ask,
    domain: str,
    *,
    as_of: date,
    settings: InsightSettings,
    known: Collection[str],
    published: PublishedPolicy | None = None,
    incidents: Iterable[Incident] | None = None,
    reporters: KnownReporters | None = None,
) -> Readiness:
    """Return the verdict on a domain.

    Args:
        ask: Answers questions.
        domain: The domain, as a lower-case A-label.
        as_of: The day of asking (UTC).
        settings: Every number.
        known: Reporters known by name.
        published: The policy now published, as last checked; None: as the senders of the last three days show it.
        incidents: Those of the last `readiness_days`, of this domain at least, where they are found already; None: they are looked for.
        reporters: Who was seen how often in the last `readiness_days`, where it was asked already.
    """
    period = period_of(as_of, settings.readiness_days, settings)
    replay = read_replay(ask, domain, since=period.since, until=period.until)
    if reporters is None:
        reporters = read_known(ask, since=period.since, until=period.until, listed=known, settings=settings)
    trusted = reporters.before(period.since)
    evidence = evidence_of(replay, trusted, period, settings)
    seen = read_policies(ask, domain, since=period.since, until=period.until, published=published)
    checked = {domain: published} if published is not None else None
    if incidents is None:
        incidents = find(ask, as_of=as_of, days=settings.readiness_days, settings=settings, known=known, domain=domain, published=checked)
    found = Obstacles(
        bound=upper_bound(min(evidence.would_refuse, evidence.sessions), evidence.sessions),
        blocking=tuple(one for one in incidents if one.domain == domain and blocks(one, period, settings)),
        seen=seen,
        stale=stale_reporters(seen, evidence.applying, period),
        without=reporters_without(replay, evidence.reporters, period),
    )
    verdict = verdict_of(evidence, found, settings)
    disputed = count_disputed(
        read_disputed(ask, since=period.since, until=period.until, domain=domain), domain, trusted, since=period.since, until=period.until
    )
    missing = tuple(missing_of(evidence, found, replay, period, settings)) if verdict in _OPEN_VERDICTS else ()
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
        upper_bound_95=found.bound,
        arithmetic=arithmetic(evidence.would_refuse, evidence.sessions, found.bound, enforcing=verdict == "already-enforcing"),
        reporters=evidence.reporters,
        other_reporters=evidence.others,
        left_out=evidence.left_out,
        days_covered=len(evidence.days),
        blocking=tuple(incident.id for incident in found.blocking),
        reasons=(
            *_reasons(verdict, evidence, found, missing, settings),
            *_late(reporters.late.intersection(evidence.others), settings),
            *([said_of(disputed)] if disputed else ()),
        ),
        missing=missing,
        possible_from=max((day for day in dates if day), default=None) if all(dates) else None,
        next_step=next_step(
            verdict,
            domain,
            as_of=as_of,
            published=seen.published,
            missing=missing,
            open_faults=[one for one in found.blocking if one.state != "resolved"],
        ),
        published=seen.published,
        stale_reporters=found.stale,
        disputed_reports=disputed,
        replay=tuple(day for day in replay if day.submitter_domain in trusted and day.sts_sessions),
    )


def refused_as(*, enforcing: bool) -> str:
    """Say that sessions were refused, of a domain that enforces, or would have been, of one that tests."""
    return "were refused" if enforcing else "would have been refused"


def arithmetic(would_refuse: int, sessions: int, bound: float, *, enforcing: bool = False) -> str:
    """Say in one sentence how the bound comes about.

    Args:
        would_refuse: Sessions that enforce would have refused, or refused.
        sessions: Sessions of known reporters under a policy.
        bound: The upper 95% bound of the rate, between 0 and 1.
        enforcing: Whether the domain enforces already: then they were refused.
    """
    if not sessions:
        return "No session, so no rate can be estimated: the bound is 100%."
    if not would_refuse:
        how = f"1 - 0.05^(1/{sessions:,}), about 3/{sessions:,}"
    else:
        how = f"the rate at which {would_refuse:,} or fewer of {sessions:,} happen once in twenty times (Clopper-Pearson)"
    return (
        f"{would_refuse:,} of {sessions:,} sessions {refused_as(enforcing=enforcing)}; with 95% confidence the true rate is at most "
        f"{bound:.2%}: {how}. This assumes that sessions are independent, which they are only roughly."
    )


def _reasons(
    verdict: Verdict, evidence: Evidence, found: Obstacles, missing: Iterable[Missing], settings: InsightSettings
) -> Iterable[str]:
    if verdict == "no-policy":
        unprotected = count_of(evidence.unprotected, "session")
        yield f"senders found no MTA-STS policy in {unprotected}, or one with mode none; there is nothing to enforce"
    elif verdict == "already-enforcing":
        week = count_of(evidence.sessions_last_week, "session")
        yield f"{evidence.enforced_last_week:,} of the {week} of the last seven days carried mode enforce"
        if found.without:
            yield f"{listed(found.without)} applied the policy and find none any more: for them it has no effect, and no error is raised"
    elif verdict == "ready":
        yield (
            f"{count_of(evidence.sessions, 'session')} of {listed(evidence.reporters)} on {len(evidence.days)} of "
            f"{settings.readiness_days} "
            f"days, {evidence.would_refuse:,} of which enforce would have refused: at most {found.bound:.2%} with 95% confidence, "
            f"{settings.readiness_bound:.0%} is allowed"
        )
        yield f"no incident of ours is open or ended in the last {settings.settle_days} days"
        yield "every known reporter of the last seven days applies the published policy"
    yield from (entry.sentence for entry in missing)
    yield from evidence.left_out.sentences()
    if evidence.others:
        yield f"not counted, because they are not known reporters yet: {listed(evidence.others)}"


def _late(reporters: Collection[str], settings: InsightSettings) -> Iterable[str]:
    """Say why reporters with many reports are not known, and what to do where that is not a forgery."""
    if reporters:
        yield (
            f"reports of {listed(sorted(reporters))} came on fewer than {settings.known_after_days} days soon after the day they cover, "
            "as forged ones would, and those of a mailbox that was copied: list the senders you know in [trust] reporters"
        )


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
        "failures_only": list(readiness.left_out.failures_only),
        "report_loops": list(readiness.left_out.loops),
        "stale_reporters": list(readiness.stale_reporters),
        "disputed_reports": readiness.disputed_reports,
        "possible_from": readiness.possible_from.isoformat() if readiness.possible_from else None,
        "missing": [{"what": m.what, "have": m.have, "need": m.need, "by": m.by.isoformat() if m.by else None} for m in readiness.missing],
        "published": None
        if published is None
        else {"mode": published.mode, "max_age_seconds": published.max_age_seconds, "mx": list(published.mx), "source": published.source},
        "replay": [
            {"day": d.report_day.isoformat(), "reporter": d.submitter_domain, "sessions": d.sts_sessions, "would_refuse": d.would_refuse}
            for d in readiness.replay
        ],
        **({"rests_on": readiness.rests_on.as_json()} if readiness.rests_on is not None else {}),
    }


def readiness_html(verdict: Readiness) -> str:
    """Return all that is said of a verdict, but for the days and senders of the what-if."""
    facts = [
        *([("rests on", " ".join(verdict.rests_on.said()))] if verdict.rests_on is not None else []),
        ("sessions", f"{verdict.sessions:,}, of which {verdict.would_refuse:,} {verdict.refused}"),
        ("upper bound, 95%", f"{verdict.upper_bound_95:.2%}. {verdict.arithmetic}"),
        ("known reporters", joined(verdict.reporters)),
        ("days with sessions", verdict.days_covered),
        *(("reason", reason) for reason in verdict.reasons),
        ("next", verdict.next_step),
    ]
    caption = f"<b>{text(verdict.domain)}: {text(verdict.verdict)}</b> – {days_of(verdict.since, verdict.until)}"
    return html_table(caption, ("", ""), facts)
