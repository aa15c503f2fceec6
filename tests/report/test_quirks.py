"""Every quirk code is produced by the deviation it names, which costs nothing but the code."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import timedelta

import pytest

from pipeline.report.model import ParsedReport
from pipeline.report.quirks import QUIRKS
from tests.report.samples import RECEIVED, TLSA, detail, mail, policy, read_only, report, rows_of, text_of, window


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", content)
    return file.getvalue()


def failing(**changes):
    return report(policy(bad=2, details=[detail(**changes)]))


def summary(**counts):
    entry = policy()
    entry["summary"] = {name.replace("_", "-"): value for name, value in counts.items()}
    return report(entry)


def with_underscore():
    document = failing()
    document["policies"][0]["failure_details"] = document["policies"][0].pop("failure-details")
    return document


TLSA_ONLY = report(policy(policy_type="tlsa", policy_string=[TLSA], policy_domain="mx1.example.com", mx_host=...))
NO_HEADERS = {"headers": ""}

DOCUMENTS = {
    "bom": [b"\xef\xbb\xbf" + text_of(report())],
    "key_underscore": [with_underscore()],
    "key_draft_alias": [
        failing(**{"failure-reason-code": ..., "failure-error-code": "X"}),
        failing(**{"additional-info-uri": "https://reporter.example/"}),
        failing(**{"failed-session-count": ..., "session-count": 2}),
        failing(**{"failed-session-count": ..., "failure-sessions": 2}),
        failing(**{"receiving-mx-hostname": ..., "receiving-mta-hostname": "mx1.example.com"}),
        report(policy(**{"mx-host": ..., "mx-host-pattern": ["mx1.example.com"]})),
        summary(success_aggregate=10, failure_aggregate=0),
        summary(success_count=10, failure_count=0),
        summary(total_success_session_count=10, total_failure_session_count=0),
        report(policies=..., policy=policy()["policy"], summary=policy()["summary"]),
    ],
    "unknown_key": [report(extra=1), report(policy(extra={"a": [1]})), failing(extra=None)],
    "empty_as_null": [report(organization_name=""), failing(failure_reason_code=""), failing(receiving_mx_hostname="")],
    "control_chars": [report(organization_name="a\x07b"), failing(failure_reason_code="a\u202eb"), report(organization_name="a\uffffb")],
    "truncated": [report(organization_name="x" * 300), failing(failure_reason_code="x" * 3000)],
    "tz_missing": [window("2026-05-11T00:00:00", "2026-05-11T23:59:59")],
    "tz_offset": [window("2026-05-11T02:00:00+02:00", "2026-05-12T01:59:59+02:00")],
    "window_unaligned": [window("2026-05-11T12:00:00Z", "2026-05-11T13:00:00Z")],
    "window_long": [window("2026-04-11T00:00:00Z", "2026-05-11T00:00:00Z")],
    "stale": [window("2020-05-11T00:00:00Z", "2020-05-11T23:59:59Z")],
    "contact_missing": [report(contact_info=None), report(contact_info=...), report(contact_info="")],
    "contact_invalid": [report(contact_info="postmaster")],
    "policy_type_unknown": [report(policy(policy_type="none-policy-found")), report(policy(policy_type=...))],
    "policy_domain_derived": [
        report(policy(), policy(policy_type="no-policy-found", policy_domain=..., policy_string=..., mx_host=...)),
        report(policy(policy_domain=...)),
    ],
    "policy_string_scalar": [report(policy(policy_string="version: STSv1\r\nmode: enforce"))],
    "policy_string_nested": [report(policy(), policy(policy_type="tlsa", policy_string=[f'["{TLSA}","{TLSA}"]'], mx_host=...))],
    "policy_string_missing": [report(policy(policy_string=...)), report(policy(policy_string=[])), report(policy(policy_string=None))],
    "mx_host_scalar": [report(policy(mx_host="mx1.example.com"))],
    "mx_host_prefix": [report(policy(mx_host=["mx: mx1.example.com"]))],
    "mx_host_misplaced": [report(policy(policy_type="no-policy-found", policy_string=...))],
    "idn_ulabel": [report(policy(policy_domain="göpher.example"))],
    "host_invalid": [failing(receiving_mx_hostname="[192.0.2.25]"), failing(receiving_mx_hostname="a." * 200)],
    "count_missing": [summary(total_successful_session_count=10), failing(failed_session_count=...)],
    "count_coerced": [report(policy(good="10")), report(policy(good=10.0)), failing(failed_session_count="2")],
    "count_mismatch": [report(policy(bad=1, details=[detail(), detail()]))],
    "failure_without_details": [report(policy(bad=1)), report(policy(bad=1, details=[]))],
    "details_without_failure": [report(policy(bad=0, details=[detail()]))],
    "result_type_missing": [failing(result_type=...), failing(result_type="")],
    "result_type_unknown": [failing(result_type="quantum-failure")],
    "ip_empty": [failing(sending_mta_ip="")],
    "ip_invalid": [failing(sending_mta_ip="mail.reporter.example"), failing(receiving_ip="192.0.2.256"), failing(receiving_ip="x" * 5000)],
    "helo_multiline": [failing(receiving_mx_helo="mx1.example.com\r\nPIPELINING\r\n")],
    "uri_invalid": [failing(additional_information="see the manual"), failing(additional_information="https://reporter.example/a b")],
}
"""Quirks of the JSON text, sent in an otherwise plain mail."""

MAILS = {
    "media_type_odd": [mail(media_type="application/gzip"), mail(text_of(report())), mail(media_type="application/tlsrpt")],
    "not_multipart_report": [mail(top='multipart/mixed; boundary="=b"')],
    "nested_message": [b"Content-Type: message/rfc822\r\n\r\n" + mail(text_of(report()))],
    "json_array": [mail(b"[" + text_of(report()) + b"]")],
    "zip_container": [mail(zipped(text_of(report())))],
    "submitter_not_domain": [mail(headers="TLS-Report-Domain: example.com\r\nTLS-Report-Submitter: Reporter Inc.\r\n")],
    "submitter_mismatch": [mail(headers="TLS-Report-Domain: example.com\r\nTLS-Report-Submitter: other.example\r\n")],
    "report_domain_unsigned": [mail(TLSA_ONLY)],
    "policy_domain_derived": [mail(TLSA_ONLY, headers="")],
    "base64_junk": [
        mail().replace(b"--=b--", b"!!\r\n--=b--"),
        mail().replace(b"H4sI", b"H4!sI"),
        mail().replace(b"=\r\n--=b--", b"\r\n--=b--") if b"=\r\n--=b--" in mail() else mail().replace(b"H4sI", b"H4 sI"),
    ],
    "trailing_nul": [mail(gzip.compress(text_of(report())) + bytes(3)), mail(text_of(report()) + bytes(3))],
}
"""Quirks of the mail around it."""

CASES = [(code, mail(case if isinstance(case, dict) else gzip.compress(case))) for code, cases in DOCUMENTS.items() for case in cases] + [
    (code, case) for code, cases in MAILS.items() for case in cases
]


def test_every_quirk_has_a_case():
    # A file, and not a mail, may name no domain at all: see test_nested.
    assert {code for code, _ in CASES} | {"report_domain_assumed"} == set(QUIRKS)


@pytest.mark.parametrize(("code", "content"), CASES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(CASES)])
def test_a_deviation_is_tolerated_and_named(code, content):
    rows = rows_of(content)
    assert rows.message.outcome == "stored", rows.message.reject_detail
    assert code in rows.reports[0].report.quirks
    assert [(row.success_count) for row in rows.reports[0].policies if row.policy_ix == 0] == [10]


def test_a_plain_report_has_no_quirks():
    assert rows_of(mail()).reports[0].report.quirks == ()
    assert rows_of(mail(failing())).reports[0].report.quirks == ()


def test_every_quirk_is_explained_in_a_sentence():
    for code, sentence in QUIRKS.items():
        assert code == code.lower()
        assert " " not in code
        assert len(sentence) > 20
        assert not sentence.endswith(".")


def test_an_alias_loses_against_the_member_it_stands_for():
    result = read_only(mail(failing(**{"failure-reason-code": "right", "failure-error-code": "wrong"})))
    assert isinstance(result, ParsedReport)
    assert result.policies[0].failures[0].failure_reason_code == "right"
    assert "key_draft_alias" in result.quirks


def test_aliases_lose_nothing():
    document = report(
        policy(
            bad=3,
            details=[{"result-type": "validation-failure", "session-count": 3, "failure_error_code": "X", "sending_mta_ip": "192.0.2.1"}],
        )
    )
    failure = read_only(mail(document)).policies[0].failures[0]
    assert (failure.failed_session_count, failure.failure_reason_code, failure.sending_mta_ip) == (3, "X", "192.0.2.1")


def test_unknown_members_are_named_by_path_and_counted():
    document = report(policy(details=[detail(odd=1), detail(odd=2)], strange={"a": {"b": []}}), added=[1])
    result = read_only(mail(document))
    assert result.unknown_members == ("added", "policies[].failure-details[].odd", "policies[].policy.strange")
    assert result.unknown_member_count == 4


def test_an_old_mail_imported_today_is_not_stale():
    """Its Date is of that time, whenever it was imported."""
    assert "stale" not in read_only(mail(), received_at=RECEIVED + timedelta(days=900)).quirks


def test_a_file_says_nothing_about_when_a_report_came():
    assert rows_of(text_of(window("2020-05-11T00:00:00Z", "2020-05-11T23:59:59Z")), bare=True).reports[0].report.quirks == ()
