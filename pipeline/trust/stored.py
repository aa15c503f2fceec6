"""The verdict that was stored with a message, for reading it again: keys rotate, so nothing is looked up a second time.

What a passing signature proved stays proved, for a report of that domain: alignment is judged anew, because a newer parser may read what an
older one did not. What was not proved may be so by today's configuration: a server whose Authentication-Results are believed now, or an
operator who vouches for mail of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.trust.alignment import aligned, claimed_domain
from pipeline.trust.authres import aligned_pass
from pipeline.trust.dkim import Signature
from pipeline.trust.judge import Grounds
from pipeline.trust.tiers import decide
from pipeline.verdict import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.report.model import Reading
    from pipeline.row_types import MessageRow
    from pipeline.source import Fetched
    from pipeline.trust.judge import TrustRules

PROVED = ("verified", "attested")
UNPROVED = ("unaligned", "unverified")


def stored_verdicts(
    row: MessageRow, fetched: Fetched, reading: Reading, rules: TrustRules, *, vouch_before: datetime | None = None
) -> tuple[Verdict, ...]:
    """Return one verdict per part of the reading.

    Args:
        row: What the ledger says about the message.
        fetched: The message.
        reading: What is read of it today.
        rules: `[trust]` of today.
        vouch_before: The operator vouches for mail received before this moment.
    """
    claims = [claimed_domain(part, reading.envelope) for part in reading.parts]
    if row.trust_tier in PROVED:
        kept = _kept(row)._replace(authenticated_domain=row.dkim_domain)
        strange = _kept(row)._replace(trust_tier="unaligned", dkim_signed_headers=())
        return tuple(kept if aligned(row.dkim_domain, claimed) else strange for claimed in claims)
    if row.trust_tier not in UNPROVED:
        return (_kept(row),) * len(claims)
    grounds = Grounds(fetched, rules, vouch_before)
    return tuple(_reconsidered(row, grounds, claimed) for claimed in claims)


def _reconsidered(row: MessageRow, grounds: Grounds, claimed: str | None) -> Verdict:
    attested = aligned_pass(grounds.results, claimed)
    if attested is None and not grounds.vouched:
        return _kept(row)
    # A signature that passed for another domain than today's report names does not pass for this one.
    result = "unaligned" if row.dkim_result == "pass" else row.dkim_result
    key = (row.dkim_key_bits, row.dkim_key_record)
    signature = Signature(result, row.dkim_domain, row.dkim_selector, row.dkim_algorithm, *key)
    return decide(signature, attested=attested, others=grounds.results, vouched=grounds.vouched)


def _kept(row: MessageRow) -> Verdict:
    return Verdict(
        row.trust_tier,
        row.auth_method,
        dkim_result=row.dkim_result,
        dkim_domain=row.dkim_domain,
        dkim_selector=row.dkim_selector,
        dkim_algorithm=row.dkim_algorithm,
        dkim_key_bits=row.dkim_key_bits,
        dkim_key_record=row.dkim_key_record,
        dkim_signed_headers=row.dkim_signed_headers,
        authserv_id=row.authserv_id,
    )
