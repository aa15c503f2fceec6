"""What one reporter counted for one domain on one day: sessions by applied policy, and each failure with its reason and place."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pipeline.demo.caches import HeldPolicies
from pipeline.demo.keyed_chance import binomial, split
from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import CERTIFICATE_CAUSES, PlantedIncident
from pipeline.demo.simulated_reporters import Reporter


class Failed(NamedTuple):
    """Failed sessions of one reason at one place."""

    kind: str
    """What was wrong, as a key of `pipeline.demo.wording.WORDS`."""
    host: str | None
    address: str | None
    sender: str | None
    """Address of the sending MTA; None where the failure came before any connection."""
    sessions: int
    incident: PlantedIncident | None
    """What it belongs to; None for a stray failure."""


@dataclass(slots=True)
class Applied:
    """Sessions under one policy: what becomes one element of `policies`."""

    policy_type: str
    """sts, tlsa or no-policy-found."""
    sts: PolicyVersion | None = None
    """The applied policy; None on an sts row: none could be had."""
    hosts: tuple[MxHost, ...] = ()
    """For tlsa: the hosts whose records were applied."""
    broken_lines: tuple[str, ...] = ()
    """Policy text that could not be understood (RFC 8460 §4.4 wants it reported with its errors)."""
    success: int = 0
    failure: int = 0
    failed: list[Failed] = field(default_factory=list)
    lost: dict[PlantedIncident, int] = field(default_factory=dict)
    """Sessions that found no policy where there was one before; no report says so."""


class Circumstances(NamedTuple):
    """All that decides how the sessions of a day go."""

    reporter: Reporter
    domain: Domain
    day: date
    held: HeldPolicies
    incidents: tuple[PlantedIncident, ...]
    """Those of this domain that concern this reporter, active or not."""


def applied_policies(circumstances: Circumstances, sessions: int, rng: random.Random) -> list[Applied]:
    """Play a day of sessions and return what the reporter counts, one element per policy.

    Args:
        circumstances: All that decides how the sessions go.
        sessions: How many there are, 0 or more.
        rng: What the draw is made with; the same state gives the same draw.
    """
    day = _Day(circumstances, rng)
    places = _places(circumstances)
    for (host, address), count in zip(places, split(rng, sessions, [w for *_, w in _weighted(places)]), strict=True):
        if count:
            day.play(host, address, count)
    day.fetch_failures(sessions)
    return [row for row in day.rows.values() if row.success or row.failure]


def _places(circumstances: Circumstances) -> list[tuple[MxHost, str]]:
    """The addresses this reporter can reach: one without IPv6 of its own never connects to ours."""
    six = any(":" in address for address in circumstances.reporter.addresses)
    return [
        (host, address)
        for host in circumstances.domain.serving(circumstances.day)
        for address in host.addresses
        if six or ":" not in address or all(":" in other for other in host.addresses)
    ]


def _weighted(places: Sequence[tuple[MxHost, str]]) -> list[tuple[MxHost, str, float]]:
    per_host: dict[str, int] = {}
    for host, _ in places:
        per_host[host.name] = per_host.get(host.name, 0) + 1
    return [(host, address, host.weight / per_host[host.name]) for host, address in places]


class _Day:
    def __init__(self, circumstances: Circumstances, rng: random.Random) -> None:
        self.reporter, self.domain, self.day, self.held, self.incidents = circumstances
        self.active = [i for i in self.incidents if i.active(self.day)]
        self.rng = rng
        self.rows: dict[object, Applied] = {}

    def play(self, host: MxHost, address: str, count: int) -> None:
        """Count the sessions that went to one address, before and after the reporter renewed its policy.

        Args:
            host: The MX host they went to.
            address: Its address that was reached, without a port.
            count: How many sessions, 1 or more.
        """
        before = binomial(self.rng, count, self.held.renewed_at)
        for policy, part in ((self.held.morning, before), (self.held.evening, count - before)):
            if part:
                self._play_under(policy, host, address, part)

    def _play_under(self, policy: PolicyVersion | None, host: MxHost, address: str, count: int) -> None:
        sts = policy if policy is not None and policy.mode in ("testing", "enforce") else None
        dane = self._dane(host, address)
        # RFC 8461 §2: a sender that does both must not let MTA-STS override DANE; Microsoft and mox count the session under each.
        if dane and self.reporter.manner == "stalwart" and self._first("dnssec-broken", host, address):
            return  # Stalwart defers the mail and counts nothing
        if dane:
            self._count(self._tlsa_row(host), count, self._dane_problems(host, address), host, address)
        if sts is not None and not (dane and self.reporter.dane == "first"):
            row = self._row(("sts", sts.lines), Applied("sts", sts))
            self._count(row, count, self._sts_problems(sts, host, address), host, address)
        elif (not dane or self.reporter.at_host) and not (self.held.failed_fetch and self.reporter.manner != "stalwart"):
            # Without a policy that could be had the sessions are told as failed fetches (`fetch_failures`); Stalwart tells both.
            self._count(self._row("none", Applied("no-policy-found")), count, self._starttls(host, address), host, address)
        self._lose(host, address, count, found=dane or sts is not None)

    def _lose(self, host: MxHost, address: str, count: int, *, found: bool) -> None:
        """Note sessions without the policy there was: MTA-STS where nothing else was found, DANE wherever it was."""
        lost = self._first("policy-lost", host, address)
        if lost is not None and (host.dane and self.reporter.dane != "none" if lost.way == "tlsa" else not found):
            row = next(iter(self.rows.values()))
            row.lost[lost] = row.lost.get(lost, 0) + count

    def _row(self, key: object, new: Applied) -> Applied:
        return self.rows.setdefault(key, new)

    def _tlsa_row(self, host: MxHost) -> Applied:
        """Microsoft and Halon keep one row for the domain, the others one per MX host (the TLSA base domain)."""
        if self.reporter.manner in ("microsoft", "halon"):
            served = tuple(h for h in self.domain.serving(self.day) if h.dane)
            return self._row("tlsa", Applied("tlsa", hosts=served))
        return self._row(("tlsa", host.name), Applied("tlsa", hosts=(host,)))

    def _dane(self, host: MxHost, address: str) -> bool:
        if self.reporter.dane == "none":
            return False
        lost = self._first("policy-lost", host, address)
        if lost is not None and lost.way == "tlsa":
            return False
        return host.dane or (self.reporter.requires_dane and self._first("dane-missing", host, address) is not None)

    def _first(self, cause: str, host: MxHost, address: str) -> PlantedIncident | None:
        return next((i for i in self.active if i.cause == cause and i.touches(host.name, address)), None)

    def _sts_problems(self, policy: PolicyVersion, host: MxHost, address: str) -> list[tuple[str, PlantedIncident, float]]:
        """What an MTA-STS sender meets there, in the order in which it meets it."""
        problems: list[tuple[str, PlantedIncident, float]] = []
        if not policy.covers(host.name):
            # A held policy lingers after the incident is over; the failures still belong to it.
            cause = [i for i in self.incidents if i.cause in ("mx-not-in-policy", "policy-stale") and host.name in i.hosts]
            problems += [("mx", cause[-1], 1.0)] if cause else []
            if policy.mode == "enforce":
                return problems  # RFC 8461 §5: not even connected to
        if starttls := self._starttls(host, address):
            return problems + starttls
        for incident in self.active:
            if incident.cause in CERTIFICATE_CAUSES and incident.touches(host.name, address):
                problems.append((_certificate_kind(incident), incident, incident.intensity))
                break
        return problems

    def _starttls(self, host: MxHost, address: str) -> list[tuple[str, PlantedIncident, float]]:
        if missing := self._first("starttls-missing", host, address):
            return [("starttls", missing, missing.intensity)]
        if stripped := self._first("starttls-stripped", host, address):
            one, other = self.reporter.networks
            share = len(other) / len(one + other) if other else 1.0
            return [("stripped", stripped, stripped.intensity * share)]
        return []

    def _dane_problems(self, host: MxHost, address: str) -> list[tuple[str, PlantedIncident, float]]:
        for cause, kind in (("dnssec-broken", "dnssec"), ("dane-missing", "dane-required")):
            found = self._first(cause, host, address)
            if found and (cause != "dane-missing" or self.reporter.requires_dane):
                return [(kind, found, found.intensity)]
        if starttls := self._starttls(host, address):
            return starttls
        mismatch = self._first("tlsa-mismatch", host, address)
        return [("tlsa", mismatch, mismatch.intensity)] if mismatch else []

    def _count(self, row: Applied, count: int, problems: list[tuple[str, PlantedIncident, float]], host: MxHost, address: str) -> None:
        """Count sessions with the problems they met; a session with two is one failure mentioned twice (RFC 8460 §4)."""
        failing = 0
        for kind, incident, chance in problems:
            again = binomial(self.rng, failing, chance)
            fresh = binomial(self.rng, count - failing, chance)
            failing += fresh
            self._mention(row, Failed(kind, host.name, address, None, again + fresh, incident))
        row.failure += failing
        row.success += count - failing

    def _mention(self, row: Applied, failed: Failed) -> None:
        """Spread failures over the sending MTAs that had them: up to three of the right address family."""
        if not failed.sessions:
            return
        senders = self.reporter.networks[1] if failed.kind == "stripped" and self.reporter.networks[1] else self.reporter.addresses
        same = [s for s in senders if (":" in s) == (":" in (failed.address or ""))] or list(senders)
        chosen = self.rng.sample(same, min(len(same), 1 if failed.sessions < 4 else 3))
        kind = "starttls" if failed.kind == "stripped" else failed.kind
        for sender, count in zip(chosen, split(self.rng, failed.sessions, [1.0] * len(chosen)), strict=True):
            if count:
                row.failed.append(failed._replace(kind=kind, sender=sender, sessions=count))

    def fetch_failures(self, sessions: int) -> None:
        """Tell failed policy fetches: some a day where an older policy is held, one a session where there is none."""
        broken = self.held.failed_fetch
        if broken is None or not sessions:
            return
        attempts = min(sessions, 1 + binomial(self.rng, 3, 0.5)) if self.held.evening is not None else sessions
        kind = {"policy-host-certificate": "webpki", "policy-invalid": "invalid"}.get(broken.cause, f"fetch-{broken.way}")
        published = self.domain.published(self.day)
        lines = tuple(line.replace("mx: ", "nmx: ") for line in published.lines) if kind == "invalid" and published else ()
        row = self._row("unfetched", Applied("sts", broken_lines=lines))
        row.failure += attempts
        row.failed.append(Failed(kind, None, None, None, attempts, broken))


def _certificate_kind(incident: PlantedIncident) -> str:
    return {"mx-certificate-expired": "expired", "mx-certificate-name": "name"}.get(incident.cause, incident.way)
