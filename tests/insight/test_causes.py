"""Which cause a failure detail speaks of: result type, reason code, and the MX host held against the policy applied."""

from __future__ import annotations

import pytest

from pipeline.insight.detect.causes import CAUSES, Sign, cause_of, is_outside
from pipeline.insight.detect.reason_codes import cause_from_reason, fold, handshake_hint
from pipeline.insight.wordings import WORDINGS, cause_in

PATTERNS = ("mx1.example.org", "*.mail.example.org")


def test_the_list_of_causes_is_closed():
    assert list(CAUSES) == [
        "mx-certificate-expired",
        "mx-certificate-name",
        "mx-certificate-untrusted",
        "mx-not-in-policy",
        "starttls-missing",
        "starttls-stripped",
        "policy-unreachable",
        "policy-host-certificate",
        "policy-invalid",
        "policy-stale",
        "policy-lost",
        "tlsa-mismatch",
        "dnssec-broken",
        "dane-missing",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("policy_type", "result_type", "cause"),
    [
        ("sts", "certificate-expired", "mx-certificate-expired"),
        ("sts", "certificate-host-mismatch", "mx-certificate-name"),
        ("sts", "certificate-not-trusted", "mx-certificate-untrusted"),
        ("sts", "starttls-not-supported", "starttls-missing"),
        ("no-policy-found", "starttls-not-supported", "starttls-missing"),
        ("sts", "sts-policy-fetch-error", "policy-unreachable"),
        ("sts", "sts-webpki-invalid", "policy-host-certificate"),
        ("sts", "sts-policy-invalid", "policy-invalid"),
        ("tlsa", "tlsa-invalid", "tlsa-mismatch"),
        ("tlsa", "dnssec-invalid", "dnssec-broken"),
        ("tlsa", "dane-required", "dane-missing"),
        ("tlsa", "certificate-not-trusted", "tlsa-mismatch"),
        ("sts", "validation-failure", "unknown"),
        ("sts", "", "unknown"),
        ("sts", "some-new-type", "unknown"),
    ],
)
def test_each_result_type_without_more_said(policy_type, result_type, cause):
    assert cause_of(Sign(policy_type, result_type)) == cause


@pytest.mark.parametrize(
    ("policy_type", "result_type", "reason", "cause"),
    [
        ("sts", "validation-failure", "MX_HOSTS_MISMATCH", "mx-not-in-policy"),
        ("sts", "validation-failure", "VALIDATION_FAILURE", "unknown"),
        ("sts", "validation-failure", "self-signed_certificate", "mx-certificate-untrusted"),
        ("sts", "validation-failure", "self-signed_certificate_in_certificate_chain", "mx-certificate-untrusted"),
        ("sts", "validation-failure", "unable_to_get_local_issuer_certificate", "mx-certificate-untrusted"),
        ("sts", "validation-failure", "X509_V_ERR_CERT_HAS_EXPIRED", "mx-certificate-expired"),
        ("sts", "validation-failure", "certificate_has_expired", "mx-certificate-expired"),
        ("sts", "validation-failure", "hostname_mismatch", "mx-certificate-name"),
        ("sts", "certificate-not-trusted", "invalid peer certificate: Expired", "mx-certificate-expired"),
        ("sts", "certificate-not-trusted", "invalid peer certificate: NotValidForName", "mx-certificate-name"),
        ("sts", "certificate-not-trusted", "invalid peer certificate: UnknownIssuer", "mx-certificate-untrusted"),
        ("sts", "certificate-not-trusted", "received fatal alert: HandshakeFailure", "unknown"),
        ("sts", "validation-failure", "MX not authorized by policy.", "mx-not-in-policy"),
        ("sts", "validation-failure", "mtasts-policy-mx-mismatch", "mx-not-in-policy"),
        ("sts", "validation-failure", "tls-handshake-failure", "unknown"),
        ("sts", "validation-failure", "tls-remote-alert-70-protocol-version-not-supported", "unknown"),
        ("tlsa", "validation-failure", "all-TLSA-records-unusable", "tlsa-mismatch"),
        ("tlsa", "validation-failure", "no_matching_DANE_TLSA_records", "tlsa-mismatch"),
        ("tlsa", "validation-failure", "dane-no-match", "tlsa-mismatch"),
        ("tlsa", "validation-failure", "self-signed_certificate", "tlsa-mismatch"),
        ("sts", "sts-policy-fetch-error", "bad https response code: 404", "policy-unreachable"),
        ("sts", "sts-policy-fetch-error", "certificate has expired", "policy-host-certificate"),
        ("sts", "validation-failure", "Ünbekannt \x1b[31m <script>", "unknown"),
    ],
)
def test_the_reason_codes_senders_use(policy_type, result_type, reason, cause):
    assert cause_of(Sign(policy_type, result_type, reason)) == cause


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("mx1.example.org", "unknown"),
        ("mx2.example.org", "mx-not-in-policy"),
        ("a.mail.example.org", "unknown"),
        ("a.b.mail.example.org", "mx-not-in-policy"),
        ("mail.example.org", "mx-not-in-policy"),
        (None, "unknown"),
    ],
)
def test_a_validation_failure_is_resolved_by_the_patterns_with_a_wildcard_of_one_label(host, cause):
    assert cause_of(Sign("sts", "validation-failure", None, host, PATTERNS)) == cause


