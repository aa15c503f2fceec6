"""What the texts about an incident are filled with. Names out of reports pass `safe_commands.is_host` before they appear in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import listed, span_of
from pipeline.insight.safe_commands import is_address, is_host, shown

if TYPE_CHECKING:
    from datetime import date


class Facts(NamedTuple):
    """What is known of an incident when its texts are written."""

    cause: str
    domain: str
    hosts: tuple[str, ...]
    node: str | None
    """The one address at fault, where it is one of several."""
    reporters: tuple[str, ...]
    result_types: tuple[str, ...]
    reasons: tuple[str, ...]
    patterns: tuple[str, ...]
    """mx patterns of the policy that was applied."""
    max_age_days: int | None
    first_day: date
    last_day: date
    state: str
    fault: str
    policy_types: tuple[str, ...] = ()
    mode: str | None = None
    """That of the MTA-STS policy that was applied."""

    @property
    def name(self) -> str:
        """The domain, where it is a host name."""
        return self.domain if is_host(self.domain) else "the domain"

    @property
    def host(self) -> str | None:
        """The first MX host that can be named."""
        return next(iter(shown(self.hosts)), None)

    @property
    def where(self) -> str:
        """The MX hosts, or the address of one, as the subject of a sentence."""
        names = listed(shown(self.hosts)) if shown(self.hosts) else f"an MX host of {self.name}"
        return f"address {self.node} of {names}" if is_address(self.node) else names

    @property
    def when(self) -> str:
        """The days, as the end of a sentence."""
        return f"since {self.first_day}" if self.state == "open" else span_of(self.first_day, self.last_day)

    @property
    def senders(self) -> str:
        """The senders that met it."""
        return listed(shown(self.reporters)) if shown(self.reporters) else "a sender"

    @property
    def many(self) -> bool:
        """Whether several hosts are named."""
        return len(shown(self.hosts)) > 1 and self.node is None


class Advice(NamedTuple):
    """What an incident means, what to do, and what shows it from outside."""

    meaning: str
    fix: str
    commands: tuple[str, ...]
