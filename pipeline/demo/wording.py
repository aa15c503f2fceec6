"""How each kind of software words a failure: result type, reason code, and which members it fills in.

Gathered from public samples and the senders' sources. Google never gives a reason. Microsoft answers a host outside the policy with
MX_HOSTS_MISMATCH and no host, or VALIDATION_FAILURE with one. Postfix hands on OpenSSL's text with underscores. Stalwart calls every
failed handshake `certificate-not-trusted` and gives rustls' text. mox follows Go's crypto/tls. An empty text is none at all.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pipeline.demo.session_counts import Failed


class Words(NamedTuple):
    """What a sender writes for one kind of failure."""

    result_type: str
    reason: str = ""


_STANDARD: dict[str, Words] = {
    "expired": Words("certificate-expired"),
    "name": Words("certificate-host-mismatch"),
    "self-signed": Words("certificate-not-trusted"),
    "incomplete-chain": Words("certificate-not-trusted"),
    "mx": Words("validation-failure"),
    "starttls": Words("starttls-not-supported"),
    "fetch-not-found": Words("sts-policy-fetch-error"),
    "fetch-timeout": Words("sts-policy-fetch-error"),
    "webpki": Words("sts-webpki-invalid"),
    "invalid": Words("sts-policy-invalid"),
    "tlsa": Words("tlsa-invalid"),
    "dnssec": Words("dnssec-invalid"),
    "dane-required": Words("dane-required"),
    "handshake": Words("validation-failure"),
}
"""RFC 8460 §4.3 taken at its word; RFC 8460 has no type of its own for an MX host outside the policy."""

WORDS: dict[str, dict[str, Words]] = {
    "google": _STANDARD,
    "microsoft": {
        **_STANDARD,
        "mx": Words("validation-failure", "MX_HOSTS_MISMATCH"),
        "mx-named": Words("validation-failure", "VALIDATION_FAILURE"),
        "handshake": Words("validation-failure", "VALIDATION_FAILURE"),
    },
    "mailru": {**_STANDARD, "fetch-not-found": Words("sts-policy-fetch-error", "bad https response code: 404")},
    "fastmail": _STANDARD,
    "postfix": {
        **_STANDARD,
        "expired": Words("certificate-expired", "certificate_has_expired"),
        "name": Words("certificate-host-mismatch", "hostname_mismatch"),
        "self-signed": Words("validation-failure", "self-signed_certificate"),
        "incomplete-chain": Words("certificate-not-trusted", "unable_to_get_local_issuer_certificate"),
        # Its policy map gives the mx patterns as the names to find in the certificate.
        "mx": Words("certificate-host-mismatch", "hostname_mismatch"),
        "tlsa": Words("validation-failure", "no_matching_DANE_TLSA_records"),
        "handshake": Words("validation-failure", "tls-handshake-failure"),
    },
    "stalwart": {
        **_STANDARD,
        "expired": Words("certificate-not-trusted", "invalid peer certificate: Expired"),
        "name": Words("certificate-not-trusted", "invalid peer certificate: NotValidForName"),
        "self-signed": Words("certificate-not-trusted", "invalid peer certificate: CaUsedAsEndEntity"),
        "incomplete-chain": Words("certificate-not-trusted", "invalid peer certificate: UnknownIssuer"),
        "mx": Words("validation-failure", "MX not authorized by policy."),
        "starttls": Words("starttls-not-supported", "STARTTLS was not advertised by host"),
        "fetch-not-found": Words("sts-policy-fetch-error", "HTTP status client error (404 Not Found) for url ({url})"),
        "fetch-timeout": Words("sts-policy-fetch-error", "error sending request for url ({url})"),
        "webpki": Words("sts-webpki-invalid", "error sending request for url ({url})"),
        "invalid": Words("sts-policy-invalid", "Missing MX"),
        "tlsa": Words("validation-failure", "No matching certificates found."),
        "dane-required": Words("dane-required", "No TLSA records found for MX."),
        "handshake": Words("certificate-not-trusted", "received fatal alert: HandshakeFailure"),
    },
    "mox": {
        **_STANDARD,
        "mx": Words("validation-failure", "mtasts-policy-mx-mismatch"),
        "tlsa": Words("validation-failure", "dane-no-match"),
        "dnssec": Words("dnssec-invalid", "extended-dns-error-6-DNSSEC-Bogus"),
        "handshake": Words("validation-failure", "tls-remote-alert-40-handshake-failure"),
    },
    "halon": _STANDARD,
}
"""By manner and kind of failure."""


def words_for(manner: str, failed: Failed, domain: str, day: date) -> Words:
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