def test_a_name_mismatch_on_a_host_outside_the_policy_is_the_policy():
    # A sender that matches the certificate's names against the patterns says so.
    assert cause_of(Sign("sts", "certificate-host-mismatch", "hostname_mismatch", "mx9.example.org", PATTERNS)) == "mx-not-in-policy"
    assert cause_of(Sign("sts", "certificate-host-mismatch", "hostname_mismatch", "mx1.example.org", PATTERNS)) == "mx-certificate-name"


def test_a_self_signed_certificate_on_a_host_outside_the_policy_stays_what_the_sender_said():
    assert cause_of(Sign("sts", "validation-failure", "self-signed_certificate", "mx9.example.org", PATTERNS)) == "mx-certificate-untrusted"


def test_without_patterns_no_host_is_outside():
    assert not is_outside("mx9.example.org", ())
    assert not is_outside(None, PATTERNS)


def test_an_unknown_reason_names_no_cause_and_a_broken_handshake_is_said_in_words():
    assert cause_from_reason("quux") is None
    assert cause_from_reason(None) is None
    assert "TLS version" in (handshake_hint("tls-remote-alert-70-protocol-version-not-supported") or "")
    assert "in time" in (handshake_hint("io-timeout-during-handshake") or "")
    assert handshake_hint("quux") is None


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: f"{wording.source}: {wording.witness}"[:60])
def test_every_wording_has_a_witness_that_it_and_no_other_cause_finds(wording):
    assert cause_in(fold(wording.witness)) == wording.cause
    assert wording.source


@pytest.mark.parametrize(
    ("policy_type", "result_type", "reason", "cause"),
    [
        ("sts", "validation-failure", "STARTTLS handshake failed: certificate has expired", "mx-certificate-expired"),
        (
            "sts",
            "validation-failure",
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "mx-certificate-untrusted",
        ),
        ("sts", "certificate-not-trusted", "x509: certificate is valid for mail.example.org, not mx1.example.org", "mx-certificate-name"),
        ("sts", "certificate-not-trusted", "Hostname/IP does not match certificate's altnames", "mx-certificate-name"),
        ("sts", "certificate-not-trusted", "TLS handshake failed: certificate verify failed", "mx-certificate-untrusted"),
        (
            "sts",
            "validation-failure",
            "SSL_connect error: error:0A000086:SSL routines::certificate verify failed:num=20:unable to get local issuer certificate",
            "mx-certificate-untrusted",
        ),
        ("sts", "validation-failure", "MX mx9.example.org not found in MTA-STS policy", "mx-not-in-policy"),
        ("sts", "sts-policy-fetch-error", "x509: certificate is valid for example.org, not mta-sts.example.org", "policy-host-certificate"),
        ("sts", "sts-policy-fetch-error", "dial tcp 192.0.2.1:443: connect: connection refused", "policy-unreachable"),
        ("tlsa", "validation-failure", "No-TLSA-records-found", "dane-missing"),
        ("sts", "no-policy-found", None, "policy-lost"),
    ],
)
def test_the_fault_that_a_sentence_names_decides(policy_type, result_type, reason, cause):
    assert cause_of(Sign(policy_type, result_type, reason)) == cause


@pytest.mark.parametrize(
    "reason",
    [
        "STARTTLS=client, relay=mx1.example.org., version=TLSv1.3, verify=FAIL, cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
        "STARTTLS=client, error: connect failed=-1, reason=tlsv1 alert protocol version",
        "TLS session failure: SSL_connect: error:0A000438:SSL routines::tlsv1 alert internal error after STARTTLS",
        "starttls-timeout",
        "unable_to_get_CRL",
        "CRL has expired",
        "TLS session ticket has expired",
        "client certificate has expired",
        "certificate has not expired",
        "sslv3 alert certificate expired",
        "tls-remote-alert-48-unknown-ca",
        "received fatal alert: UnknownCA",
        "remote error: tls: expired certificate",
        "TLS client: In state connection received SERVER ALERT: Fatal - Certificate Expired",
        "the client's certificate has expired",
        "certificate verify failed",
        "TLSA lookup error",
        "DNSSEC was used",
        "the issuer did not answer",
        "unable to check whether the certificate was revoked",
        "403 4.7.0 TLS handshake failed",
    ],
)
def test_a_word_alone_decides_nothing(reason):
    assert cause_of(Sign("sts", "validation-failure", reason)) == "unknown"
