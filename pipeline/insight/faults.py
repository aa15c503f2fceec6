"""One fault, once: incidents of one cause at one host, or of one certificate, whatever their domains; and which one an id names. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.insight.incident import incident_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.insight.incident import Incident

_HOSTS_TRIED = 6
"""Sub-sets of more hosts than this are not tried when an old id is looked up."""
_LEAST_PREFIX = 3


def with_fault_ids(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents, each with the id of its fault: that of the first of all hosts that incidents of one cause share."""
    found = list(incidents)
    leader: dict[str, str] = {}

    def first_of(place: str) -> str:
        while leader.setdefault(place, place) != place:
            place = leader[place]
        return place

    for one in found:
        first, *others = [*_places(one), *_certificate(one)]
        for other in others:
            low, high = sorted((first_of(first), first_of(other)))
            leader[high] = low
    return [replace(one, fault_id=_id(first_of(_places(one)[0]))) for one in found]


def _places(incident: Incident) -> list[str]:
    """Return what an incident shares with others of its fault: its cause at each host; where none is named, at its domain."""
    return [f"{incident.cause}\0{place}" for place in (sorted(incident.mx_hosts) or (f"@{incident.domain}",))]


def _certificate(incident: Incident) -> list[str]:
    # Sorted behind every host, so that looking at certificates renames no fault.
    return [f"{incident.cause}\0~{fingerprint}" for fingerprint in incident.certificates]


def _id(place: str) -> str:
    return hashlib.sha256(f"fault\0{place}".encode()).hexdigest()[:12]


def by_fault(incidents: Iterable[Incident]) -> list[list[Incident]]:
    """Return incidents in groups, in their order: one fault in one state, on the same days, is shown once with its domains below it."""
    groups: list[list[Incident]] = []
    alike: dict[tuple[str, ...], list[list[Incident]]] = {}
    for one in incidents:
        same = alike.setdefault((one.fault_id or one.id, one.state, one.fault), [])
        group = next((each for each in same if any(_overlap(one, other) for other in each)), None)
        if group is None:
            group = []
            same.append(group)
            groups.append(group)
        group.append(one)
    return groups


def _overlap(one: Incident, other: Incident) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def named_by(incidents: Iterable[Incident], wanted: str) -> list[Incident]:
    """Return what an id names: one incident, or all those of one fault; none where there is no such id.

    Any beginning that only one has is enough. Later reports may move the first day back, add hosts, or tell a stripped STARTTLS from a
    missing one; then the id of yesterday is that of another day, fewer hosts or the sibling cause of the same incident.

    Raises:
        UsageError: Several incidents or faults begin so.
    """
    candidates, prefix = list(incidents), wanted.strip().lower()
    if not prefix:
        return []
    begun = [one for one in candidates if one.id.startswith(prefix)]
    faults = {one.fault_id for one in candidates if _begins_fault(one, prefix)}
    if len(begun) + len(faults) > 1:
        listed = ", ".join([*(one.id for one in begun[:5]), *(f"{name} (a fault)" for name in sorted(faults)[:5])])
        raise UsageError(f"{wanted[:40]!r} is the beginning of several incidents: {listed}")
    if begun or faults:
        return begun or [one for one in candidates if one.fault_id in faults]
    return [one for one in candidates if prefix in set(_former_ids(one))][:1]


def with_id(incidents: Iterable[Incident], wanted: str) -> Incident | None:
    """Return the incident that an id names; of a fault the one that stands first, the open before the others.

    Raises:
        UsageError: Several begin so.
    """
    return next(iter(sorted(named_by(incidents, wanted), key=lambda one: one.state != "open")), None)


def others_of(incident: Incident, incidents: Iterable[Incident]) -> list[Incident]:
    """Return the other incidents of the same fault on the same days, whatever their domain."""
    return [
        one
        for one in incidents
        if one.id != incident.id and one.fault_id and (one.fault_id, one.state) == (incident.fault_id, incident.state)
        if _overlap(one, incident)
    ]


def _begins_fault(incident: Incident, prefix: str) -> bool:
    """Whether an id of its fault begins so: also one from a look at fewer domains, where another of its hosts is the first."""
    return len(prefix) >= _LEAST_PREFIX and any(name.startswith(prefix) for name in (incident.fault_id, *map(_id, _places(incident))))


def _former_ids(incident: Incident) -> Iterator[str]:
    siblings = ("starttls-missing", "starttls-stripped", "mx-not-in-policy", "policy-stale")
    pair = {incident.cause} | (
        {*siblings[:2]} if incident.cause in siblings[:2] else {*siblings[2:]} if incident.cause in siblings[2:] else set()
    )
    sizes = range(len(incident.mx_hosts) + 1) if len(incident.mx_hosts) <= _HOSTS_TRIED else (0, 1, len(incident.mx_hosts))
    scopes: list[Sequence[str]] = [scope for size in sizes for scope in combinations(incident.mx_hosts, size)]
    for offset in range((incident.last_day - incident.first_day).days + 1):
        day = date.fromordinal(incident.first_day.toordinal() + offset)
        for cause in pair:
            yield from (incident_id(incident.domain, cause, scope, day) for scope in scopes)
