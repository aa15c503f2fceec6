"""What a plan begins with: what is published, what senders may still hold, and the steps that come of it. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.sts_policy import LONGEST_AGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.applied_policies import PoliciesSeen

DNS_DAYS = 2
"""Days until a change in the DNS is known everywhere: a TTL is a day at most nearly everywhere, and secondary servers come later."""
_SECONDS_PER_DAY = 86_400


class PlanStep(NamedTuple):
    """One step of a plan."""

    earliest: date | None
    """The first day on which it is safe; None where that cannot be said yet."""
    what: str
    why: str
    publish: tuple[str, ...] = ()
    """Records or lines to publish, ready to paste."""


class Served(NamedTuple):
    """A policy that a check found served, and that another one has followed since, or may have."""

    mode: str | None
    max_age_seconds: int | None
    mx: tuple[str, ...]
    replaced_on: date | None
    """The day of the first check that read another one; None where none did."""


class PlanState(NamedTuple):
    """What a plan begins with."""

    domain: str
    today: date
    seen: PoliciesSeen
    """With the policy that is published, and the old ones that senders hold."""
    mx_hosts: tuple[str, ...] = ()
    tlsa: tuple[str, ...] = ()
    """`host usage selector type hex`."""
    served: tuple[Served, ...] = ()
    """What checks found, however long ago."""
    mx_before: tuple[str, ...] = ()
    """The MX hosts that the last check found, if that was lately."""
    tlsa_before: tuple[str, ...] = ()
    """The TLSA records that the last check found, known to be there since `tlsa_since`."""
    tlsa_since: datetime | None = None
    ttl_seconds: int = 0
    """The longest TTL of the MX and TLSA records: so long they are kept."""
    tlsa_owners: tuple[tuple[str, str], ...] = ()
    """The names that TLSA records of MX hosts are at, where it is not the usual one: the host, or the name of its records, is an alias."""
    rests_on: tuple[str, ...] = ()
    """Where the published policy and the old ones are known from, in sentences."""

    def tlsa_owner(self, host: str) -> str:
        """Return the name that the TLSA records of an MX host are at."""
        return dict(self.tlsa_owners).get(host, f"_25._tcp.{host}")

    @property
    def dns_days(self) -> int:
        """Days until a change in the DNS is known everywhere: two TTLs where they are known to be longer than usual."""
        return max(DNS_DAYS, -(-2 * self.ttl_seconds // _SECONDS_PER_DAY))


class MayHold(NamedTuple):
    """A policy that a sender may hold."""

    mode: str | None
    mx: Sequence[str]
    until: date
    """The last day, if another one is published today."""


def held_on(state: PlanState) -> list[MayHold]:
    """Return the policies that may be held: the published one, those that senders applied, those that checks found.

    Also what every sender that reports has replaced counts: others, who fetched it as late, may hold it still.
    """
    policy = state.seen.published
    found = [MayHold(held.mode, held.mx, held.held_until or state.today + held_for(held.max_age_seconds)) for held in state.seen.held]
    found += [
        MayHold(served.mode, served.mx, (served.replaced_on or state.today) + held_for(served.max_age_seconds)) for served in state.served
    ]
    if policy is not None:
        found.append(MayHold(policy.mode, policy.mx, state.today + held_for(policy.max_age_seconds)))
    return found


def held_for(max_age_seconds: int | None) -> timedelta:
    """Return how long a policy may be held; one whose max_age nobody knows as long as the standard allows."""
    return whole_days(LONGEST_AGE_SECONDS if max_age_seconds is None else max_age_seconds)


def whole_days(seconds: int) -> timedelta:
    """Return seconds as whole days, rounded up."""
    return timedelta(days=-(-seconds // _SECONDS_PER_DAY))
