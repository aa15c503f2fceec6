"""Worlds with something of their own: senders with habits, a policy that is lost, few sessions, one MX host for many domains.

Each is an ordinary random world, half of them quiet ones, with that one thing changed, so that what is found in it can be compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from pipeline.demo.keyed_chance import dice
from pipeline.demo.places import SECONDS_PER_DAY, Domain
from pipeline.demo.planted_incidents import CAUSES, DANE_CAUSES, LOST, PlantedIncident
from pipeline.demo.simulated_reporters import FURTHER, REPORTERS
from pipeline.demo.spec import Spec

_LARGE = REPORTERS[:3]
"""In every such world, beside the senders of its kind: who is clean where one fails can be told."""
_FEW_SESSIONS = 5.0


def kind_below(seed: int) -> str:
    """Return the kind of the world that is changed: nothing fails in it, or one thing.

    Kinds are often dealt out by the seed in turn: it changes with each round, so that every kind has both, and causes of all sorts.
    """
    turn = seed // len(PECULIAR)
    return "quiet" if turn % 2 else CAUSES[(seed + turn // 2) % len(CAUSES)]


def peculiar(spec: Spec, seed: int, kind: str) -> Spec:
    """Return a world with what is peculiar to a kind.

    Args:
        spec: An ordinary random world.
        seed: The same seed, kind and world give the same world.
        kind: A key of `PECULIAR`.
    """
    return PECULIAR[kind](spec, dice(seed, "peculiar", kind))


def _senders(kind: str) -> Callable[[Spec, random.Random], Spec]:
    def with_senders(spec: Spec, rng: random.Random) -> Spec:
        domains = tuple(_under_dane(domain, rng, only=kind == "postfix" and place == 1) for place, domain in enumerate(spec.domains))
        dane = any(incident.cause in DANE_CAUSES for incident in spec.incidents)
        return spec._replace(domains=spec.domains if dane else domains, reporters=_LARGE + FURTHER[kind])

    return with_senders


def _under_dane(domain: Domain, rng: random.Random, *, only: bool) -> Domain:
    """Put all MX hosts of most domains under DANE; `only`: without MTA-STS beside it."""
    if any(host.dane for host in domain.hosts) or rng.random() < 0.3:
        return domain
    hosts = tuple(host._replace(dane=True) for host in domain.hosts)
    return domain._replace(hosts=hosts, policies=() if only else domain.policies)


def _shared_host(spec: Spec, rng: random.Random) -> Spec:
    """Let the domains after the first share one MX host, as those of a hoster do, and its mox sender tell of it."""
    hosts = (spec.domains[0].hosts[0]._replace(name="mx.hoster.example", addresses=("203.0.113.250",), dane=True),)
    own = {incident.domain for incident in spec.incidents}
    domains = tuple(domain if domain.name in own else _moved(domain, hosts) for domain in _several(spec))
    return spec._replace(domains=domains, reporters=_LARGE + FURTHER["mox"] + FURTHER["postfix"])


def _several(spec: Spec) -> tuple[Domain, ...]:
    first = spec.domains[0]
    more = tuple(first._replace(name=f"shop{number}.example", policies=()) for number in range(1, 5))
    return (*spec.domains, *more)


def _moved(domain: Domain, hosts: tuple) -> Domain:  # type: ignore[type-arg]
    policies = tuple(policy._replace(mx=tuple(host.name for host in hosts)) for policy in domain.policies)
    return domain._replace(hosts=hosts, policies=policies)


def _five_a_day(spec: Spec, rng: random.Random) -> Spec:
    return spec._replace(domains=tuple(domain._replace(sessions_a_day=_FEW_SESSIONS) for domain in spec.domains))


def _as_it_is(spec: Spec, rng: random.Random) -> Spec:
    """What is peculiar is how its reports come, or in which words: that is the reader's to play."""
    return spec


def _lost(spec: Spec, rng: random.Random) -> Spec:
    """Let all senders or one of several find no policy any more, of MTA-STS or DANE, in a world where else nothing happens."""
    way, alone = rng.choice(("sts", "tlsa")), rng.random() < 0.4
    begin = spec.first_day + timedelta(days=rng.randint(18, 25))
    end = None if rng.random() < 0.4 else begin + timedelta(days=rng.randint(14, 20))
    # Who still applies the policy proves something only when what it held has run out (RFC 8461 §3.2).
    days = 1 if alone else rng.choice((1, 7))
    domains = tuple(
        domain._replace(
            hosts=tuple(host._replace(dane=way == "tlsa") for host in domain.hosts),
            policies=tuple(policy._replace(max_age_seconds=days * SECONDS_PER_DAY) for policy in domain.policies[:1]),
        )
        for domain in spec.domains
    )
    first = next((domain for domain in domains if domain.policies or way == "tlsa"), None)
    incidents: tuple[PlantedIncident, ...] = ()
    if first is not None:
        who = (rng.choice(("google", "microsoft") if way == "sts" else ("relay", "depot")),) if alone else ()
        incidents = (PlantedIncident(LOST, first.name, begin, end, reporters=who, fault="sender" if alone else "ours", variant=way),)
    reporters = _LARGE + FURTHER["postfix"] + FURTHER["both"]
    return spec._replace(domains=domains, incidents=incidents, silences=(), lulls=(), newcomers=(), reporters=reporters)


PECULIAR: dict[str, Callable[[Spec, random.Random], Spec]] = {
    "policy-lost": _lost,
    **{kind: _senders(kind) for kind in FURTHER},
    "shared-host": _shared_host,
    "five-a-day": _five_a_day,
    "forwarded": _as_it_is,
    "wordings": _as_it_is,
}
"""The kinds, and what each changes."""
