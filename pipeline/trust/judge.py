"""The verdict of trust on each report of a message: its tier, and what it rests on."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Protocol

from pipeline.message.fetched import POSTED as POSTED_ACCOUNT
from pipeline.message.verdict import POSTED, VOUCHED
from pipeline.trust.alignment import claimed_domain
from pipeline.trust.authres import attested_results, word_of
from pipeline.trust.dkim import Signature, check_signatures
from pipeline.trust.key_lookup import Resolver
from pipeline.trust.signed_mail import SignedMail
from pipeline.trust.tiers import decide

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.message.fetched import Fetched
    from pipeline.message.verdict import Verdict
    from pipeline.report.model import Reading


class TrustRules(Protocol):
    """What the judge reads of `[trust]`; `pipeline.settings.single_tables.TrustSettings` is one."""

    def __hash__(self) -> int:
        """The same for the same rules: a judge is kept by them."""

    @property
    def dkim(self) -> str:
        """`verify`, or `off`: the operator vouches for the mailbox."""

    @property
    def resolver(self) -> str:
        """host:port; empty: the system's."""

    @property
    def dns_timeout(self) -> float:
        """Seconds."""

    @property
    def authserv_ids(self) -> tuple[str, ...]:
        """Servers whose Authentication-Results are believed."""

    @property
    def posted_from(self) -> tuple[str, ...]:
        """Networks for whose posts the operator vouches."""


class Grounds:
    """What one message offers to be believed for.

    Attributes:
        mail: The mail taken apart; None where its header block cannot be read.
        results: DKIM results of servers the operator trusts.
        vouched: Whether the operator vouches for it.
    """

    def __init__(self, fetched: Fetched, rules: TrustRules, vouch_before: datetime | None, *, within: bytes | None = None) -> None:
        """Take a message apart, or the one within it that carries the report.

        Nobody but its sender vouches for what is within another: whoever forwards it may have made it.
        """
        imported = fetched.ref.account == "file"
        self.mail = _taken_apart(fetched.content or b"" if within is None else within)
        self.vouched = imported or (vouch_before is not None and fetched.received_at < vouch_before)
        # What an imported file says of its checks nobody's border server need have written; the operator vouches for it as it is.
        believed = rules.authserv_ids if not imported and within is None else ()
        self.results = attested_results(self.mail, believed) if self.mail is not None and believed else []


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
        asked = [(claimed_domain(part, reading.envelope), part.message) for part in reading.parts]
        grounds = {message: Grounds(fetched, self._rules, self._vouch_before, within=message) for _, message in asked}
        verdicts = {one: self._verdict(fetched, grounds[one[1]], one[0]) for one in dict.fromkeys(asked)}
        return tuple(verdicts[one] for one in asked)

    def _is_vouched(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._posted_from)

    def _verdict(self, fetched: Fetched, grounds: Grounds, claimed: str | None) -> Verdict:
        if grounds.mail is None:
            return decide(Signature("permerror"), attested=None, vouched=grounds.vouched)
        signature = check_signatures(grounds.mail, claimed=claimed, received_at=fetched.received_at, resolver=self._resolver)
        attested = word_of(grounds.results, grounds.mail, claimed)
        return decide(signature, attested=attested, others=grounds.results, vouched=grounds.vouched)


def _taken_apart(content: bytes) -> SignedMail | None:
    """Return the mail for its signatures, None where its header block cannot be read."""
    try:
        return SignedMail(content)
    except ValueError:
        return None
