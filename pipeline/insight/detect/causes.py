"""The closed list of causes, and which of them a failure detail speaks of.

Result types alone do not tell the cause: Microsoft and Postfix report an unlisted MX host and a self-signed certificate as
`validation-failure`, and some senders report an unlisted MX host as `certificate-host-mismatch`. Together with the reason code, and with
the MX host held against the patterns of the policy that was applied, most are told apart. What remains is `unknown`, never guessed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pipeline.insight.detect.reason_codes import cause_from_reason, says_broken_off
from pipeline.report.sts_policy import mx_matches

Checks = Literal["sts", "dane", "starttls", "policy", "lost", "any"]


class Cause(NamedTuple):
    """One cause: what is broken, who can see it, and where the standard speaks of it."""

    code: str
    title: str
    """A few words that a heading can carry."""
    component: str
    """The part at fault."""
    checks: Checks
    """What a sender must check in order to see it: comparing with one that does not proves nothing."""
    rfc: str


_STS_MX = "RFC 8461 §4.1"
_STS_CERTIFICATE = "RFC 8461 §4.2"
_CAUSES = (
    Cause("mx-certificate-expired", "certificate of the MX host has expired", "certificate of the MX host", "sts", _STS_CERTIFICATE),
    Cause("mx-certificate-name", "certificate does not name the MX host", "certificate of the MX host", "sts", _STS_CERTIFICATE),
    Cause("mx-certificate-untrusted", "certificate of the MX host is not trusted", "certificate of the MX host", "sts", _STS_CERTIFICATE),
    Cause("mx-not-in-policy", "MX host is not covered by the MTA-STS policy", "mx lines of the MTA-STS policy", "sts", _STS_MX),
    Cause("starttls-missing", "STARTTLS is not offered", "STARTTLS on the MX host", "starttls", "RFC 3207 §4"),
    Cause(
        "starttls-stripped",
        "STARTTLS is missing for one sender only",
        "network between one sender and the MX host",
        "starttls",
        "RFC 3207 §6",
    ),
    Cause("policy-unreachable", "MTA-STS policy cannot be fetched", "web host of the MTA-STS policy", "policy", "RFC 8461 §3.3"),
    Cause(
        "policy-host-certificate",
        "certificate of the policy host is not valid",
        "certificate of the policy web host",
        "policy",
        "RFC 8461 §3.3",
    ),
    Cause("policy-invalid", "MTA-STS policy cannot be read", "text of the MTA-STS policy", "policy", "RFC 8461 §3.2"),
    Cause("policy-stale", "a sender applies a policy that is no longer published", "cached MTA-STS policy", "sts", "RFC 8461 §5.1"),
    Cause("policy-lost", "senders find no policy any more", "TXT record _mta-sts, policy host or TLSA records", "lost", "RFC 8461 §3.1"),
    Cause("tlsa-mismatch", "TLSA records do not match the certificate", "TLSA records of the MX host", "dane", "RFC 7672 §3.1"),
    Cause("dnssec-broken", "DNSSEC validation fails", "DNSSEC of the zone", "dane", "RFC 7672 §2.1"),
    Cause("dane-missing", "a sender requires DANE and finds no TLSA records", "TLSA records of the MX host", "dane", "RFC 7672 §6"),
    Cause("unknown", "sessions fail for a reason the sender does not give", "not known", "any", "RFC 8460 §4.3"),
)

CAUSES: dict[str, Cause] = {cause.code: cause for cause in _CAUSES}
"""Every cause by its code; closed: what fits none of them is `unknown`."""

POLICY_HOST_CAUSES = frozenset({"policy-unreachable", "policy-host-certificate", "policy-invalid"})
"""Causes that lie with the web host of the policy; they name no MX host and refuse no mail (RFC 8461 §3.3)."""

PASSING_CAUSES = frozenset({"unknown", "starttls-missing", "policy-unreachable", "dnssec-broken"})
"""Causes a failure may have for a moment: a broken handshake, a server that answers 4xx instead of EHLO, a timeout."""

_DIRECT = {
    "starttls-not-supported": "starttls-missing",
    "certificate-expired": "mx-certificate-expired",
    "sts-policy-invalid": "policy-invalid",
    "sts-webpki-invalid": "policy-host-certificate",
    "tlsa-invalid": "tlsa-mismatch",
    "dnssec-invalid": "dnssec-broken",
    "dane-required": "dane-missing",
    "no-policy-found": "policy-lost",
}
_CERTIFICATE_CAUSES = frozenset({"mx-certificate-expired", "mx-certificate-name", "mx-certificate-untrusted"})
_DEFAULTS = {"certificate-host-mismatch": "mx-certificate-name", "certificate-not-trusted": "mx-certificate-untrusted"}


class Sign(NamedTuple):
    """What a failure detail says that bears on its cause."""

    policy_type: str
    result_type: str
    reason: str | None = None
    host: str | None = None
    patterns: tuple[str, ...] = ()
    """The mx patterns of the policy that was applied; empty where they are not known."""


def cause_of(sign: Sign) -> str:
    """Return the code of the cause that a failure detail speaks of; `unknown` where it cannot be told."""
    direct = _DIRECT.get(sign.result_type)
    if direct is not None:
        return direct
    if sign.result_type == "sts-policy-fetch-error":
        return "policy-host-certificate" if cause_from_reason(sign.reason) in _CERTIFICATE_CAUSES else "policy-unreachable"
    named = cause_from_reason(sign.reason) or (None if says_broken_off(sign.reason) else _DEFAULTS.get(sign.result_type))
    if sign.policy_type == "tlsa":
        # Under DANE the TLSA records are the trust anchor: an unknown issuer only means that no record matched (RFC 7672 §3.1).
        return "tlsa-mismatch" if named == "mx-certificate-untrusted" else named or "unknown"
    if named in (None, "mx-certificate-name") and is_outside(sign.host, sign.patterns):
        # Some senders match the certificate's names against the patterns, so an unlisted MX host looks like a wrong name to them.
        return "mx-not-in-policy"
    return named or "unknown"


def is_outside(host: str | None, patterns: tuple[str, ...]) -> bool:
    """Say whether a host is covered by none of the patterns (RFC 8461 §4.1); False where host or patterns are not known."""
    return bool(host and patterns) and not any(mx_matches(pattern, host) for pattern in patterns if host)
