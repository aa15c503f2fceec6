"""How each kind of software words a failure: result type, reason code, and which members it fills in.

Gathered from public samples and the senders' sources. Google never gives a reason. Microsoft answers a host outside the policy with
MX_HOSTS_MISMATCH and no host, or VALIDATION_FAILURE with one. Postfix hands on OpenSSL's text with underscores. Stalwart calls every
failed handshake `certificate-not-trusted` and gives rustls' text. mox follows Go's crypto/tls. An empty text is none at all.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pipeline.demo.session_counts import Failed


class FailureWords(NamedTuple):
    """What a sender writes for one kind of failure."""

    result_type: str
    reason: str = ""


_STANDARD: dict[str, FailureWords] = {
    "expired": FailureWords("certificate-expired"),
    "name": FailureWords("certificate-host-mismatch"),
    "self-signed": FailureWords("certificate-not-trusted"),
    "incomplete-chain": FailureWords("certificate-not-trusted"),
    "mx": FailureWords("validation-failure"),
    "starttls": FailureWords("starttls-not-supported"),
    "fetch-not-found": FailureWords("sts-policy-fetch-error"),
    "fetch-timeout": FailureWords("sts-policy-fetch-error"),
    "webpki": FailureWords("sts-webpki-invalid"),
    "invalid": FailureWords("sts-policy-invalid"),
    "tlsa": FailureWords("tlsa-invalid"),
    "dnssec": FailureWords("dnssec-invalid"),
    "dane-required": FailureWords("dane-required"),
    "handshake": FailureWords("validation-failure"),
}
"""RFC 8460 §4.3 taken at its word; RFC 8460 has no type of its own for an MX host outside the policy."""

WORDS: dict[str, dict[str, FailureWords]] = {
    "google": _STANDARD,
    "microsoft": {
        **_STANDARD,
        "mx": FailureWords("validation-failure", "MX_HOSTS_MISMATCH"),
        "mx-named": FailureWords("validation-failure", "VALIDATION_FAILURE"),
        "handshake": FailureWords("validation-failure", "VALIDATION_FAILURE"),
    },
    "mailru": {**_STANDARD, "fetch-not-found": FailureWords("sts-policy-fetch-error", "bad https response code: 404")},
    "fastmail": _STANDARD,
    "postfix": {
        **_STANDARD,
        "expired": FailureWords("certificate-expired", "certificate_has_expired"),
        "name": FailureWords("certificate-host-mismatch", "hostname_mismatch"),
        "self-signed": FailureWords("validation-failure", "self-signed_certificate"),
        "incomplete-chain": FailureWords("certificate-not-trusted", "unable_to_get_local_issuer_certificate"),
        # Its policy map gives the mx patterns as the names to find in the certificate.
        "mx": FailureWords("certificate-host-mismatch", "hostname_mismatch"),
        "tlsa": FailureWords("validation-failure", "no_matching_DANE_TLSA_records"),
        "handshake": FailureWords("validation-failure", "tls-handshake-failure"),
    },
    "stalwart": {
        **_STANDARD,
        "expired": FailureWords("certificate-not-trusted", "invalid peer certificate: Expired"),
        "name": FailureWords("certificate-not-trusted", "invalid peer certificate: NotValidForName"),
        "self-signed": FailureWords("certificate-not-trusted", "invalid peer certificate: CaUsedAsEndEntity"),
        "incomplete-chain": FailureWords("certificate-not-trusted", "invalid peer certificate: UnknownIssuer"),
        "mx": FailureWords("validation-failure", "MX not authorized by policy."),
        "starttls": FailureWords("starttls-not-supported", "STARTTLS was not advertised by host"),
        "fetch-not-found": FailureWords("sts-policy-fetch-error", "HTTP status client error (404 Not Found) for url ({url})"),
        "fetch-timeout": FailureWords("sts-policy-fetch-error", "error sending request for url ({url})"),
        "webpki": FailureWords("sts-webpki-invalid", "error sending request for url ({url})"),
        "invalid": FailureWords("sts-policy-invalid", "Missing MX"),
        "tlsa": FailureWords("validation-failure", "No matching certificates found."),
        "dane-required": FailureWords("dane-required", "No TLSA records found for MX."),
        "handshake": FailureWords("certificate-not-trusted", "received fatal alert: HandshakeFailure"),
    },
    "mox": {
        **_STANDARD,
        "mx": FailureWords("validation-failure", "mtasts-policy-mx-mismatch"),
        "tlsa": FailureWords("validation-failure", "dane-no-match"),
        "dnssec": FailureWords("dnssec-invalid", "extended-dns-error-6-DNSSEC-Bogus"),
        "handshake": FailureWords("validation-failure", "tls-remote-alert-40-handshake-failure"),
    },
    "halon": _STANDARD,
}
"""By manner and kind of failure."""


def words_for(manner: str, failed: Failed, domain: str, day: date) -> FailureWords:
    """Return the words; Microsoft chooses between its two by the day.

    Args:
        manner: The reporter's software, a key of `WORDS`.
        failed: What failed.
        domain: The report domain, whose policy is named in the reason.
        day: The day of the sessions, UTC.
    """
    kind = failed.kind
    if manner == "microsoft" and kind == "mx" and names_host(manner, failed, day):
        kind = "mx-named"
    words = WORDS[manner][kind]
    return words._replace(reason=words.reason.format(url=f"https://mta-sts.{domain}/.well-known/mta-sts.txt"))


def names_host(manner: str, failed: Failed, day: date) -> bool:
    """Whether the failure says which MX host it was; Microsoft says so on some failures of a host outside the policy only.

    Args:
        manner: The reporter's software, a key of `WORDS`.
        failed: What failed.
        day: The day of the sessions, UTC.
    """
    if failed.host is None:
        return False
    return not (manner == "microsoft" and failed.kind == "mx") or (day.toordinal() + ord((failed.sender or "0")[-1])) % 2 == 0
