"""What an incident or a result type means and what to do, for somebody who is tired and wants to go home. Every word is ours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.advice import advice_dane, advice_mx, advice_policy
from pipeline.insight.advice.advice_facts import Facts
from pipeline.report.result_types import RESULT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.insight.advice.advice_facts import Advice

__all__ = ["Facts", "ResultTypeHelp", "explain", "explain_result_type"]

_ADVICE: dict[str, Callable[[Facts], Advice]] = {
    "mx-certificate-expired": advice_mx.expired,
    "mx-certificate-name": advice_mx.wrong_name,
    "mx-certificate-untrusted": advice_mx.untrusted,
    "mx-not-in-policy": advice_mx.not_in_policy,
    "starttls-missing": advice_mx.starttls_missing,
    "starttls-stripped": advice_mx.starttls_stripped,
    "policy-unreachable": advice_policy.unreachable,
    "policy-host-certificate": advice_policy.host_certificate,
    "policy-invalid": advice_policy.invalid,
    "policy-stale": advice_policy.stale,
    "policy-lost": advice_policy.lost,
    "tlsa-mismatch": advice_dane.tlsa,
    "dnssec-broken": advice_dane.dnssec,
    "dane-missing": advice_dane.missing,
    "unknown": advice_dane.unknown,
}


@lru_cache(maxsize=256)
def explain(facts: Facts) -> Advice:
    """Return the texts for an incident, each command once."""
    advice = _ADVICE[facts.cause](facts)
    return advice._replace(commands=tuple(dict.fromkeys(advice.commands)))


class ResultTypeHelp(NamedTuple):
    """What a result type means, for a page or a list that shows one."""

    meaning: str
    fix: str
    rfc: str


_FIXES = {
    "starttls-not-supported": (
        "Enable STARTTLS there, and check what is in front of it; if only one sender is affected, look at the path between you."
    ),
    "certificate-host-mismatch": "Put the MX host name into the certificate's subjectAltName, and the host into the policy's mx lines.",
    "certificate-expired": "Renew the certificate, reload the mail server, and check every address behind the name.",
    "certificate-not-trusted": "Let the server send the full chain of a public CA. Some senders use this code for every failed handshake.",
    "validation-failure": "Read the reason code; compare the MX host with the policy's mx lines; try the handshake yourself.",
    "tlsa-invalid": "Publish the TLSA record of the key in use, beside the old one, and keep that order at the next roll-over.",
    "dnssec-invalid": "Find the broken link in DNSSEC: expired signatures, or a DS record that does not match.",
    "dane-required": "Publish TLSA records in a signed zone, or ask the sender to drop the requirement.",
    "sts-policy-fetch-error": "Fetch the policy from outside: status 200, no redirect, both IPv4 and IPv6.",
    "sts-policy-invalid": "Correct the policy text line by line, then change the id in the TXT record.",
    "sts-webpki-invalid": "Renew the certificate of the policy host mta-sts under your domain, with its chain.",
}
_OPEN = ResultTypeHelp(
    "A result type that is not in the registry; the sender's own, or newer than this program. It is counted and shown as sent.",
    "Read the reason code beside it, and ask the sender what it means.",
    "RFC 8460 §6.6",
)
_ABSENT = ResultTypeHelp(
    "The sender counts failed sessions and does not say how they failed.",
    "Compare with what other senders report on the same days; the mail log of those days may show more.",
    "RFC 8460 §4.4",
)


def explain_result_type(result_type: str) -> ResultTypeHelp:
    """Return what a result type means; any text is answered, also one nobody registered."""
    entry = RESULT_TYPES.get(result_type)
    if entry is None:
        return _OPEN if result_type else _ABSENT
    return ResultTypeHelp(f"{entry.meaning}.", _FIXES[entry.name], entry.rfc)
