"""Rows say what the report says, in the columns of the schema."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import VOUCHED, Verdict
from pipeline.report.model import Envelope, Reading, Rejected
from pipeline.report.rows import Ownership, build_rows
from pipeline.report.sts_policy import policy_hash
from pipeline.tables.row_types import FailureRow, MessageRow, PolicyRow, ReportRow
from pipeline.tables.schema import TABLES, arrow_schema
from tests.report.samples import RECEIVED, RUN, STS_LINES, TLSA, detail, mail, policy, report, rows_of
from tests.some import some

FULL = report(
    policy(
        good=100,
        bad=5,
        details=[
            detail(failed_session_count=4, receiving_mx_helo="mx1", additional_information="https://a.example/", failure_reason_code="X"),
            detail(result_type="Odd-Type", failed_session_count=1, sending_mta_ip="?"),
        ],
    ),
    policy(good=30, policy_type="tlsa", policy_string=[TLSA], policy_domain="mx1.example.com", mx_host=...),
    policy(good=7, policy_type="no-policy-found", policy_string=..., mx_host=...),
)


def test_a_report_becomes_one_report_row():
    row = rows_of(mail(FULL)).reports[0].report
    assert (row.report_month, row.report_day) == ("2026-05", date(2026, 5, 11))
    assert (row.window_start, row.window_end) == (datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 11, 23, 59, 59, tzinfo=UTC))
    assert (row.window_start_raw, row.window_end_raw) == ("2026-05-11T00:00:00Z", "2026-05-11T23:59:59Z")
    assert (row.submitter_domain, row.submitter_source, row.trust_tier) == ("reporter.example", "contact", "vouched")
    assert (row.organization_name, row.contact_info) == ("Reporter Inc.", "tls-reports@reporter.example")
    assert (row.policy_count, row.failure_detail_count, row.report_domains) == (3, 2, ("example.com",))
    assert (row.received_at, row.ingested_at, row.parser_version) == (RECEIVED, RUN.ingested_at, "0")


def test_each_policy_becomes_a_policy_row():
    sts, tlsa, nothing = rows_of(mail(FULL)).reports[0].policies
    assert (sts.success_count, sts.failure_count, sts.failure_detail_sum, sts.count_mismatch) == (100, 5, 5, False)
    assert (sts.sts_version, sts.sts_mode, sts.sts_max_age_seconds) == ("STSv1", "enforce", 604800)
    assert sts.sts_mx == ("mx1.example.com", "*.mail.example.com")
    assert (sts.mx_host, sts.policy_strings, sts.policy_hash) == (("mx1.example.com",), tuple(STS_LINES), policy_hash(STS_LINES))
    assert (tlsa.tlsa_records, tlsa.policy_domain, tlsa.sts_mode, tlsa.policy_ix) == ((TLSA,), "mx1.example.com", None, 1)
    assert (nothing.policy_strings, nothing.policy_hash, nothing.success_count, nothing.policy_ix) == ((), None, 7, 2)


def test_each_detail_becomes_a_failure_row():
    first, second = rows_of(mail(FULL)).reports[0].failures
    assert (first.result_type, first.result_group, first.failed_session_count) == ("certificate-expired", "negotiation", 4)
    assert (first.sending_mta_ip, first.receiving_ip, first.receiving_mx_hostname) == ("192.0.2.10", "198.51.100.25", "mx1.example.com")
    assert (first.receiving_mx_helo, first.additional_information, first.failure_reason_code) == ("mx1", "https://a.example/", "X")
    assert (first.policy_type, first.policy_domain, first.report_domain) == ("sts", "example.com", "example.com")
    assert (first.policy_ix, first.failure_ix, first.policy_hash) == (0, 0, policy_hash(STS_LINES))
    assert (second.failure_ix, second.result_type, second.result_type_raw, second.result_group) == (1, "odd-type", "Odd-Type", "other")
    assert (second.sending_mta_ip, second.sending_mta_ip_raw) == (None, "?")


def test_the_message_row_says_where_the_mail_came_from_and_what_it_says():
    row = rows_of(mail()).message
    assert (row.account, row.folder, row.uidvalidity, row.uid, row.received_month) == ("rua", "INBOX", 7, 42, "2026-05")
    assert (row.header_date, row.message_id) == (datetime(2026, 5, 12, 15, 44, 48, tzinfo=UTC), "<1@reporter.example>")
    assert (row.from_domain, row.tls_report_domain, row.tls_report_submitter) == ("reporter.example", "example.com", "reporter.example")
    assert (row.media_type, row.container, row.subject_report_id) == ("application/tlsrpt+gzip", "gzip", "1@reporter.example")
    assert (row.outcome, row.reject_code, row.size_bytes, row.changed_at) == ("stored", None, len(mail()), None)
    assert len(row.message_sha256) == 64
    assert len(row.report_keys) == 1


def test_a_message_that_was_not_fetched_is_too_large_and_has_no_digest():
    fetched = Fetched(MessageRef("rua", "INBOX", 7, 42), None, RECEIVED, 99_000_000)
    nothing = Envelope(None, None, None, None, None, None, None, None, declared=False)
    rows = build_rows(
        fetched=fetched, reading=Reading(nothing, (), Rejected("too_large_message", "x")), verdicts=(), own=Ownership(), run=RUN
    )
    assert (rows.message.outcome, rows.message.message_sha256, rows.message.trust_tier, rows.content) == (
        "too_large",
        "",
        "unverified",
        b"",
    )


@pytest.mark.parametrize(
    ("verdict", "headers", "signed"),
    [
        (Verdict("verified", "dkim", "pass", dkim_signed_headers=("tls-report-domain", "tls-report-submitter")), None, True),
        (Verdict("verified", "dkim", "pass", dkim_signed_headers=("tls-report-domain",)), None, False),
        (Verdict("verified", "dkim", "pass", dkim_signed_headers=("tls-report-domain", "tls-report-submitter")), "", None),
        (Verdict("unverified", "dkim", "fail", dkim_signed_headers=("tls-report-domain", "tls-report-submitter")), None, None),
        (VOUCHED, None, None),
    ],
)
def test_headers_count_as_signed_only_under_a_passing_signature(verdict, headers, signed):
    content = mail() if headers is None else mail(headers=headers)
    assert rows_of(content, verdict=verdict).message.tls_headers_signed is signed


def test_the_verdict_of_the_first_report_that_was_read_is_that_of_the_message():
    content = mail(parts=2)
    at = content.index(b"H4sI") + 60
    spoiled = content[:at] + b"AAAA" + content[at + 4 :]
    rows = rows_of(spoiled, verdict=Verdict("verified", "dkim", "pass"))
    assert (rows.message.outcome, rows.message.trust_tier, rows.message.reject_code) == ("stored", "verified", "gzip_corrupt")


def test_rows_have_the_columns_of_the_schema_in_order():
    for name, kind in (("messages", MessageRow), ("reports", ReportRow), ("policies", PolicyRow), ("failures", FailureRow)):
        assert ("batch", *kind._fields) == TABLES[name].column_names


def test_rows_fit_the_types_of_the_schema():
    rows = rows_of(mail(FULL))
    report_row, policies, failures = rows.reports[0]
    for name, found in (("messages", [rows.message]), ("reports", [report_row]), ("policies", policies), ("failures", failures)):
        table = pa.Table.from_pylist([{"batch": 1, **row._asdict()} for row in found], schema=arrow_schema(name))
        table.validate(full=True)
        assert all(table[field.name].null_count == 0 for field in some(table.schema) if not field.nullable)
