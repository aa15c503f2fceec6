"""What a message offers to be believed for, and the verdict that follows.

Imports what checks signatures, which takes a twentieth of a second; where none is checked, nobody imports this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.trust.authres import attested_results, word_of
from pipeline.trust.dkim import Signature, check_signatures
from pipeline.trust.signed_mail import SignedMail
from pipeline.trust.tiers import decide

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.message.fetched import Fetched
    from pipeline.message.verdict import Verdict
    from pipeline.trust.key_lookup import Resolver
    from pipeline.trust.trust_rules import TrustRules


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


def verdict_on(fetched: Fetched, grounds: Grounds, claimed: str | None, resolver: Resolver) -> Verdict:
    """Return the verdict on the reports of a message that claim to come from one domain.

    Args:
        fetched: The message.
        grounds: What it, or the one within it, offers.
        claimed: The domain; see `pipeline.trust.alignment.claimed_domain`.
        resolver: Where keys come from.
    """
    if grounds.mail is None:
        return decide(Signature("permerror"), attested=None, vouched=grounds.vouched)
    signature = check_signatures(grounds.mail, claimed=claimed, received_at=fetched.received_at, resolver=resolver)
    attested = word_of(grounds.results, grounds.mail, claimed)
    return decide(signature, attested=attested, others=grounds.results, vouched=grounds.vouched)


def _taken_apart(content: bytes) -> SignedMail | None:
    """Return the mail for its signatures, None where its header block cannot be read."""
    try:
        return SignedMail(content)
    except ValueError:
        return None
