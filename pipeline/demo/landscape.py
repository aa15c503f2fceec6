"""How incidents change what we publish: a host that the policy forgot, a policy that was changed without telling anybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import PlantedIncident

ONE_DAY = timedelta(days=1)


def changed_by(domain: Domain, incidents: Iterable[PlantedIncident]) -> Domain:
    """Return the domain as its owner really ran it, given what went wrong; other incidents change sessions, not the landscape."""
    for incident in sorted((i for i in incidents if i.domain == domain.name), key=lambda i: i.first_day):
        if incident.cause == "mx-not-in-policy":
            domain = _host_forgotten(domain, incident)
        elif incident.cause == "policy-stale":
            domain = _policy_changed(domain, incident)
        elif incident.cause == "policy-lost" and incident.way == "sts" and not incident.reporters:
            domain = domain._replace(unpublished=(*domain.unpublished, (incident.first_day, incident.last_day)))
    return domain


def _host_forgotten(domain: Domain, incident: PlantedIncident) -> Domain:
    """New MX hosts come into the DNS, the policy does not name them until the incident is over."""
    last = incident.last_day
    policies = [
        policy._replace(mx=tuple(pattern for pattern in policy.mx if pattern not in incident.hosts))
        if last is None or policy.from_day <= last
        else policy
        for policy in domain.policies
    ]
    changed = domain._replace(hosts=_appearing(domain.hosts, incident), policies=tuple(policies))
    published = changed.published(last) if last is not None else None
    if last is None or published is None:
        return changed
    repaired = published._replace(from_day=last + ONE_DAY, mx=(*published.mx, *incident.hosts), id=_next_id(published, last + ONE_DAY))
    return changed._replace(policies=_in_order((*changed.policies, repaired)))


def _policy_changed(domain: Domain, incident: PlantedIncident) -> Domain:
    """MX hosts and policy change on one day.

    The owner's own mistake: the TXT id stays what it was, so senders that look at it alone go on with what they hold until its max_age
    runs out (RFC 8461 §3.3). A sender's mistake: the id changed, and that sender is not refreshing it.
    """
    published = domain.published(incident.first_day)
    if published is None:
        return domain
    forgot_id = incident.fault == "ours"
    new_id = published.id if forgot_id else _next_id(published, incident.first_day)
    missing = tuple(host for host in incident.hosts if host not in published.mx)
    versions = [published._replace(from_day=incident.first_day, mx=(*published.mx, *missing), id=new_id)]
    if forgot_id and incident.last_day is not None:
        day = incident.last_day + ONE_DAY
        versions.append(versions[0]._replace(from_day=day, id=_next_id(published, day)))
    before = tuple(
        p._replace(mx=tuple(m for m in p.mx if m not in incident.hosts)) if p.from_day < incident.first_day else p for p in domain.policies
    )
    return domain._replace(hosts=_appearing(domain.hosts, incident), policies=_in_order((*before, *versions)))


def _appearing(hosts: tuple[MxHost, ...], incident: PlantedIncident) -> tuple[MxHost, ...]:
    return tuple(host._replace(since=incident.first_day) if host.name in incident.hosts and host.since is None else host for host in hosts)


def _next_id(policy: PolicyVersion, day: object) -> str:
    """A new id, as most owners make it: the day (RFC 8461 §3.1 gives ids no order)."""
    new = f"{day}".replace("-", "") + "T080000Z"
    return new if new != policy.id else new + "2"


def _in_order(policies: tuple[PolicyVersion, ...]) -> tuple[PolicyVersion, ...]:
    """Versions by day; where two begin on one day the later written stands."""
    by_day = {policy.from_day: policy for policy in policies}
    return tuple(by_day[day] for day in sorted(by_day))
