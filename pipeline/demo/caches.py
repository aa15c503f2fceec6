"""Which MTA-STS policy a sender applies on a day: the one it holds, which need not be the one that is published (RFC 8461 §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from pipeline.demo.keyed_chance import dice
from pipeline.demo.landscape import ONE_DAY
from pipeline.demo.places import Domain, PolicyVersion
from pipeline.demo.planted_incidents import LOST, POLICY_CAUSES, PlantedIncident
from pipeline.demo.simulated_reporters import Reporter


class HeldPolicies(NamedTuple):
    """What a sender applied on one day. `morning` and `evening` differ on a day on which it fetched something new."""

    morning: PolicyVersion | None
    evening: PolicyVersion | None
    renewed_at: float = 0.0
    """Share of the day's sessions that came before the renewal."""
    failed_fetch: PlantedIncident | None = None
    """Why a fetch failed that day."""


class PolicyCache:
    """The policy one reporter holds for one domain, day by day from the first day of the world."""

    def __init__(self, seed: int, reporter: Reporter, domain: Domain, incidents: Sequence[PlantedIncident], first_day: date) -> None:
        mine = [i for i in incidents if i.domain == domain.name and i.meets(reporter.key)]
        self._reporter, self._domain = reporter, domain
        self._broken = [i for i in mine if i.cause in POLICY_CAUSES]
        self._frozen = [i for i in mine if i.cause == "policy-stale" and i.fault == "sender" and i.reporters]
        self._lost = [i for i in mine if i.cause == LOST and i.way == "sts" and i.reporters]
        self._seed = seed
        self._first_day = first_day
        self._days: list[HeldPolicies] = []
        self._held: PolicyVersion | None = None
        self._fetched = first_day
        self._hold_from_before()

    def on(self, day: date) -> HeldPolicies:
        """Return what was applied on that day, on or after the first day of the world."""
        index = (day - self._first_day).days
        while len(self._days) <= index:
            self._days.append(self._next(self._first_day + timedelta(days=len(self._days))))
        return self._days[index]

    def _hold_from_before(self) -> None:
        """Begin with a policy that was fetched some days ago, so that not everybody's runs out on one day."""
        published = self._domain.published(self._first_day - ONE_DAY)
        if published is None:
            return
        age = dice(self._seed, "cache", self._reporter.key, self._domain.name).randrange(published.max_age_days)
        self._fetched = self._first_day - timedelta(days=age)
        self._held = published

    def _next(self, day: date) -> HeldPolicies:
        if any(i.active(day) for i in self._lost):
            self._held = None
            return HeldPolicies(None, None)
        if frozen := next((i for i in self._frozen if i.active(day)), None):
            old = self._domain.published(frozen.first_day - ONE_DAY)
            return HeldPolicies(old, old)
        morning = self._held if self._held is not None and day < self._fetched + timedelta(days=self._held.max_age_days) else None
        published = self._domain.published(day)
        if published is None or not self._wants(morning, published):
            self._held = morning
            return HeldPolicies(morning, morning)
        if broken := next((i for i in self._broken if i.active(day)), None):
            self._held = morning
            return HeldPolicies(morning, morning, failed_fetch=broken)
        self._held, self._fetched = published, day
        # Who looks at the id does so at the first session of the day; who fetches daily does so at an hour of its own.
        daily = self._reporter.refresh == "daily" and morning is not None and morning.lines != published.lines
        renewed_at = dice(self._seed, "renewed", self._reporter.key, self._domain.name, day).uniform(0.2, 0.8) if daily else 0.0
        return HeldPolicies(morning if renewed_at else published, published, renewed_at)

    def _wants(self, morning: PolicyVersion | None, published: PolicyVersion) -> bool:
        """Whether it fetches the policy that day."""
        return morning is None or self._reporter.refresh == "daily" or morning.id != published.id
