"""One world, asked on one day: what was found, held against what is true."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.config import Settings
from pipeline.demo.simulated_reporters import BY_KEY
from pipeline.demo.world import World
from pipeline.insight.api import find_incidents, readiness
from pipeline.insight.rate_bound import upper_bound
from pipeline.report.rows import Ownership
from tests.score.ways_of_coming import READERS
from tests.score.world_lake import ReportLake, rows_of
from tests.worlds.random_worlds import random_world
from tests.worlds.true_readiness import REFUSED_KINDS, refusals
from tests.worlds.truth import true_incidents

if TYPE_CHECKING:
    from pipeline.insight.incident import Incident
    from pipeline.insight.thresholds import InsightSettings
    from tests.worlds.truth import TrueIncident

KNOWN = frozenset(reporter.signing_domain for reporter in BY_KEY.values())
"""Every reporter of the worlds is known, as if the operator had named them; unknown ones have tests of their own."""

_DAYS = 120
"""More than the longest world: every incident is in the period."""


class Case(NamedTuple):
    """A world to score."""

    seed: int
    kind: str
    sparse: bool = False
    """Little traffic and many strays: the same world with a tenth of the sessions and five times the stray failures."""

    def world(self) -> World:
        """Make it."""
        world = random_world(self.seed, self.kind)
        if not self.sparse:
            return world
        spec = world.spec
        domains = tuple(domain._replace(sessions_a_day=domain.sessions_a_day / 10) for domain in spec.domains)
        return World(spec._replace(domains=domains, stray_rate=5 * spec.stray_rate))


class Match(NamedTuple):
    """A true incident and what was found of it."""

    true: TrueIncident
    found: Incident | None
    until: date
    """The last complete day."""

    @property
    def first_day_error(self) -> int:
        """Days between the found and the true first day."""
        assert self.found is not None
        return abs((self.found.first_day - self.true.first_day).days)

    @property
    def last_day_error(self) -> int:
        """Days between the found and the true last day."""
        assert self.found is not None
        return abs((self.found.last_day - self.true.last_day).days)

    @property
    def state_is_right(self) -> bool:
        """Whether open and over are told apart: over is what did not show on the last two complete days."""
        assert self.found is not None
        return (self.found.state == "open") == (self.true.last_day >= self.until - timedelta(days=1))


class Judged(NamedTuple):
    """A verdict on one domain."""

    domain: str
    true: str
    found: str


class Outcome(NamedTuple):
    """What one world showed."""

    case: Case
    as_of: date
    matches: tuple[Match, ...]
    extra: tuple[Incident, ...]
    """Found, and not true."""
    verdicts: tuple[Judged, ...]
    totals: tuple[Total, ...] = ()


class Total(NamedTuple):
    """Sessions or failures of the whole world: what its senders counted, and what the lake shows."""

    what: str
    true: int
    found: int

    @property
    def error(self) -> float:
        """Share by which the lake is wrong."""
        return abs(self.found - self.true) / max(1, self.true)


def play(case: Case) -> Outcome:
    """Make the world, ask it, and compare. Every other world is asked in the middle of its life, when the last days are incomplete."""
    settings = Settings().insight
    world = case.world()
    rng = random.Random(f"as-of {case.seed} {case.kind}")
    as_of = world.spec.last_day + timedelta(days=2)
    if rng.random() < 0.5:
        as_of -= timedelta(days=rng.randint(1, 25))
    asked_at = datetime.combine(as_of, time(6), UTC)
    own = Ownership(world.own_domains, world.own_hosts)
    sent = [report for report in world.reports(None, as_of) if report.sent_at <= asked_at]
    reader = READERS.get(case.kind, rows_of)
    reports = (row for report in sent for row in reader(report, own))
    until = as_of - timedelta(days=settings.settling_days)
    true_world = World(world.spec._replace(last_day=until))
    with ReportLake(reports) as lake:
        total = lake.ask("success_rate", since=world.spec.first_day, until=as_of, as_of=as_of).to_pylist()[0]
        found = find_incidents(lake.ask, as_of=as_of, days=_DAYS, settings=settings, known=KNOWN)
        verdicts = tuple(
            Judged(
                name,
                true_verdict(true_world, name, until, settings),
                readiness(lake.ask, name, as_of=as_of, settings=settings, known=KNOWN).verdict,
            )
            for name in world.own_domains
        )
    # One failed session of one sender is a stray by definition, whatever was planted.
    truth = [true for true in true_incidents(true_world) if true.failed_sessions > settings.stray_sessions]
    matches, extra = match(truth, found, until)
    at_host = {reporter.signing_domain for reporter in world.spec.reporters if reporter.at_host}
    extra = [one for one in extra if not _is_told_again(one, truth, at_host)]
    totals = tuple(Total(what, sum(getattr(report, what) for report in sent), int(total[what])) for what in ("sessions", "failed"))
    return Outcome(case, as_of, tuple(matches), tuple(extra), verdicts, totals)


def _is_told_again(found: Incident, truth: list[TrueIncident], at_host: set[str]) -> bool:
    """Whether only senders that tell of the same failures at the MX host again (mox) show a true fault of that host and of these days."""
    return set(found.reporters) <= at_host and any(
        true.cause == found.cause and found.domain in true.hosts and _overlap(true, found) > 0 for true in truth
    )


def match(truth: list[TrueIncident], found: list[Incident], until: date) -> tuple[list[Match], list[Incident]]:
    """Pair each true incident with the found one of its domain and cause that covers most of its days."""
    left = list(found)
    matches = []
    for true in sorted(truth, key=lambda true: -true.failed_sessions):
        same = [f for f in left if (f.domain, f.cause) == (true.domain, true.cause) and _overlap(true, f) > 0]
        best = max(same, key=lambda f: _overlap(true, f), default=None)
        if best is not None:
            left.remove(best)
        matches.append(Match(true, best, until))
    return matches, left


def _overlap(true: TrueIncident, found: Incident) -> int:
    return (min(true.last_day, found.last_day) - max(true.first_day, found.first_day)).days + 1


def true_verdict(world: World, domain: str, until: date, settings: InsightSettings) -> str:
    """Return the verdict that somebody would give who sees behind the reports."""
    since = until - timedelta(days=settings.readiness_days - 1)
    published = world.domain(domain).published(until)
    if published is None:  # what was lost by mistake and is missed by senders is to be brought back
        lost = (true for true in true_incidents(world) if (true.domain, true.cause, true.fault) == (domain, "policy-lost", "ours"))
        return "not-ready" if any(true.open for true in lost) else "no-policy"
    if _mode_of_week(world, domain, until) == "enforce":
        return "already-enforcing"
    seen = refusals(world, domain, since, until)
    if (
        seen.sessions < settings.readiness_sessions
        or len(seen.reporters) < settings.readiness_reporters
        or seen.days < settings.readiness_days_covered
    ):
        return "not-enough-evidence"
    settle = timedelta(days=settings.settle_days)
    ours = [true for true in true_incidents(world) if true.domain == domain and true.fault == "ours" and true.failed_sessions > 1]
    if any(true.open or until - true.last_day < settle for true in ours):
        return "not-ready"
    if _refused_apart(world, domain, until - settle, until) > settings.stray_sessions:
        return "not-ready"
    bound = upper_bound(min(seen.refused + seen.stray, seen.sessions), seen.sessions)
    return "not-ready" if bound > settings.readiness_bound or _someone_stale(world, domain, until) else "ready"


def _refused_apart(world: World, domain: str, after: date, until: date) -> int:
    """Count what enforce would have refused lately of those that report only on days with failures."""
    place = world.domain(domain)
    rows = [
        row
        for reporter in world.spec.reporters
        if reporter.failures_only
        for day in world.days(after + timedelta(days=1), until)
        for row in world.counted(reporter, place, day)
        if row.policy_type == "sts"
    ]
    return sum(failed.sessions for row in rows for failed in row.failed if failed.kind in REFUSED_KINDS)


def _week(world: World, domain: str, until: date):
    place = world.domain(domain)
    for day in world.days(until - timedelta(days=6), until):
        for reporter in world.spec.reporters:
            if world.reports_on(reporter, place, day):
                for row in world.counted(reporter, place, day):
                    if row.policy_type == "sts":
                        yield reporter.key, day, row


def _mode_of_week(world: World, domain: str, until: date) -> str | None:
    modes: dict[str | None, int] = {}
    for _, _, row in _week(world, domain, until):
        mode = row.sts.mode if row.sts else None
        modes[mode] = modes.get(mode, 0) + row.success + row.failure
    return max(modes, key=lambda mode: modes[mode], default=None)


def _someone_stale(world: World, domain: str, until: date) -> bool:
    """Whether a reporter of the last week did not apply the published policy on its last day with one."""
    latest: dict[str, tuple[date, set[tuple[str, ...]]]] = {}
    for reporter, day, row in _week(world, domain, until):
        if row.sts is not None:
            before = latest.get(reporter)
            texts = before[1] if before and before[0] == day else set()
            latest[reporter] = (day, texts | {row.sts.lines})
    published = world.domain(domain).published(until)
    return published is not None and any(published.lines not in texts for _, texts in latest.values())
