"""From failures to incidents: gather, group, weigh, name. Pure over the answers of `ask`."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.absorb import absorbed, joined
from pipeline.insight.attribution import Attribution, Surroundings, attribute, standing_of
from pipeline.insight.causes import CAUSES
from pipeline.insight.chance import at_most
from pipeline.insight.evidence import Line
from pipeline.insight.failures import Texts, read_cells, read_texts, with_causes
from pipeline.insight.incident import Incident, State, incident_id
from pipeline.insight.known import KnownReporters, read_known
from pipeline.insight.meaning import Facts, explain
from pipeline.insight.noise import is_noise, without_strays
from pipeline.insight.runs import Run, runs_of
from pipeline.insight.spans import Ground, Span, added, read_spans

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.config import InsightSettings
    from pipeline.insight.ask import Ask
    from pipeline.insight.failures import Cell
    from pipeline.insight.policies import PublishedPolicy

_ONE_DAY = timedelta(days=1)
_FIRST_STEP_BACK = 60
"""Days looked further back when a run may have begun before the period; doubled each time."""
_EARLIEST = date(2016, 1, 1)


class Period(NamedTuple):
    """The complete days looked at, both ends inclusive."""

    since: date
    until: date


def period_of(as_of: date, days: int, settings: InsightSettings) -> Period:
    """Return the last `days` complete days as of a day; a day is complete `settling_days` later."""
    until = as_of - timedelta(days=settings.settling_days)
    return Period(until - timedelta(days=days - 1), until)


class Gathered(NamedTuple):
    """What was found out before anything is judged."""

    runs: list[Run]
    cells: list[Cell]
    texts: Texts


def find(
    ask: Ask,
    *,
    as_of: date,
    days: int,
    settings: InsightSettings,
    known: Collection[str],
    domain: str | None = None,
    published: Mapping[str, PublishedPolicy] | None = None,
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
    """
    period = period_of(as_of, days, settings)
    gathered = _gather(_Reader(ask, settings, domain, published or {}), period)
    if not gathered.runs:
        return []
    judge = _Judge(ask, period, settings, gathered, known)
    found = [incident for run in judge.runs if (incident := judge.incident(run)) is not None]
    return sorted(found, key=lambda i: (-i.last_day.toordinal(), -i.first_day.toordinal(), -i.failed_sessions, i.domain, i.id))


class _Reader(NamedTuple):
    """What stays the same over the questions of one search."""

    ask: Ask
    settings: InsightSettings
    domain: str | None
    published: Mapping[str, PublishedPolicy]

    def read(self, period: Period, domains: Sequence[str] | None) -> Gathered:
        """Read the failures of a period and make runs of them."""
        settings = self.settings
        cells = read_cells(self.ask, since=period.since, until=period.until, domain=self.domain, domains=domains)
        failed = Counter[str]()
        for cell in cells:
            failed[cell.report_domain] += cell.mentions
        concerned = {name for name, count in failed.items() if count > settings.stray_sessions}
        before = period.since - timedelta(days=settings.lookback_days)
        texts = read_texts(self.ask, since=before, until=period.until, domains=concerned, published=self.published)
        runs = runs_of(with_causes((cell for cell in cells if cell.report_domain in concerned), texts), gap_days=settings.gap_days)
        lasting = [without_strays(run, settings) for run in runs if run.failed_sessions > settings.stray_sessions]
        return Gathered(absorbed(lasting, gap_days=settings.gap_days), cells, texts)


def _gather(reader: _Reader, period: Period) -> Gathered:
    """Read the period, and for domains whose failures reach its beginning as much before it as it takes."""
    since, step = period.since, _FIRST_STEP_BACK
    narrowed: list[str] | None = None
    done = Gathered([], [], {})
    while True:
        here = reader.read(Period(since, period.until), narrowed)
        reaching = {run.domain for run in here.runs if (run.first_day - since).days <= reader.settings.gap_days and since > _EARLIEST}
        done = Gathered(
            done.runs + [run for run in here.runs if run.domain not in reaching],
            done.cells + [cell for cell in here.cells if cell.report_domain not in reaching],
            {**done.texts, **{name: texts for name, texts in here.texts.items() if name not in reaching}},
        )
        if not reaching:
            return done._replace(runs=[run for run in done.runs if run.last_day >= period.since])
        narrowed = sorted(reaching)
        since, step = max(since - timedelta(days=step), _EARLIEST), step * 2


