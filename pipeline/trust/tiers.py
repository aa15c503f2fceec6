"""From what the checks found to one verdict: verified, attested, vouched, unaligned, unverified, best first; `posted` came by HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.message.verdict import NOT_BELIEVED, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.trust.authres import Attested
    from pipeline.trust.dkim import Signature


def decide(signature: Signature, *, attested: Attested | None, others: Sequence[Attested] = (), vouched: bool = False) -> Verdict:
    """Return the verdict on one report.

    Args:
        signature: What became of the mail's own signatures.
        attested: An aligned `dkim=pass` of a trusted server.
        others: All results of trusted servers: a pass of another domain makes the report `unaligned`.
        vouched: Whether the operator vouches for the mail, should nothing better be found.
    """
    if signature.result == "pass":
        return _verdict("verified", "dkim", signature)._replace(authenticated_domain=signature.domain)
    if attested is not None:
        return _verdict("attested", "authres", signature)._replace(
            dkim_domain=attested.domain,
            dkim_selector=attested.selector,
            dkim_algorithm=attested.algorithm,
            dkim_key_bits=None,
            dkim_key_record=None,
            dkim_signed_headers=attested.signed_headers,
            authserv_id=attested.authserv_id,
            authenticated_domain=attested.domain,
        )
    if vouched:
        return _verdict("vouched", "operator", signature)
    if signature.result == "unaligned" or signature.result in NOT_BELIEVED:
        return _verdict("unaligned", "dkim", signature)
    if any(other.result == "pass" for other in others):
        return _verdict("unaligned", "authres", signature)
    return _verdict("unverified", "none", signature)


def _verdict(tier: str, method: str, signature: Signature) -> Verdict:
    return Verdict(
        tier,
        method,
        dkim_result=signature.result,
        dkim_domain=signature.domain,
        dkim_selector=signature.selector,
        dkim_algorithm=signature.algorithm,
        dkim_key_bits=signature.key_bits,
        dkim_key_record=signature.key_record,
        dkim_signed_headers=signature.signed_headers,
    )
