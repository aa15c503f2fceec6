"""What goes wrong in a synthetic world: incidents as values.

The fault of each is what a person with the logs of both sides would say:

* `ours`: our certificate, MX host, STARTTLS, policy host, policy text, TLSA or DNSSEC. A `policy-stale` is ours as long as the senders are
  within the max_age of what they fetched: the MX hosts were changed before the old policy could be forgotten (RFC 8461 §5.1, §8.3).
* `sender`: one reporter fails alone, on every host, while the others are clean; or goes on applying a policy beyond its max_age.
* `path`: STARTTLS is taken away between one network of one sender and us.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

CAUSES: tuple[str, ...] = (
    "mx-certificate-expired",
    "mx-certificate-name",
    "mx-certificate-untrusted",
    "mx-not-in-policy",
    "starttls-missing",
    "starttls-stripped",
    "policy-unreachable",
    "policy-host-certificate",
    "policy-invalid",
    "policy-stale",
    "tlsa-mismatch",
    "dnssec-broken",
    "dane-missing",
)
"""The causes that show as failures, without `unknown`: in a synthetic world the cause is known."""

LOST = "policy-lost"
"""The cause that shows as no failure at all: the policy that senders applied is no longer found. It has worlds of its own."""

POLICY_CAUSES = frozenset({"policy-unreachable", "policy-host-certificate", "policy-invalid"})
"""The policy cannot be fetched, authenticated or read; sessions go on under a held policy, or without one."""

DANE_CAUSES = frozenset({"tlsa-mismatch", "dnssec-broken", "dane-missing"})
"""Seen only by reporters that know DANE."""

CERTIFICATE_CAUSES = frozenset({"mx-certificate-expired", "mx-certificate-name", "mx-certificate-untrusted"})
"""Seen only by reporters that apply an MTA-STS policy: without one nobody checks the certificate."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "mx-certificate-untrusted": ("self-signed", "incomplete-chain"),
    "mx-not-in-policy": ("not-listed", "wildcard"),
    "policy-unreachable": ("not-found", "timeout"),
    "policy-lost": ("sts", "tlsa"),
}
"""Ways in which the same cause shows."""


class PlantedIncident(NamedTuple):
    """One thing that goes wrong, as planted."""

    cause: str
    domain: str
    first_day: date
    last_day: date | None
    """None: it is still so."""
    hosts: tuple[str, ...] = ()
    """MX hosts it touches; empty: all of the domain."""
    addresses: tuple[str, ...] = ()
    """Addresses of those hosts it touches; empty: all."""
    reporters: tuple[str, ...] = ()
    """Reporters that meet it; empty: every one that can."""
    fault: str = "ours"
    variant: str = ""
    """One of `VARIANTS`; empty: the first."""
    intensity: float = 1.0
    """Share of the touched sessions that fail."""

    def active(self, day: date) -> bool:
        """Whether it is so on that day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def meets(self, reporter: str) -> bool:
        """Whether it concerns that reporter."""
        return not self.reporters or reporter in self.reporters

    def touches(self, host: str, address: str) -> bool:
        """Whether it concerns sessions to that address of that host."""
        return (not self.hosts or host in self.hosts) and (not self.addresses or address in self.addresses)

    @property
    def way(self) -> str:
        """The variant, or the first of its cause."""
        return self.variant or VARIANTS.get(self.cause, ("",))[0]
