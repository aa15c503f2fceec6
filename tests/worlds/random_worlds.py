"""Worlds made up at random from a seed: for trying the insight on what nobody tuned it to.

Kinds: `mixed` has up to two incidents per domain, several at once; `quiet` has none; the name of a cause has that one alone. Every kind
has what must not raise an alarm: strays, report loops, a reporter that goes silent, a newcomer, quiet days. The worlds of `peculiar_worlds`
have senders, domains or a loss of their own kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

from pipeline.demo.keyed_chance import dice
from pipeline.demo.places import SECONDS_PER_DAY, Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import CAUSES, CERTIFICATE_CAUSES, DANE_CAUSES, POLICY_CAUSES, VARIANTS, PlantedIncident
from pipeline.demo.simulated_reporters import REPORTERS
from pipeline.demo.spec import DaySpan, Spec
from pipeline.demo.world import World
from tests.worlds.peculiar_worlds import PECULIAR, kind_below, peculiar

NAMES = ("example.com", "example.net", "example.org", "bakery.example", "harbour.example", "orchard.example", "library.example")
LAST_DAY = date(2026, 10, 31)
"""Last day of a random world unless said otherwise."""

_LARGE = ("google", "microsoft", "mailru", "fastmail")
"""Reporters with enough sessions to stand out alone."""


def random_world(seed: int, kind: str = "mixed", *, last_day: date | None = None) -> World:
    """Make up a world.

    Args:
        seed: The same seed and kind give the same world.
        kind: `mixed`: several incidents on noisy traffic; `quiet`: none; a cause's name: that one alone; or a key of `PECULIAR`.
        last_day: Last day of traffic, UTC; None: a fixed one.

    Raises:
        ValueError: There is no such kind.
    """
    return World(_spec(seed, kind, last_day))


def _spec(seed: int, kind: str, last_day: date | None) -> Spec:
    if kind in PECULIAR:
        return peculiar(_spec(seed, kind_below(seed), last_day), seed, kind)
    if kind not in ("mixed", "quiet", *CAUSES):
        raise ValueError(f"no kind of world is called {kind}; there are mixed, quiet, {', '.join((*CAUSES, *PECULIAR))}")
    rng = dice(seed, "spec", kind)
    last = last_day or LAST_DAY
    first = last - timedelta(days=rng.randint(55, 90) - 1)
    count = 1 if kind in CAUSES else rng.randint(2, 4)
    domains: list[Domain] = []
    incidents: list[PlantedIncident] = []
    for number, name in enumerate(rng.sample(NAMES, count)):
        causes = [kind] if kind in CAUSES else _causes(rng, kind)
        domain = _domain(rng, name, number, first, causes)
        planted = _plant(rng, domain, causes, first, last)
        domains.append(_with_new_hosts(domain, planted))
        incidents += planted
    return Spec(
        seed=seed,
        first_day=first,
        last_day=last,
        domains=tuple(domains),
        incidents=tuple(incidents),
        loops=tuple((reporter, domains[0].name) for reporter in ("garden", "studio") if rng.random() < 0.3),
        silences=_silences(rng, first, last),
        lulls=_lulls(rng, first, last),
        newcomers=(("parcel", first + timedelta(days=rng.randint(5, 40))),) if rng.random() < 0.4 else (),
        stray_rate=rng.uniform(0.001, 0.006),
        noise=rng.uniform(0.15, 0.45),
    )


def _causes(rng: random.Random, kind: str) -> list[str]:
    if kind == "quiet":
        return []
    return rng.sample(CAUSES, rng.choices((0, 1, 2), (0.15, 0.5, 0.35))[0])


def _domain(rng: random.Random, name: str, number: int, first: date, causes: list[str]) -> Domain:
    """Make up a domain on which the causes can happen: DANE where they need it, a policy where they need one."""
    wants_dane = any(cause in DANE_CAUSES - {"dane-missing"} for cause in causes)
    dane = wants_dane or ("dane-missing" not in causes and rng.random() < 0.35)
    hosts = tuple(
        MxHost(
            name=f"mx{n}.{name}",
            addresses=_addresses(rng, number, n),
            weight=rng.choice((1.0, 1.0, 0.6)),
            dane=dane,
        )
        for n in range(1, rng.choices((1, 2, 3), (0.3, 0.4, 0.3))[0] + 1)
    )
    needs_policy = any(cause in CERTIFICATE_CAUSES | POLICY_CAUSES or cause in ("mx-not-in-policy", "policy-stale") for cause in causes)
    return Domain(
        name=name,
        hosts=hosts,
        policies=_policies(rng, name, hosts, first, causes) if needs_policy or rng.random() < 0.85 else (),
        sessions_a_day=rng.uniform(150, 600),
        weekend=rng.uniform(0.25, 0.7),
    )


def _addresses(rng: random.Random, number: int, host: int) -> tuple[str, ...]:
    four = [f"203.0.113.{number * 40 + host * 8 + n}" for n in range(rng.choice((1, 1, 2)))]
    six = [f"2001:db8:25:{number:x}::{host:x}"] if rng.random() < 0.5 else []
    return tuple(four + six)


def _policies(rng: random.Random, name: str, hosts: tuple[MxHost, ...], first: date, causes: list[str]) -> tuple[PolicyVersion, ...]:
    wildcard = "policy-stale" not in causes and rng.random() < 0.3
    mx = (f"*.{name}",) if wildcard else tuple(host.name for host in hosts)
    days = rng.choice((14, 30)) if "policy-stale" in causes else rng.choice((1, 7, 7, 14, 30))
    policy = PolicyVersion(
        from_day=first - timedelta(days=100),
        mode=rng.choices(("testing", "enforce"), (0.65, 0.35))[0],
        mx=mx,
        max_age_seconds=days * SECONDS_PER_DAY,
        id=f"{first:%Y%m%d}T000000Z",
    )
    if causes or rng.random() < 0.6:
        return (policy,)
    # A change that is nobody's fault: the id is changed with it, senders follow within a day.
    day = first + timedelta(days=rng.randint(10, 40))
    return (policy, policy._replace(from_day=day, mode="enforce", max_age_seconds=policy.max_age_seconds * 2, id=f"{day:%Y%m%d}T120000Z"))


def _plant(rng: random.Random, domain: Domain, causes: list[str], first: date, last: date) -> list[PlantedIncident]:
    """Give each cause a time and a place; two on one domain follow each other, with a week between them."""
    span = (last - first).days + 1
    room = (span - 12) // max(1, len(causes))
    planted = []
    for index, cause in enumerate(causes):
        begin = first + timedelta(days=8 + index * room + rng.randint(0, max(0, room // 4)))
        length = rng.randint(4, max(5, min(21, room - room // 4 - 8)))
        is_open = index == len(causes) - 1 and rng.random() < 0.35
        if is_open:
            begin = max(begin, last - timedelta(days=rng.randint(5, 15)))
        end = None if is_open else begin + timedelta(days=length)
        planted.append(_SCOPES.get(cause, _anywhere)(rng, domain, PlantedIncident(cause, domain.name, begin, end)))
    return planted


def _anywhere(rng: random.Random, domain: Domain, incident: PlantedIncident) -> PlantedIncident:
    """All hosts, one of several, or one address behind one host."""
    host = rng.choice(domain.hosts)
    four = [address for address in host.addresses if ":" not in address]
    variants = VARIANTS.get(incident.cause, ("",))
    incident = incident._replace(variant=rng.choice(variants), intensity=rng.choice((1.0, 1.0, 0.7)))
    scope = rng.choices(("all", "host", "address"), (0.4, 0.35, 0.25))[0]
    if scope == "address" and len(host.addresses) > 1 and four and incident.cause in CERTIFICATE_CAUSES | {"starttls-missing"}:
        return incident._replace(hosts=(host.name,), addresses=(rng.choice(four),))
    if scope != "all" and len(domain.hosts) > 1:
        return incident._replace(hosts=(host.name,))
    return incident


def _certificate(rng: random.Random, domain: Domain, incident: PlantedIncident) -> PlantedIncident:
    """Ours, or one large sender alone that cannot follow our chain."""
    if rng.random() < 0.25:
        return incident._replace(reporters=(rng.choice(_LARGE),), fault="sender", variant="incomplete-chain")
    return _anywhere(rng, domain, incident)


def _new_host(rng: random.Random, domain: Domain, incident: PlantedIncident) -> PlantedIncident:
    wildcard = any(pattern.startswith("*.") for pattern in domain.policies[0].mx)
    # One cause after the other on one domain: another host, else the first would never have been mended.
    name = "mx8" if incident.cause == "policy-stale" else "mx7"
    return incident._replace(
        hosts=(f"{name}.eu.{domain.name}",) if wildcard else (f"{name}.{domain.name}",),
        variant="wildcard" if wildcard else "not-listed",
    )


def _everywhere(rng: random.Random, domain: Domain, incident: PlantedIncident) -> PlantedIncident:
    return incident._replace(variant=rng.choice(VARIANTS.get(incident.cause, ("",))))


def _one_network(rng: random.Random, domain: Domain, incident: PlantedIncident) -> PlantedIncident:
    return incident._replace(reporters=(rng.choice(_LARGE),), fault="path")


_SCOPES: dict[str, Callable[[random.Random, Domain, PlantedIncident], PlantedIncident]] = {
    "mx-certificate-untrusted": _certificate,
    "mx-not-in-policy": _new_host,
    "policy-stale": _new_host,
    "policy-unreachable": _everywhere,
    "policy-host-certificate": _everywhere,
    "policy-invalid": _everywhere,
    "dnssec-broken": _everywhere,
    "dane-missing": _everywhere,
    "starttls-stripped": _one_network,
}


def _with_new_hosts(domain: Domain, planted: list[PlantedIncident]) -> Domain:
    """Add the MX hosts that an incident brings into the DNS."""
    known = {host.name for host in domain.hosts}
    for number, incident in enumerate(planted):
        for name in incident.hosts:
            if name not in known:
                host = MxHost(name, (f"198.51.100.{200 + number}",), 1.0, dane=domain.hosts[0].dane, since=incident.first_day)
                domain = domain._replace(hosts=(*domain.hosts, host))
    return domain


def _silences(rng: random.Random, first: date, last: date) -> tuple[DaySpan, ...]:
    """A reporter that sends nothing for some days: its own outage."""
    if rng.random() < 0.5:
        return ()
    begin = first + timedelta(days=rng.randint(10, max(11, (last - first).days - 15)))
    return (DaySpan(begin, begin + timedelta(days=rng.randint(2, 6)), reporter=rng.choice([r.key for r in REPORTERS])),)


def _lulls(rng: random.Random, first: date, last: date) -> tuple[DaySpan, ...]:
    """A quiet weekend."""
    if rng.random() < 0.5:
        return ()
    begin = first + timedelta(days=rng.randint(0, (last - first).days - 3))
    begin += timedelta(days=(5 - begin.weekday()) % 7)
    return (DaySpan(begin, begin + timedelta(days=1), factor=0.05),)
