"""The verdict that was stored with a message, for reading it again: keys rotate, so nothing is looked up a second time.

That the key was good stays so, for a report of that domain. Alignment is judged anew, because a newer parser may read what an older one did
not, and so is whether the signature is the reporter's word for the report (`pipeline.trust.signature_coverage`): the bytes say that at any
time. What was not proved may be so by today's configuration: a server whose Authentication-Results are believed now, or an
operator who vouches for mail of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.message.verdict import NOT_BELIEVED, Verdict
from pipeline.trust.alignment import aligned, claimed_domain
from pipeline.trust.authres import Attested, word_of
from pipeline.trust.dkim import Signature
from pipeline.trust.grounds import Grounds
from pipeline.trust.signature_coverage import not_covered, signed_by
from pipeline.trust.tiers import decide

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.message.fetched import Fetched
    from pipeline.report.model import Reading
    from pipeline.tables.row_types import MessageRow
    from pipeline.trust.signed_mail import SignedMail
    from pipeline.trust.trust_rules import TrustRules

PROVED = ("verified", "attested")
UNPROVED = ("unaligned", "unverified")


def stored_verdicts(
    row: MessageRow, fetched: Fetched, reading: Reading, rules: TrustRules, *, vouch_before: datetime | None = None
) -> tuple[Verdict, ...]:
    """Return one verdict per part of the reading.

    Args:
        row: What the ledger says about the message.
        fetched: The mail as it was kept.
        reading: What is read of it today.
        rules: `[trust]` of today.
        vouch_before: The operator vouches for mail received before this moment.
    """
    claims = [claimed_domain(part, reading.envelope) for part in reading.parts]
    if row.trust_tier not in (*PROVED, *UNPROVED):
        return (_kept(row),) * len(claims)
    grounds = [Grounds(fetched, rules, vouch_before, within=part.message) for part in reading.parts]
    return tuple(_judged_again(row, ground, ground.mail, claimed) for ground, claimed in zip(grounds, claims, strict=True))


def _judged_again(row: MessageRow, grounds: Grounds, mail: SignedMail | None, claimed: str | None) -> Verdict:
    if mail is None:
        return _kept(row)
    verified = row.trust_tier == "verified" or row.dkim_result in NOT_BELIEVED
    if row.trust_tier in PROVED and not aligned(row.dkim_domain, claimed):
        return _kept(row)._replace(trust_tier="unaligned", dkim_signed_headers=())
    result, others = row.dkim_result, grounds.results
    if verified and row.dkim_domain is not None and aligned(row.dkim_domain, claimed):
        # The key was good. Whether the signature is the reporter's word for the report is asked of the bytes anew.
        result = not_covered(mail, _signed(mail, row), domain=row.dkim_domain, claimed=claimed) or "pass"
    elif row.trust_tier == "attested":
        said = Attested(row.authserv_id or "", "pass", row.dkim_domain, row.dkim_selector, row.dkim_algorithm)
        if (word := word_of([said], mail, claimed)) is not None:
            return _kept(row)._replace(authenticated_domain=row.dkim_domain, dkim_signed_headers=word.signed_headers)
        others = [*others, said]
    elif result == "pass":
        # A signature that passed for another domain than today's report names does not pass for this one.
        result = "unaligned"
    attested = word_of(grounds.results, mail, claimed)
    if not verified and row.trust_tier in UNPROVED and attested is None and not grounds.vouched:
        return _kept(row)
    key = (row.dkim_key_bits, row.dkim_key_record)
    signature = Signature(result, row.dkim_domain, row.dkim_selector, row.dkim_algorithm, *key, row.dkim_signed_headers)
    return decide(signature, attested=attested, others=others, vouched=grounds.vouched)


def _signed(mail: SignedMail, row: MessageRow) -> list[list[bytes]]:
    """Return the names of h= of the signature that passed, or of all it can be."""
    every = signed_by(mail, row.dkim_domain, row.dkim_selector)
    return [names for names in every if mail.occurring_once(names) == row.dkim_signed_headers] or every


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
