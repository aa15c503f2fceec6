"""A deterministic synthetic world: what eight reporters would have mailed us over some months, and what is true about it.

The same seed and the same specification give the same documents, day by day: a longer world begins with the shorter one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pipeline.demo.caches import PolicyCache
from pipeline.demo.keyed_chance import dice, poisson
from pipeline.demo.landscape import changed_by
from pipeline.demo.manners import MANNERS, CountedDay
from pipeline.demo.places import Domain
from pipeline.demo.session_counts import Applied, Circumstances, Failed, applied_policies
from pipeline.demo.several_reports import by_host, for_part, parts_of, tally, told_twice
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import STRANGER, Reporter
from pipeline.demo.spec import Spec, WorldReport

if TYPE_CHECKING:
    from pipeline.demo.mail import DemoMail


__all__ = ["Spec", "World", "WorldReport"]

_STRAYS = {"handshake": 0.6, "starttls": 0.2, "fetch-timeout": 0.2}
"""Single failures that mean nothing, and how likely each is: a handshake cut short, a server that was restarted, a fetch that timed out."""


class World:
    """The reports of a specification, and the mails that carry them."""

    def __init__(self, spec: Spec, keys: KeyRing | None = None) -> None:
        """Make the world of a specification; its mails are signed with `keys`, by default with keys made for the occasion."""
        self.spec = spec
        self.keyring = keys or KeyRing()
        self.domains = tuple(changed_by(domain, spec.incidents) for domain in spec.domains)
        self._named = {domain.name: domain for domain in self.domains}
        self._shares = sum(reporter.share for reporter in spec.reporters)
        self._caches: dict[tuple[str, str], PolicyCache] = {}
        self._counted: dict[tuple[str, str, date], list[Applied]] = {}
        self._since = dict(spec.newcomers)

    @property
    def own_domains(self) -> tuple[str, ...]:
        """Names of our domains."""
        return tuple(self._named)

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """Names of our MX hosts, sorted."""
        return tuple(sorted({host.name for domain in self.domains for host in domain.hosts}))

    @property
    def keys(self) -> dict[str, str]:
        """The DNS zone with the reporters' DKIM keys: name to TXT."""
        signers = (*self.spec.reporters, *((STRANGER,) if self.spec.odd_mail else ()))
        return {
            f"{r.selector}._domainkey.{r.signing_domain}": self.keyring.record(r.signing_domain, r.selector, r.key_bits) for r in signers
        }

    def domain(self, name: str) -> Domain:
        """Return a domain as its owner really ran it."""
        return self._named[name]

    def days(self, first_day: date | None = None, last_day: date | None = None) -> Iterator[date]:
        """Yield the days of the world, or some of them."""
        day = max(first_day or self.spec.first_day, self.spec.first_day)
        while day <= min(last_day or self.spec.last_day, self.spec.last_day):
            yield day
            day += timedelta(days=1)

    def reports(self, first_day: date | None = None, last_day: date | None = None) -> Iterator[WorldReport]:
        """Yield the reports about those days (both inclusive; default: all), in the order of day and of sending."""
        for day in self.days(first_day, last_day):
            reports = [report for reporter in self.spec.reporters for report in self._reports(reporter, day)]
            yield from sorted(reports, key=lambda report: (report.sent_at, report.reporter, report.domain))

    def mails(self, first_day: date | None = None, last_day: date | None = None) -> Iterator[DemoMail]:
        """Yield the reports about those days as signed mails, and the odd mails, in the order in which they were received."""
        from pipeline.demo.mail import mail_of

        odd = sorted(self.odd_mails(first_day or self.spec.first_day, last_day or self.spec.last_day), reverse=True)
        for report in sorted(self.reports(first_day, last_day), key=lambda report: (report.sent_at, report.reporter, report.domain)):
            mail = mail_of(report, self.keyring)
            while odd and odd[-1].received_at < mail.received_at:
                yield odd.pop()
            yield mail
        yield from reversed(odd)

    def odd_mails(self, first_day: date, last_day: date) -> Iterator[DemoMail]:
        """Yield the odd mails of the specification that are about those days, both inclusive, UTC; each comes the day after."""
        from pipeline.demo.odd_mail import KINDS

        for odd in self.spec.odd_mail:
            if first_day <= odd.day <= last_day:
                domain = odd.domain or self.spec.domains[0].name
                report = next((r for r in self.reports(odd.day, odd.day) if (r.reporter, r.domain) == (odd.reporter, domain)), None)
                if report is not None:
                    yield KINDS[odd.kind](report, self.keyring)

    def counted(self, reporter: Reporter, domain: Domain, day: date) -> list[Applied]:
        """Return what a reporter counted, whether or not it reported; empty without sessions.

        Args:
            reporter: One of the world's reporters.
            domain: One of `domains`.
            day: The day of the sessions, UTC.
        """
        key = (reporter.key, domain.name, day)
        if key not in self._counted:
            self._counted[key] = self._count(reporter, domain, day)
        return self._counted[key]

    def reports_on(self, reporter: Reporter, domain: Domain, day: date) -> bool:
        """Whether that reporter mails a report about that day, if it had sessions.

        Args:
            reporter: One of the world's reporters.
            domain: One of `domains`.
            day: The day of the sessions, UTC.
        """
        if reporter.failures_only and not any(row.failure for row in self.counted(reporter, domain, day)):
            return False
        return not any(span.holds(day, reporter.key, domain.name) for span in self.spec.silences)

    def _reports(self, reporter: Reporter, day: date) -> Iterator[WorldReport]:
        """Yield what a reporter mails about a day: on each domain, in one report or several, and on MX hosts where it does that."""
        at_hosts: list[Applied] = []
        for domain in self.domains:
            rows = self.counted(reporter, domain, day)
            if not rows or not self.reports_on(reporter, domain, day):
                continue
            if reporter.at_host:
                at_hosts += [row for row in rows if row.policy_type == "tlsa"]
                rows = [row for row in rows if row.policy_type != "tlsa"]
            rng = dice(self.spec.seed, "parts", reporter.key, domain.name, day)
            for part, told in enumerate(parts_of(rows, reporter.reports_a_day, rng, twice=told_twice(reporter, rows))):
                if told:
                    yield self._written(reporter, domain.name, day, told, part)._replace(**tally(reporter, told)._asdict())
        for name, at_host in by_host(at_hosts).items():
            yield self._written(reporter, name, day, [at_host])

    def _written(self, reporter: Reporter, name: str, day: date, rows: list[Applied], part: int = 0) -> WorldReport:
        sent_at = self._sent_at(reporter, name, day)
        document = MANNERS[reporter.manner](CountedDay(self.spec.seed, reporter, name, day, sent_at, rows))
        if reporter.reports_a_day > 1:
            document = for_part(document, day, part, reporter.reports_a_day)
        return WorldReport(reporter.key, day, sent_at, name, document)

    def _sent_at(self, reporter: Reporter, name: str, day: date) -> datetime:
        rng = dice(self.spec.seed, "sent", reporter.key, name, day)
        hours = 24 + max(0.02, reporter.hour + rng.uniform(-reporter.jitter_hours, reporter.jitter_hours))
        return datetime.combine(day, time(), UTC) + timedelta(seconds=round(hours * 3600))

    def _count(self, reporter: Reporter, domain: Domain, day: date) -> list[Applied]:
        rng = dice(self.spec.seed, "day", reporter.key, domain.name, day)
        sessions = self._sessions(reporter, domain, day)
        if not sessions:
            return []
        concerned = tuple(i for i in self.spec.incidents if i.domain == domain.name and i.meets(reporter.key))
        held = self._cache(reporter, domain).on(day)
        rows = applied_policies(Circumstances(reporter, domain, day, held, concerned), sessions, rng)
        if rng.random() < self.spec.stray_rate:
            _add_stray(rows, reporter, [(host.name, a) for host in domain.serving(day) for a in host.addresses], rng)
        return rows

    def _cache(self, reporter: Reporter, domain: Domain) -> PolicyCache:
        key = (reporter.key, domain.name)
        if key not in self._caches:
            self._caches[key] = PolicyCache(self.spec.seed, reporter, domain, self.spec.incidents, self.spec.first_day)
        return self._caches[key]

    def _sessions(self, reporter: Reporter, domain: Domain, day: date) -> int:
        """How many sessions a reporter had with a domain on a day."""
        if day < self._since.get(reporter.key, day):
            return 0
        if (reporter.key, domain.name) in self.spec.loops:
            return 1
        rng = dice(self.spec.seed, "traffic", reporter.key, domain.name, day)
        mean = domain.sessions_a_day * reporter.share / self._shares
        if day.weekday() >= 5:
            mean *= domain.weekend
        for lull in self.spec.lulls:
            if lull.holds(day, reporter.key, domain.name):
                mean *= lull.factor
        return poisson(rng, mean * rng.uniform(1 - self.spec.noise, 1 + self.spec.noise))


def _add_stray(rows: list[Applied], reporter: Reporter, places: list[tuple[str, str]], rng: random.Random) -> None:
    """Make one session of the day fail for no lasting reason.

    Args:
        rows: What the reporter counted; changed in place.
        reporter: Who counted it.
        places: MX host and address the session may have gone to.
        rng: That of the day, whose draws come in the same order every time.
    """
    kind = rng.choices(list(_STRAYS), list(_STRAYS.values()))[0]
    candidates = [row for row in rows if row.success and (row.policy_type == "sts" or kind == "starttls")]
    if not candidates or not places:
        return
    row = rng.choice(candidates)
    if kind == "fetch-timeout":
        rows.append(Applied("sts", failure=1, failed=[Failed(kind, None, None, None, 1, None)]))
        return
    host, address = rng.choice(places)
    row.success -= 1
    row.failure += 1
    row.failed.append(Failed(kind, host, address, rng.choice(reporter.addresses), 1, None))
