"""The TXT records: what senders make of them (RFC 8460 §3, RFC 8461 §3.1)."""

from __future__ import annotations

import pytest

from pipeline.published.records import read_sts, read_tlsrpt

GOOD_RUA = "v=TLSRPTv1; rua=mailto:tls@example.org"


def codes(findings) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        GOOD_RUA,
        "v=TLSRPTv1;rua=mailto:tls@example.org",
        "v=TLSRPTv1 ; rua=mailto:tls@example.org , https://tls.example.org/v1 ;",
        "v=TLSRPTv1; rua=https://tls.example.org/report; ext=some",
    ],
)
def test_a_good_tlsrpt_record_is_ok(text):
    record, findings = read_tlsrpt("example.org", [text, "v=spf1 -all"])
    assert record is not None
    assert codes(findings) == [("tlsrpt-record-ok", "ok")]


def test_addresses_and_their_mail_domains_are_read():
    record, _ = read_tlsrpt("example.org", ["v=TLSRPTv1; rua=mailto:a@Example.net,https://h.example/x,mailto:b@example.net"])
    assert record.rua == ("mailto:a@Example.net", "https://h.example/x", "mailto:b@example.net")
    assert record.mail_domains == ("example.net",)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], "tlsrpt-record-missing"),
        (["v=spf1 -all"], "tlsrpt-record-missing"),
        (["v=tlsrptv1; rua=mailto:a@example.org"], "tlsrpt-version-invalid"),
        ([" v=TLSRPTv1; rua=mailto:a@example.org"], "tlsrpt-version-invalid"),
        (["v=TLSRPTv10; rua=mailto:a@example.org"], "tlsrpt-version-invalid"),
        ([GOOD_RUA, GOOD_RUA], "tlsrpt-record-several"),
        (["v=TLSRPTv1"], "tlsrpt-rua-missing"),
        (["v=TLSRPTv1; rua="], "tlsrpt-rua-missing"),
        (["v=TLSRPTv1; rua=tls@example.org"], "tlsrpt-rua-invalid"),
        (["v=TLSRPTv1; rua=ftp://example.org/x"], "tlsrpt-rua-invalid"),
        (["v=TLSRPTv1; rua=mailto:nobody"], "tlsrpt-rua-invalid"),
        (["v=TLSRPTv1; mailto; rua=mailto:a@example.org"], "tlsrpt-field-invalid"),
    ],
)
def test_each_fault_of_a_tlsrpt_record_has_its_finding_and_no_other(texts, code):
    _, findings = read_tlsrpt("example.org", texts)
    assert codes(findings) == [(code, "error")]
    assert findings[0].why
    assert findings[0].fix


@pytest.mark.parametrize("text", ["v=STSv1; id=20260101", "v=STSv1;id=a1;", "v=STSv1; id=20260101T000000; x=y;"])
def test_a_good_sts_record_is_ok(text):
    record, findings = read_sts("example.org", [text])
    assert record is not None
    assert codes(findings) == [("sts-record-ok", "ok")]


@pytest.mark.parametrize(
    ("texts", "code", "severity"),
    [
        ([], "sts-record-missing", "warn"),
        (["v=STSV1; id=1"], "sts-version-invalid", "error"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], "sts-record-several", "error"),
        (["v=STSv1;"], "sts-id-invalid", "error"),
        (["v=STSv1; id=2026-01-01"], "sts-id-invalid", "error"),
        (["v=STSv1; id=" + "1" * 33], "sts-id-invalid", "error"),
    ],
)
def test_each_fault_of_an_sts_record_has_its_finding_and_no_other(texts, code, severity):
    _, findings = read_sts("example.org", texts)
    assert codes(findings) == [(code, severity)]


@pytest.mark.parametrize(
    ("rua", "fix"),
    [
        ("mailto:tls@example.org!10m", "write mailto:tls@example.org: a size limit"),
        ("tls@example.org", "write mailto:tls@example.org"),
        ("http://r.example.org/x", "write https://r.example.org/x"),
        ("ftp://r.example.org/x", "write mailto:NAME@DOMAIN"),
    ],
)
def test_an_address_that_senders_cannot_use_is_shown_as_it_should_be(rua, fix):
    (finding,) = (each for each in read_tlsrpt("example.org", [f"v=TLSRPTv1; rua={rua}"])[1] if each.severity == "error")
    assert finding.code == "tlsrpt-rua-invalid"
    assert finding.fix.startswith(fix)


def test_of_several_records_one_is_made_to_all_addresses_whatever_their_order():
    texts = ["v=TLSRPTv1; rua=mailto:b@example.org", "v=TLSRPTv1; rua=mailto:a@example.org, mailto:b@example.org"]
    for order in (texts, texts[::-1]):
        (finding,) = read_tlsrpt("example.org", order)[1]
        assert finding.publish == '_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:a@example.org,mailto:b@example.org"'
    (finding,) = read_sts("example.org", ["v=STSv1; id=2", "v=STSv1; id=1"])[1]
    assert finding.publish == '_mta-sts.example.org. TXT "v=STSv1; id=1"'


def test_a_record_with_quotation_marks_inside_is_shown_without_them():
    (finding,) = read_sts("example.org", ['"v=STSv1; id=7;"'])[1]
    assert finding.publish == '_mta-sts.example.org. TXT "v=STSv1; id=7;"'
