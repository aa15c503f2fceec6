"""The IANA registry "STARTTLS Validation Result Types" (RFC 8460 §6.6) in plain words; eleven entries, unchanged since 2018.

The registry is open: a result type that is not here is kept as sent and belongs to the group `other`. One that is added here needs more
elsewhere; `pipeline/docs/contributing.md` names the places.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Group = Literal["negotiation", "dane", "sts", "general", "other"]
Component = Literal["mx-certificate", "mx-starttls", "dns", "policy-host", "policy", "unknown"]


class ResultType(NamedTuple):
    """One entry of the registry."""

    name: str
    group: Group
    """negotiation (RFC 8460 §4.3.1), dane (§4.3.2.1), sts (§4.3.2.2) or general (§4.3.3)."""
    component: Component
    """What is most probably at fault; the standard does not say."""
    meaning: str
    rfc: str


_ENTRIES = (
    ResultType(
        "starttls-not-supported",
        "negotiation",
        "mx-starttls",
        "The mail host did not offer STARTTLS, so the session could not be encrypted",
        "RFC 8460 §4.3.1",
    ),
    ResultType(
        "certificate-host-mismatch",
        "negotiation",
        "mx-certificate",
        "The mail host's certificate is for another name, or the host is not in the policy",
        "RFC 8460 §4.3.1",
    ),
    ResultType(
        "certificate-expired",
        "negotiation",
        "mx-certificate",
        "The mail host's certificate has expired",
        "RFC 8460 §4.3.1",
    ),
    ResultType(
        "certificate-not-trusted",
        "negotiation",
        "mx-certificate",
        "The mail host's certificate does not chain to a CA the sender trusts, or its chain is broken",
        "RFC 8460 §4.3.1",
    ),
    ResultType(
        "validation-failure",
        "general",
        "unknown",
        "Something else went wrong; the failure reason code may say what",
        "RFC 8460 §4.3.3",
    ),
    ResultType(
        "tlsa-invalid",
        "dane",
        "dns",
        "No TLSA record matches the mail host's certificate, or they cannot be read",
        "RFC 8460 §4.3.2.1",
    ),
    ResultType(
        "dnssec-invalid",
        "dane",
        "dns",
        "The sender's resolver got no answer that passes DNSSEC validation",
        "RFC 8460 §4.3.2.1",
    ),
    ResultType(
        "dane-required",
        "dane",
        "dns",
        "The sender requires DANE, and the mail host has no validated TLSA record",
        "RFC 8460 §4.3.2.1",
    ),
    ResultType(
        "sts-policy-fetch-error",
        "sts",
        "policy-host",
        "The MTA-STS policy could not be fetched",
        "RFC 8460 §4.3.2.2",
    ),
    ResultType(
        "sts-policy-invalid",
        "sts",
        "policy",
        "The MTA-STS policy was fetched and has an error",
        "RFC 8460 §4.3.2.2",
    ),
    ResultType(
        "sts-webpki-invalid",
        "sts",
        "policy-host",
        "The certificate of the host that serves the MTA-STS policy does not verify",
        "RFC 8460 §4.3.2.2",
    ),
)

RESULT_TYPES: dict[str, ResultType] = {entry.name: entry for entry in _ENTRIES}
"""The registry by name."""

GROUPS: dict[str, Group] = {entry.name: entry.group for entry in _ENTRIES}
"""The group of each registered result type; that of every other one is `other`."""
