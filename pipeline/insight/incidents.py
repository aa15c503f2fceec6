"""From runs to incidents: weigh, attribute, name, explain. Pure over the answers of `ask`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.insight.attribution import Attribution, Surroundings, attribute, standing_of
from pipeline.insight.detect.failure_runs import is_noise
from pipeline.insight.detect.gather import Gathered, Reader, gather
from pipeline.insight.detect.merge_gaps import Weighed
from pipeline.insight.disputed import Disputed, count_disputed, read_disputed
from pipeline.insight.failed_share import Unrated
from pipeline.insight.incident import Basis, Incident, State, incident_id
from pipeline.insight.known_reporters import KnownReporters, read_known
from pipeline.insight.period import ONE_DAY, Period, period_of
from pipeline.insight.rate_bound import at_most
from pipeline.report.sts_policy import covers_host

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.insight.ask import Ask
    from pipeline.insight.detect.applied_causes import AppliedText
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.thresholds import InsightSettings


def find(
    ask: Ask,
    *,
    as_of: date,
    days: int,
    settings: InsightSettings,
    known: Collection[str],
    domain: str | None = None,
    published: Mapping[str, PublishedPolicy] | None = None,
    most: int | None = None,
) -> list[Incident]:
    """Return the incidents of the period, newest first.

    Args:
        ask: Answers the questions of `pipeline/query/sql`.
        as_of: The day of asking (UTC); reports about later days are ignored.
        days: How many complete days to look at. An incident that began earlier is followed back to its first day.
        settings: Every threshold.
        known: Reporters known by name.
        domain: One domain only; None: all.
        published: The policies now published, as last checked, by domain.
        most: No more than so many, the newest; of a lake with thousands of incidents that takes much less time. None: all.
    """
    period = period_of(as_of, days, settings)
    gathered = gather(Reader(ask, settings, period, domain, published or {}, {}), most=most)
    if not gathered.runs:
        return []
    trusted = read_known(ask, since=period.since, until=period.until, listed=known, settings=settings)
    first = min(one.run.first_day for one in gathered.runs)
    judge = _Judge(period, settings, gathered, trusted, read_disputed(ask, since=first, until=period.until, domain=domain))
    found = [incident for one in gathered.runs if (incident := judge.incident(one)) is not None]
    return sorted(found, key=lambda i: (-i.last_day.toordinal(), -i.first_day.toordinal(), -i.failed_sessions, i.domain, i.id))[:most]


class _Judge:
    """Judges runs, one at a time."""

    def __init__(
        self, period: Period, settings: InsightSettings, gathered: Gathered, known: KnownReporters, disputed: list[Disputed]
    ) -> None:
        self._period, self._settings, self._gathered, self._known = period, settings, gathered, known
        self._disputed = disputed

    def incident(self, weighed_run: Weighed) -> Incident | None:
        """Return the incident a run is; None where nothing is left of it without the strays of senders that are not hit."""
        run = weighed_run.run
        around = self._surroundings(weighed_run)
        standing = standing_of(run, around, self._settings)
        few = self._settings.stray_sessions
        strays = {r for r, failed in run.by_reporter.items() if r not in standing.failing.names and failed <= few}
        affected = weighed_run
        if strays:
            left = run.keeping(lambda part: part.reporter not in strays)
            affected = Weighed(left, weighed_run.ground, weighed_run.ground.of(left.by_reporter).sessions)
            if is_noise(left, affected.sessions, self._settings):
                return None
        around = around._replace(has_known=self._known.knows_any(standing.failing.names, run.first_day))
        left = affected.run
        disputed = count_disputed(self._disputed, left.domain, left.by_reporter, since=left.first_day, until=left.last_day)
        text = self._text(left)
        patterns, mode = (text.mx_patterns, text.sts_mode) if text is not None else ((), None)
        unrated = _unrated(affected)
        basis = Basis(left, standing, around.has_known, patterns, around.max_age_days, disputed, mode, unrated)
        return self._told(affected, attribute(affected.run, standing, around), basis)

    def _surroundings(self, weighed_run: Weighed) -> Surroundings:
        run, ground, sessions = weighed_run
        texts = self._gathered.texts.get(run.domain, {})
        named = self._gathered.addresses.get(run.domain, {})
        listed = {pattern for text in texts.values() for pattern in text.mx_patterns if not pattern.startswith("*.")}
        applied = [texts[policy_hash] for policy_hash in {part.policy_hash for part in run.parts} if policy_hash in texts]
        begun = min((text.first_day for text in applied), default=None)
        # A text that was published by mistake in between, and does not name these hosts either, is not what they should have fetched.
        newer = [text.first_day for text in texts.values() if begun is not None and text.first_day > begun and _names(text, run.hosts)]
        ages = [text.sts_max_age_seconds for text in (applied or texts.values()) if text.sts_max_age_seconds is not None]
        return Surroundings(
            ground=ground,
            sessions=sessions,
            hosts_seen=len(named.keys() | listed),
            addresses_seen=frozenset(address for host in run.hosts for address in named.get(host, ())),
            has_known=True,
            max_age_days=-(-max(ages) // 86_400) if ages else None,
            days_since_change=(run.last_day - min(newer)).days if newer else None,
        )

    def _state(self, weighed_run: Weighed) -> State:
        """Say whether it is over: the senders it hit had sessions since, and no such failure."""
        run, ground, sessions = weighed_run
        if run.last_day >= self._period.until - ONE_DAY:
            return "open"
        hit = ground.of(run.by_reporter)
        if hit.sessions_lately:
            return "resolved"
        idle = hit.sessions_after
        rate = min(1.0, run.failed_sessions / sessions) if sessions else 1.0
        return "resolved" if idle and at_most(0, idle, rate) < self._settings.clean_confidence else "unconfirmed"

    def _told(self, weighed_run: Weighed, found: Attribution, basis: Basis) -> Incident:
        run = weighed_run.run
        return Incident(
            id=incident_id(run.domain, found.cause, run.hosts, run.first_day),
            domain=run.domain,
            cause=found.cause,
            fault=found.fault,
            state=self._state(weighed_run),
            mx_hosts=run.hosts,
            node=found.node,
            reporters=tuple(run.by_reporter),
            first_day=run.first_day,
            last_day=run.last_day,
            failed_sessions=run.failed_sessions,
            sessions=max(run.failed_sessions, weighed_run.sessions),
            basis=basis,
        )

    def _text(self, run: Run) -> AppliedText | None:
        """Return the policy text that most of the failures were under."""
        texts = self._gathered.texts.get(run.domain, {})
        applied = Counter(part.policy_hash for part in run.parts if part.policy_hash in texts)
        return texts[applied.most_common(1)[0][0] or ""] if applied else None


def _unrated(weighed_run: Weighed) -> Unrated:
    """Return what the reporters of a run told that report only on days with failures."""
    run, ground, _ = weighed_run
    if not ground.column("unrated_sessions").any():
        return Unrated()
    told = {reporter: ground.of((reporter,)).unrated_sessions for reporter in run.by_reporter}
    names = tuple(reporter for reporter, sessions in told.items() if sessions)
    failed = sum(run.by_reporter[name] for name in names)
    return Unrated(names, failed, max(failed, sum(told.values())))


def _names(text: AppliedText, hosts: Collection[str]) -> bool:
    return all(covers_host(text.mx_patterns, host) for host in hosts)
