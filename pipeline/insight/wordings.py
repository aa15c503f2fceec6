"""The wordings of TLS libraries and mail servers that name a cause, each with a witness: a text as it was sent, and who writes it.

A wording is a phrase of the folded text (`reasons.fold`: lower case, one hyphen for each run of other signs), between word boundaries; `…`
stands for anything. It says what is wrong with what: "expired" alone may speak of a CRL, a session ticket or a signature in the DNS. The
first that occurs decides, so that what is narrow stands before what is wide. Texts in which none occurs decide nothing. What an alert says
that came from our server is about the sender's own certificate.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Wording(NamedTuple):
    """One phrase."""

    cause: str
    phrase: str
    witness: str
    source: str


_NOT_LISTED = (
    ("mx-(?:hosts?-)?mismatch", "MX_HOSTS_MISMATCH", "Exchange Online"),
    ("mx-(?:host-)?mismatch", "mtasts-policy-mx-mismatch", "mox"),
    ("mx-hosts-of-…-failed-mta-sts-validation", "MX hosts of 'example.org' failed MTA-STS validation.", "Exchange Online 5.4.8"),
    (
        "(?:mx|host|hostname)-(?:…-)?not-(?:listed|authorized|allowed|permitted|covered|included|found)-(?:by|in)-(?:…-)?policy",
        "MX not authorized by policy.",
        "Stalwart",
    ),
    ("(?:mx|host|hostname)-(?:…-)?not-in-(?:…-)?policy", "mx-not-in-policy", "several"),
    (
        "(?:mx|host|hostname)-(?:…-)?(?:does-not|doesn-t|not)-match(?:ed|ing)?-(?:…-)?(?:policy|mta-sts|mtasts)",
        "MX host mx9.example.org does not match MTA-STS policy",
        "KumoMTA",
    ),
    ("no-mx-(?:…-)?match(?:es|ed)?-(?:…-)?policy", "no MX host matches the MTA-STS policy", "KumoMTA, Go"),
    ("not-(?:listed|authorized|allowed)-(?:in|by)-(?:the-)?(?:mta-sts-)?policy", "not authorized by policy", "Stalwart"),
    ("mx-not-(?:listed|authorized)", "MX_NOT_LISTED", "several"),
    ("not-an-allowed-mx", "mx9.example.org is not an allowed MX in the MTA-STS policy", "several"),
    ("(?:mta-sts|mtasts)-no-matching-mx", "MTA-STS: no matching MX", "several"),
    (
        "(?:mx|host|hostname)-(?:…-)?not-(?:part-of|among|one-of)-(?:…-)?policy",
        "MX host mx9.example.org is not part of the MTA-STS policy",
        "several",
    ),
    (
        "policy-(?:does-not|doesn-t)-(?:include|list|contain|name|cover|allow)-(?:the-)?(?:mx|host|hostname)",
        "Policy does not include MX mx9.example.org",
        "several",
    ),
)
_TLSA = (
    ("no-matching-(?:dane-)?tlsa", "no_matching_DANE_TLSA_records", "Postfix, OpenSSL"),
    ("no-matching-dane", "no matching DANE records", "OpenSSL"),
    ("no-matching-certificates?", "No matching certificates found.", "Stalwart"),
    ("dane-(?:no-match|mismatch)", "dane-no-match", "mox"),
    ("all-(?:tlsa-records-unusable|unusable-records)", "all-TLSA-records-unusable", "Postfix"),
    (
        "(?:failed-dane|dane-(?:…-)?)-?(?:validation|verification)(?:-failed|-failure)?",
        "The domain failed DANE validation",
        "Exchange Online 4.7.323",
    ),
    ("tlsa-(?:mismatch|invalid|records?-(?:do-not|does-not|did-not|don-t|doesn-t)-match)", "TLSA record does not match", "several"),
    ("(?:certificate|key)-(?:…-)?(?:does-not|doesn-t|not)-match(?:ing)?-(?:…-)?tlsa", "certificate does not match any TLSA record", "Exim"),
)
_NO_TLSA = (("no-tlsa-records", "No-TLSA-records-found", "Postfix"),)
_DNSSEC = (
    ("dnssec-(?:…-)?(?:bogus|invalid)", "extended-dns-error-6-DNSSEC-Bogus", "mox"),
    (
        "(?:invalid|bogus)-(?:dnssec|signature|rrsig|records?)",
        "Destination domain returned invalid DNSSEC records",
        "Exchange Online 4.7.324",
    ),
    ("dnssec-(?:validation-)?(?:failed|failure|error)", "DNSSEC validation failure", "Unbound"),
    ("rrsig-(?:…-)?expired", "RRSIG has expired", "BIND"),
    ("(?:answer|response|reply)-(?:is-)?bogus", "DNS response is bogus", "Exim, Unbound"),
    ("dns-not-secure", "dns-not-secure", "several"),
)
_NO_STARTTLS = (
    (
        "starttls-(?:was-|is-|extension-|command-)?(?:not-(?:supported|advertised|offered|available|implemented|recognized|found)|unsupported|unavailable|missing|disabled)",
        "STARTTLS was not advertised by host",
        "Stalwart",
    ),
    ("(?:not|doesn-t|didn-t)-(?:offer|support|advertise|announce)-(?:…-)?starttls", "smtp: server doesn't support STARTTLS", "Go"),
    ("(?:no-starttls|without-starttls)", "EHLO response without STARTTLS", "several"),
    ("starttls-(?:capability-)?not-present", "STARTTLS capability not present", "several"),
    ("tls-(?:is-required-but-)?was-not-offered", "TLS is required, but was not offered by host mx1.example.org[192.0.2.1]", "Postfix"),
    ("(?:not|doesn-t|didn-t)-offer-tls", "a TLS session is required, but the server did not offer TLS support", "Exim"),
    ("server-must-support-tls", "Destination mail server must support TLS to receive mail", "Exchange Online 4.7.321"),
)
_CERTIFICATE = r"(?<!client-)(?<!client-s-)(?<!alert-)(?<!alert-\d\d-)(?:certificates?|cert)"
_EXPIRED = (
    (f"{_CERTIFICATE}-(?:has-|is-|was-|validity-has-|has-already-)?expired(?!-crl)", "certificate has expired", "OpenSSL, KumoMTA"),
    (f"{_CERTIFICATE}-(?:has-|is-)?expired", "X509_V_ERR_CERT_HAS_EXPIRED", "OpenSSL, Postfix"),
    (
        f"expired-(?:issuer-)?{_CERTIFICATE}",
        "The certificate is NOT trusted. The certificate chain uses expired certificate.",
        "GnuTLS, Exim",
    ),
    ("badcert-expired", "BADCERT_EXPIRED", "mbedTLS"),
    ("bad-cert-cert-expired", "{bad_cert,cert_expired}", "Erlang"),
    ("invalid-peer-certificate-expired", "invalid peer certificate: Expired", "rustls"),
    ("expired-context", "invalid peer certificate: ExpiredContext { time: UnixTime(1), not_after: UnixTime(0) }", "rustls"),
    ("certificate-(?:…-)?validity-has-expired", "The certificate validity has expired", "mbedTLS"),
    (
        "(?:validity|timestamp)-check-failed",
        "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed",
        "Java",
    ),
    (
        f"{_CERTIFICATE}-(?:s-)?(?:is-)?(?:outside-(?:of-)?its-validity|out-of-date|validity-period-has-ended)",
        "certificate is out of date",
        "several",
    ),
    ("certificate-expired-exception", "java.security.cert.CertificateExpiredException: NotAfter: Sun Nov 01 00:00:00 UTC 2026", "Java"),
    ("not-time-valid", "RemoteCertificateChainErrors: NotTimeValid", ".NET"),
    ("cert-e-expired", "CERT_E_EXPIRED (0x800b0101)", "SChannel"),
    ("0x(?:800b0101|80090328)", "schannel: SNI or certificate check failed: 0x80090328", "SChannel"),
    ("certificate-is-not-within-its-validity-period", "A required certificate is not within its validity period", "SChannel"),
    ("gnutls-cert-(?:expired|not-activated)", "GNUTLS_CERT_EXPIRED", "GnuTLS"),
    (f"{_CERTIFICATE}-(?:is-)?not-(?:yet-)?(?:valid-yet|yet-valid|valid-before)", "certificate is not yet valid", "OpenSSL"),
    (f"not-yet-valid-{_CERTIFICATE}", "MOZILLA_PKIX_ERROR_NOT_YET_VALID_CERTIFICATE", "NSS"),
    ("cert-not-yet-valid", "X509_V_ERR_CERT_NOT_YET_VALID", "OpenSSL"),
    ("invalid-peer-certificate-not-valid-yet", "invalid peer certificate: NotValidYet", "rustls"),
    ("badcert-future", "BADCERT_FUTURE", "mbedTLS"),
    ("certificate-validity-starts-in-the-future", "The certificate validity starts in the future", "mbedTLS"),
)
_NAME = (
    ("(?:host-?name|host|name|names|san|ip-address)-mismatch(?!-policy)", "hostname_mismatch", "OpenSSL, Postfix"),
    ("remote-certificate-name-mismatch", "RemoteCertificateNameMismatch", ".NET"),
    ("(?<!issuer-)subject-(?:name-)?mismatch", "subject mismatch", "several"),
    (f"{_CERTIFICATE}-is-(?:only-)?valid-for-…-not", "x509: certificate is valid for mail.example.org, not mx1.example.org", "Go"),
    (f"{_CERTIFICATE}-(?:is-)?not-valid-for", "x509: certificate is not valid for any names, but wanted to match mx1.example.org", "Go"),
    (
        "(?:doesn-t|does-not)-contain-any-(?:ip-|dns-)?sans",
        "x509: cannot validate certificate for 192.0.2.1 because it doesn't contain any IP SANs",
        "Go",
    ),
    ("relies-on-legacy-common-name", "x509: certificate relies on legacy Common Name field, use SANs instead", "Go"),
    ("not-valid-for-name", "invalid peer certificate: NotValidForName", "rustls"),
    ("name-in-the-certificate-does-not-match", "The name in the certificate does not match the expected", "GnuTLS, Exim"),
    ("gnutls-cert-unexpected-owner", "GNUTLS_CERT_UNEXPECTED_OWNER", "GnuTLS"),
    ("certificate-s-owner-does-not-match", "The certificate's owner does not match hostname 'mx1.example.org'", "GnuTLS"),
    (
        "(?:does-not|doesn-t|not)-match-(?:…-)?altnames?",
        "Hostname/IP does not match certificate's altnames: Host: mx1.example.org. is not in the cert's altnames",
        "Node",
    ),
    ("cert-altname-invalid", "ERR_TLS_CERT_ALTNAME_INVALID", "Node"),
    (
        "no-subject-alternative-(?:dns-)?names?-(?:matching|present)",
        "No subject alternative DNS name matching mx1.example.org found.",
        "Java",
    ),
    ("no-name-matching-…-found", "No name matching mx1.example.org found", "Java"),
    ("bad-cert-domain", "SSL_ERROR_BAD_CERT_DOMAIN", "NSS"),
    ("badcert-cn-mismatch", "BADCERT_CN_MISMATCH", "mbedTLS"),
    ("common-name-cn-does-not-match", "The certificate Common Name (CN) does not match with the expected CN", "mbedTLS"),
    ("(?:hostname-check-failed|cert-name-not-permitted)", "{bad_cert,hostname_check_failed}", "Erlang"),
    (
        "certificate-(?:subject|name|cn|common-name)-(?:…-)?(?:does-not|doesn-t|did-not|not)-match",
        "4.7.5 [internal] SSL certificate subject does not match host",
        "Momentum",
    ),
    ("subject-(?:does-not|doesn-t)-match-host", "server certificate not valid: subject does not match host", "Momentum"),
    (
        "no-alternative-certificate-subject-name-matches",
        "SSL: no alternative certificate subject name matches target host name 'mta-sts.example.org'",
        "curl",
    ),
    ("no-certificate-subject-alternative-name-matches", "no certificate subject alternative name matches requested host name", "wget"),
    ("hostname-(?:…-)?(?:doesn-t|does-not)-match", "hostname 'mx1.example.org' doesn't match 'mail.example.org'", "Python"),
    ("certificate-(?:…-)?(?:doesn-t|does-not)-match-(?:…-)?(?:host|name)", "certificate does not match host name", "several"),
    (
        "must-have-a-(?:common-name|subject)-(?:…-)?matching",
        "Remote certificate MUST have a common name or subject alternative name matching the hostname (DANE)",
        "Exchange Online 4.7.325",
    ),
    ("target-principal-name-is-incorrect", "The target principal name is incorrect", "SChannel"),
    ("(?:sec-e-wrong-principal|cert-e-cn-no-match)", "SEC_E_WRONG_PRINCIPAL (0x80090322)", "SChannel"),
    ("0x(?:80090322|800b010f)", "schannel: next InitializeSecurityContext failed: 0x80090322", "SChannel"),
    ("cn-name-does-not-match", "The certificate's CN name does not match the passed value.", "SChannel"),
    ("wrong-name", "wrong name in certificate", "several"),
    ("peer-?name-(?:verification-failed|mismatch)", "certificate peer name verification failed for mx1.example.org", "Postfix"),
    ("names-(?:do-not|don-t)-match", "TLS certificate verification failed: names do not match", "Exim"),
    (f"{_CERTIFICATE}-does-not-cover", "certificate does not cover mx1.example.org", "several"),
    ("no-matching-(?:subject-?)?(?:alt-?names?|alternative-names?|sans?)", "no matching subjectAltName", "several"),
    (
        f"(?:host|server)-?name-(?:does-not|doesn-t|did-not)-match-(?:the-)?{_CERTIFICATE}",
        "server name does not match certificate",
        "several",
    ),
)
_UNTRUSTED = (
    ("self-?signed", "self-signed_certificate", "OpenSSL, Postfix"),
    ("selfsigned-peer", "{bad_cert,selfsigned_peer}", "Erlang"),
    ("unable-to-get-(?:local-)?issuer", "unable_to_get_local_issuer_certificate", "OpenSSL, Postfix"),
    ("unable-to-verify-(?:the-first|leaf)", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "OpenSSL, Node"),
    ("(?:signed-by-)?unknown-authority", "x509: certificate signed by unknown authority", "Go"),
    ("(?<!alert-)(?<!alert-48-)unknown-ca(?!-received)", "{bad_cert,unknown_ca}", "Erlang"),
    ("client-alert-fatal-unknown-ca", "TLS client: In state wait_cert generated CLIENT ALERT: Fatal - Unknown CA", "Erlang"),
    ("(?:unknown|untrusted|invalid)-issuer", "invalid peer certificate: UnknownIssuer", "rustls, NSS, Postfix"),
    ("issuer-is-(?:unknown|not-trusted|not-a-ca)", "The certificate is NOT trusted. The certificate issuer is unknown.", "GnuTLS, Exim"),
    ("(?:cert|certificate|root|chain|peer)-(?:is-)?(?:not-trusted|untrusted)", "certificate not trusted", "OpenSSL, Postfix"),
    ("untrusted-(?:cert|certificate|root)", "SEC_ERROR_UNTRUSTED_CERT", "NSS, .NET"),
    ("badcert-not-trusted", "BADCERT_NOT_TRUSTED", "mbedTLS"),
    ("not-trusted-by-local-or-tlsa-policy", "not trusted by local or TLSA policy", "Postfix"),
    ("not-signed-by-a-trusted-(?:ca|authority)", "Peer certificate is not signed by a trusted CA", "several"),
    ("signer-(?:was-)?not-found", "certificate verification failed: signer not found", "GnuTLS, Exim"),
    ("not-correctly-signed-by-the-trusted-ca", "The certificate is not correctly signed by the trusted CA", "mbedTLS"),
    ("invalid-ca", "invalid CA certificate", "OpenSSL"),
    ("ca-cert-invalid", "SEC_ERROR_CA_CERT_INVALID", "NSS"),
    ("(?:certificate|cert)-chain-too-long", "certificate chain too long", "OpenSSL"),
    (
        "(?:chain-(?:is-)?(?:incomplete|not-complete)|incomplete-(?:certificate-)?chain|partial-chain)",
        "chain is incomplete",
        "several, .NET",
    ),
    ("(?:missing|did-not-send-(?:…-)?|no)-?intermediate-(?:ca-)?certificates?", "missing intermediate certificate", "several"),
    ("intermediate-certificates?-(?:is-|are-|was-)?(?:missing|not-(?:sent|found))", "intermediate certificate not sent", "several"),
    ("(?:cannot|could-not|unable-to|failed-to)-build-(?:a-|the-)?(?:certificate-)?chain", "unable to build certificate chain", "several"),
    ("chain-could-not-be-built", "A certificate chain could not be built to a trusted root authority", "SChannel"),
    ("no-trusted-root", "no trusted root found", "several"),
    ("untrusted-(?:ca|authority)", "The certificate is signed by an untrusted CA", "several"),
    ("path-length", "path length constraint exceeded", "OpenSSL"),
    (
        "(?:unable-to-find-valid-certification-path|path-building-failed)",
        "PKIX path building failed: unable to find valid certification path to requested target",
        "Java",
    ),
    ("not-chain-with-any-of-the-trust-anchors", "Path does not chain with any of the trust anchors", "Java"),
    ("remote-certificate-chain-errors", "RemoteCertificateChainErrors", ".NET"),
    ("(?:issued-by-an-)?authority-that-is-not-trusted", "The certificate chain was issued by an authority that is not trusted", "SChannel"),
    (
        "(?:not-trusted-by-the-trust-provider|sec-e-untrusted-root|cert-e-untrustedroot|cert-e-chaining)",
        "A certificate chain processed, but terminated in a root certificate which is not trusted by the trust provider",
        "SChannel",
    ),
    ("0x(?:80090325|800b0109|800b010a)", "schannel: 0x80090325 (SEC_E_UNTRUSTED_ROOT)", "SChannel"),
    ("gnutls-cert-(?:signer-not-found|signer-not-ca|revoked|insecure-algorithm)", "GNUTLS_CERT_SIGNER_NOT_FOUND", "GnuTLS"),
    ("(?:certificate|cert)-(?:is-|has-been-)?revoked", "certificate revoked", "OpenSSL"),
    ("revoked-certificate", "SEC_ERROR_REVOKED_CERTIFICATE", "NSS"),
    ("badcert-revoked", "BADCERT_REVOKED", "mbedTLS"),
    ("(?:certificate|cert)-signature-(?:failure|failed)", "certificate signature failure", "OpenSSL"),
    ("(?:ca|ee)-(?:md|key)-too-(?:weak|small)", "CA_MD_TOO_WEAK", "OpenSSL"),
    ("certificate-key-too-(?:weak|small)", "EE certificate key too weak", "OpenSSL"),
    ("ca-used-as-end-entity", "invalid peer certificate: CaUsedAsEndEntity", "rustls"),
    ("invalid-peer-certificate-(?:bad-signature|revoked)", "invalid peer certificate: BadSignature", "rustls"),
    ("not-authorized-to-sign-other-certificates", "x509: certificate is not authorized to sign other certificates", "Go"),
    ("subject-issuer-mismatch", "subject issuer mismatch", "OpenSSL"),
    ("unsupported-certificate-purpose", "unsupported certificate purpose", "OpenSSL"),
)


def _all() -> tuple[Wording, ...]:
    groups = (
        ("mx-not-in-policy", _NOT_LISTED),
        ("dane-missing", _NO_TLSA),
        ("tlsa-mismatch", _TLSA),
        ("dnssec-broken", _DNSSEC),
        ("starttls-missing", _NO_STARTTLS),
        ("mx-certificate-expired", _EXPIRED),
        ("mx-certificate-untrusted", _UNTRUSTED[-2:-1]),
        ("mx-certificate-name", _NAME),
        ("mx-certificate-untrusted", _UNTRUSTED),
    )
    return tuple(Wording(cause, *entry) for cause, entries in groups for entry in entries)


WORDINGS = _all()
"""All of them, in the order in which they are tried."""

_FROM_OUR_SERVER = re.compile(r"(?:^|-)(?:remote-error-tls|server-alert-fatal|received-(?:a-)?(?:tls-)?(?:fatal-)?alert)-.*")
"""What follows is an alert that our server sent (Go, Erlang, Java, rustls), up to the end."""


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the causes with what finds them; most commands meet no reason, and to compile them is a tenth of their start."""
    return tuple((wording.cause, re.compile(rf"(?:^|-)(?:{wording.phrase.replace('…', '.*?')})(?:-|$)")) for wording in WORDINGS)


def cause_in(folded: str) -> str | None:
    """Return the cause of the first wording that occurs in a folded text."""
    said = _FROM_OUR_SERVER.sub("", folded)
    return next((cause for cause, phrase in _compiled() if phrase.search(said)), None)
