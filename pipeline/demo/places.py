"""What we run in a synthetic world: domains, their MX hosts and addresses, their MTA-STS policies over time, their TLSA records."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import NamedTuple

SECONDS_PER_DAY = 86_400


class MxHost(NamedTuple):
    """One MX host of a domain."""

    name: str
    addresses: tuple[str, ...]
    """IPv4 and IPv6 addresses; sessions are shared evenly among them."""
    weight: float = 1.0
    """Share of the sessions, relative to the other hosts."""
    dane: bool = False
    """Whether `_25._tcp.<name>` has TLSA records under DNSSEC (RFC 7672)."""
    since: date | None = None
    """First day in the DNS; None: always."""
    until: date | None = None
    """Last day in the DNS; None: for good."""

    def serves(self, day: date) -> bool:
        """Whether the MX record names the host on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def tlsa(self, generation: int = 0) -> str:
        """Return its TLSA record `3 1 1 <sha256>` (RFC 6698 §2.1); the key is made up, one per host and generation."""
        return f"3 1 1 {hashlib.sha256(f'{self.name} {generation}'.encode()).hexdigest()}"


class PolicyVersion(NamedTuple):
    """One version of an MTA-STS policy (RFC 8461 §3.2)."""

    from_day: date
    """First day on which it is published, for the whole of that day."""
    mode: str
    """enforce, testing or none."""
    mx: tuple[str, ...]
    max_age_seconds: int
    id: str
    """The `id` of the TXT record (RFC 8461 §3.1). The same id on two versions: the owner forgot to change it."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy as text, one element per line, in the order most owners write."""
        return ("version: STSv1", f"mode: {self.mode}", *(f"mx: {pattern}" for pattern in self.mx), f"max_age: {self.max_age_seconds}")

    @property
    def max_age_days(self) -> int:
        """How many days a sender may go on applying it, at least one."""
        return max(1, self.max_age_seconds // SECONDS_PER_DAY)

    def covers(self, host: str) -> bool:
        """Whether an mx pattern matches the host: `*.` stands for exactly one label (RFC 8461 §4.1)."""
        return any(_matches(pattern, host) for pattern in self.mx)


def _matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


class Domain(NamedTuple):
    """One domain of ours."""

    name: str
    hosts: tuple[MxHost, ...]
    policies: tuple[PolicyVersion, ...] = ()
    """Versions in the order of `from_day`; none: no MTA-STS."""
    sessions_a_day: float = 200.0
    """Mean number of sessions on a working day, all reporters together."""
    weekend: float = 0.45
    """Traffic on Saturday and Sunday, relative to a working day."""
    unpublished: tuple[tuple[date, date | None], ...] = ()
    """First and last days on which nobody finds the policy; None: for good."""

    def published(self, day: date) -> PolicyVersion | None:
        """Return the policy that is published on that day."""
        if any(first <= day and (last is None or day <= last) for first, last in self.unpublished):
            return None
        return next((policy for policy in reversed(self.policies) if policy.from_day <= day), None)

    def serving(self, day: date) -> tuple[MxHost, ...]:
        """Return the MX hosts that are in the DNS on that day."""
        return tuple(host for host in self.hosts if host.serves(day))