class _Judge:
    """Weighs runs against what the same and other senders counted on those days."""

    def __init__(self, ask: Ask, period: Period, settings: InsightSettings, gathered: Gathered, known: Collection[str]) -> None:
        self._period, self._settings = period, settings
        self._cells, self._texts = gathered.cells, gathered.texts
        self._known: KnownReporters = read_known(ask, since=period.since, until=period.until, listed=known, settings=settings)
        pairs = list(_neighbours(gathered.runs, settings))
        spans = {span for run in gathered.runs for span in self._spans_of(run)} | {_gap(one, other) for one, other in pairs}
        self._grounds = read_spans(ask, spans)
        self.runs = self._bridged(gathered.runs, pairs)

    def _spans_of(self, run: Run) -> tuple[Span, ...]:
        """The days of the run, those since, and the last two complete ones."""
        until = self._period.until
        return (
            Span(run.domain, run.first_day, run.last_day),
            Span(run.domain, run.last_day + _ONE_DAY, until),
            Span(run.domain, until - _ONE_DAY, until),
        )

    def _bridged(self, runs: Sequence[Run], pairs: Iterable[tuple[Run, Run]]) -> list[Run]:
        """Join runs over a gap whose sessions could not have shown the failure: a quiet week splits nothing."""
        now: dict[int, Run] = {id(run): run for run in runs}
        for one, other in pairs:
            before, gap, after = now[id(one)], _gap(one, other), now[id(other)]
            if before is after or not self._proves_nothing(before, gap, after):
                continue
            both = joined(before, after)
            ground = added([self._grounds[Span(r.domain, r.first_day, r.last_day)] for r in (before, after)] + [self._grounds[gap]])
            self._grounds[Span(both.domain, both.first_day, both.last_day)] = ground
            self._grounds[Span(both.domain, both.last_day + _ONE_DAY, self._period.until)] = self._grounds.get(
                Span(after.domain, after.last_day + _ONE_DAY, self._period.until), {}
            )
            now = {key: both if run in (before, after) else run for key, run in now.items()}
        return list({id(run): run for run in now.values()}.values())

    def _proves_nothing(self, before: Run, gap: Span, after: Run) -> bool:
        reporters = before.by_reporter.keys() | after.by_reporter.keys()
        grounds = [self._grounds[Span(run.domain, run.first_day, run.last_day)] for run in (before, after)]
        sessions = sum(ground[r].sessions for ground in grounds for r in reporters if r in ground)
        rate = (before.failed_sessions + after.failed_sessions) / sessions if sessions else 1.0
        idle = sum(counted.sessions for r, counted in self._grounds[gap].items() if r in reporters)
        return idle == 0 or at_most(0, idle, min(1.0, rate)) >= self._settings.clean_confidence

    def incident(self, run: Run) -> Incident | None:
        """Return the incident a run is, or None where it is noise."""
        ground = self._grounds[Span(run.domain, run.first_day, run.last_day)]
        sessions = sum(ground[r].sessions for r in run.by_reporter if r in ground)
        if is_noise(run, sessions, self._settings):
            return None
        around = self._surroundings(run, ground)
        standing = standing_of(run, around, self._settings)
        strays = {r for r, failed in run.by_reporter.items() if r not in standing.failing and failed <= self._settings.stray_sessions}
        affected = Run(run.domain, run.cause, tuple(cell for cell in run.cells if cell.submitter_domain not in strays))
        return self._told(affected, around, attribute(affected, standing, around))

    def _surroundings(self, run: Run, ground: Ground) -> Surroundings:
        texts = self._texts.get(run.domain, {})
        named = {cell.receiving_mx_hostname for cell in self._cells if cell.report_domain == run.domain and cell.receiving_mx_hostname}
        listed = {pattern for text in texts.values() for pattern in text.mx_patterns if not pattern.startswith("*.")}
        applied = [text for text in texts.values() if text.policy_hash in {cell.policy_hash for cell in run.cells}]
        newer = [text.first_day for text in texts.values() if applied and text.first_day > min(a.first_day for a in applied)]
        ages = [text.sts_max_age_seconds for text in (applied or texts.values()) if text.sts_max_age_seconds is not None]
        return Surroundings(
            ground=ground,
            hosts_seen=len(named | listed),
            addresses_seen=frozenset(
                cell.receiving_ip
                for cell in self._cells
                if cell.report_domain == run.domain and cell.receiving_ip and cell.receiving_mx_hostname in run.hosts
            ),
            known=self._known.before(run.first_day),
            max_age_days=-(-max(ages) // 86_400) if ages else None,
            days_since_change=(run.last_day - min(newer)).days if newer else None,
        )

    def _state(self, run: Run) -> State:
        """Say whether it is over: the senders it hit had sessions since, and no such failure."""
        until = self._period.until
        if run.last_day >= until - _ONE_DAY:
            return "open"
        latest = self._grounds.get(Span(run.domain, until - _ONE_DAY, until), {})
        since = self._grounds.get(Span(run.domain, run.last_day + _ONE_DAY, until), {})
        if any(latest[r].sessions for r in run.by_reporter if r in latest):
            return "resolved"
        ground = self._grounds.get(Span(run.domain, run.first_day, run.last_day), {})
        sessions = sum(ground[r].sessions for r in run.by_reporter if r in ground)
        idle = sum(since[r].sessions for r in run.by_reporter if r in since)
        rate = min(1.0, run.failed_sessions / sessions) if sessions else 1.0
        return "resolved" if idle and at_most(0, idle, rate) < self._settings.clean_confidence else "unconfirmed"

    def _told(self, run: Run, around: Surroundings, attribution: Attribution) -> Incident:
        sessions = max(run.failed_sessions, sum(around.ground[r].sessions for r in run.by_reporter if r in around.ground))
        cause = CAUSES[attribution.cause]
        state = self._state(run)
        hosts = tuple(host for host in run.by_host if host)
        explanation = explain(
            Facts(
                cause=cause.code,
                domain=run.domain,
                hosts=tuple(sorted(hosts)),
                node=attribution.node,
                reporters=tuple(run.by_reporter),
                result_types=_most_first(run, "result_type"),
                reasons=_most_first(run, "failure_reason_code"),
                patterns=self._patterns(run),
                max_age_days=around.max_age_days,
                first_day=run.first_day,
                last_day=run.last_day,
                state=state,
                fault=attribution.fault,
            )
        )
        return Incident(
            id=incident_id(run.domain, cause.code, hosts, run.first_day),
            domain=run.domain,
            cause=cause.code,
            title=cause.title,
            fault=attribution.fault,
            state=state,
            blocking=attribution.fault == "ours",
            result_types=_most_first(run, "result_type"),
            policy_types=tuple(sorted(run.policy_types)),
            reasons=_most_first(run, "failure_reason_code"),
            mx_hosts=tuple(sorted(hosts)),
            receiving_ips=run.addresses,
            node=attribution.node,
            reporters=tuple(run.by_reporter),
            first_day=run.first_day,
            last_day=run.last_day,
            failed_sessions=run.failed_sessions,
            sessions=sessions,
            share=run.failed_sessions / sessions if sessions else 0.0,
            component=cause.component,
            comparison=attribution.comparison,
            meaning=explanation.meaning,
            fix=explanation.fix,
            commands=explanation.commands,
            rfc=explanation.rfc,
            lines=_lines(run),
        )

    def _patterns(self, run: Run) -> tuple[str, ...]:
        texts = self._texts.get(run.domain, {})
        applied = Counter(cell.policy_hash for cell in run.cells if cell.policy_hash in texts)
        return texts[applied.most_common(1)[0][0] or ""].mx_patterns if applied else ()


def _neighbours(runs: Sequence[Run], settings: InsightSettings) -> Iterable[tuple[Run, Run]]:
    """Pairs of runs of one cause and place with a gap between that is not too long to be bridged."""
    ordered = sorted(runs, key=lambda run: (run.domain, run.cause, run.first_day))
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if (one.domain, one.cause) != (other.domain, other.cause):
                break
            if 1 < (other.first_day - one.last_day).days <= settings.bridge_days + 1 and (
                not one.hosts or not other.hosts or set(one.hosts) & set(other.hosts)
            ):
                yield one, other


def _gap(one: Run, other: Run) -> Span:
    return Span(one.domain, one.last_day + _ONE_DAY, other.first_day - _ONE_DAY)


def _lines(run: Run) -> tuple[Line, ...]:
    """Return each combination of sender, result, reason and host with the days it covers."""
    days: defaultdict[tuple[str, str, str, str], list[date]] = defaultdict(list)
    for cell in run.cells:
        days[cell.submitter_domain, cell.result_type, cell.failure_reason_code or "", cell.receiving_mx_hostname or ""].append(
            cell.report_day
        )
    return tuple(Line(run.domain, min(on), max(on), *key) for key, on in sorted(days.items()))


def _most_first(run: Run, column: str) -> tuple[str, ...]:
    """Return the distinct values of a column, most mentioned first; None is left out."""
    counts = Counter[str]()
    for cell in run.cells:
        value = getattr(cell, column)
        if value is not None:
            counts[value] += cell.mentions
    return tuple(value for value, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
