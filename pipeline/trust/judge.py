"""The verdict of trust on each report of a message: its tier, and what it rests on."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from pipeline.message.fetched import POSTED as POSTED_ACCOUNT
from pipeline.message.verdict import POSTED, VOUCHED
from pipeline.trust.alignment import claimed_domain
from pipeline.trust.key_lookup import Resolver

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.message.fetched import Fetched
    from pipeline.message.verdict import Verdict
    from pipeline.report.model import Reading
    from pipeline.trust.trust_rules import TrustRules


class Judge:
    """Gives verdicts. One per process and run: it keeps the keys it has looked up."""

    def __init__(self, rules: TrustRules, resolver: Resolver | None = None, *, vouch_before: datetime | None = None) -> None:
        """Prepare; the DNS is not asked before a signature needs a key.

        Args:
            rules: `[trust]` of the configuration.
            resolver: Where keys come from; by default the one of the rules.
            vouch_before: The operator vouches for mail received before this moment (`ingest --vouch-before`).

        Raises:
            ConfigError: The resolver of the rules is not of the form host:port.
        """
        self._rules = rules
        self._vouch_before = vouch_before
        self._posted_from = [ip_network(network) for network in rules.posted_from]
        self._resolver = resolver or Resolver(rules.resolver, timeout=rules.dns_timeout)
        if rules.dkim != "off":
            import pipeline.trust.grounds  # noqa: F401 -- now, and not in the time of the first message
        self.seconds = 0.0
        """What judging took; whoever measures it adds to it."""

    @property
    def resolver_down(self) -> bool:
        """Whether so many look-ups failed that no more are made in this run."""
        return self._resolver.down

    def judge(self, fetched: Fetched, reading: Reading) -> tuple[Verdict, ...]:
        """Return one verdict per part of the reading, in order.

        The parts of one mail may differ: a signature speaks only for a report whose contact-info shares its organisational domain. A report
        file is vouched for by whoever imports it; so is an imported mail where the check does not pass. Who posts over HTTPS
        proves nothing: only the operator's word for his network makes it more, not that he believes a mailbox.
        """
        if fetched.ref.account == POSTED_ACCOUNT:
            return (VOUCHED if self._is_vouched(fetched.ref.folder) else POSTED,) * len(reading.parts)
        if self._rules.dkim == "off" or fetched.bare or fetched.content is None:
            return (VOUCHED,) * len(reading.parts)
        if not reading.parts:
            return ()
        from pipeline.trust.grounds import Grounds, verdict_on

        asked = [(claimed_domain(part, reading.envelope), part.message) for part in reading.parts]
        grounds = {message: Grounds(fetched, self._rules, self._vouch_before, within=message) for _, message in asked}
        verdicts = {one: verdict_on(fetched, grounds[one[1]], one[0], self._resolver) for one in dict.fromkeys(asked)}
        return tuple(verdicts[one] for one in asked)

    def _is_vouched(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._posted_from)
