"""What a reader of the reports of a world must find: each planted incident as far as it shows in a report that was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pipeline.demo.planted_incidents import POLICY_CAUSES, PlantedIncident
from pipeline.demo.wording import words_for
from pipeline.demo.world import World


class TrueIncident(NamedTuple):
    """What the reports of a world must lead to: an incident, and where it really shows."""

    incident: PlantedIncident
    cause: str
    domain: str
    fault: str
    hosts: tuple[str, ...]
    """MX hosts that failed sessions went to; empty where the failure is not about a host (policy-*)."""
    addresses: tuple[str, ...]
    """As planted: the one address behind a host, else empty."""
    reporters: tuple[str, ...]
    """Keys of the reporters that have failed sessions to show."""
    first_day: date
    """First day with a failed session in a report."""
    last_day: date
    """Last such day within the world."""
    open: bool
    """Whether it is planted as still so on the last day of the world."""
    failed_sessions: int
    """Mentions in failure details; a session with two problems is mentioned twice."""
    result_types: tuple[str, ...]
    days: tuple[date, ...]
    """Every day with a failed session in a report that was sent, in order."""


@dataclass(slots=True)
class _Shown:
    days: set[date] = field(default_factory=set)
    reporters: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    result_types: set[str] = field(default_factory=set)
    sessions: int = 0


def true_incidents(world: World) -> list[TrueIncident]:
    """Play the whole world and gather what each incident left in reports that were sent; first day first."""
    shown: dict[PlantedIncident, _Shown] = {}
    for day in world.days():
        for reporter in world.spec.reporters:
            for domain in world.domains:
                if not world.reports_on(reporter, domain, day):
                    continue
                for row in world.counted(reporter, domain, day):
                    for incident, sessions in row.lost.items():
                        seen = shown.setdefault(incident, _Shown())
                        seen.days.add(day)
                        seen.reporters.add(reporter.key)
                        seen.sessions += sessions
                    for failed in row.failed:
                        if failed.incident is None:
                            continue
                        seen = shown.setdefault(failed.incident, _Shown())
                        seen.days.add(day)
                        seen.reporters.add(reporter.key)
                        seen.sessions += failed.sessions
                        seen.result_types.add(words_for(reporter.manner, failed, domain.name, day).result_type)
                        if failed.host:
                            seen.hosts.add(failed.host)
    found = [_true(incident, seen, world.spec.last_day) for incident, seen in shown.items()]
    return sorted(found, key=lambda t: (t.first_day, t.domain, t.cause))


def _true(incident: PlantedIncident, seen: _Shown, last_day: date) -> TrueIncident:
    return TrueIncident(
        incident=incident,
        cause=incident.cause,
        domain=incident.domain,
        fault=incident.fault,
        hosts=() if incident.cause in POLICY_CAUSES else tuple(sorted(seen.hosts)),
        addresses=incident.addresses,
        reporters=tuple(sorted(seen.reporters)),
        first_day=min(seen.days),
        last_day=max(seen.days),
        open=incident.active(last_day),
        failed_sessions=seen.sessions,
        result_types=tuple(sorted(seen.result_types)),
        days=tuple(sorted(seen.days)),
    )
