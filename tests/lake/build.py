"""Rows for tests, from few words: `message("m1", report("r1"), report("r2", tier="verified"))`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.lake.dedup.batch_rows import _claims, essence_of, tables_of
from pipeline.lake.dedup.settle import Claim
from pipeline.tables.chunk_columns import chunk_columns
from pipeline.tables.row_types import FailureRow, MessageRow, MessageRows, PolicyRow, ReportRow, ReportRows

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
INGESTED = datetime(2026, 3, 11, 6, tzinfo=UTC)


def sha(text: str | bytes) -> str:
    """Return the sha256 of a text, as hex."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def report(
    name: str = "r1",
    *,
    content: str = "a",
    tier: str = "vouched",
    domain: str = "example.org",
    day: date = date(2026, 3, 9),
    good: int = 90,
    bad: int = 10,
    submitter: str = "reporter.example",
    result_type: str = "certificate-expired",
    mx: str = "mx1.example.org",
    policy_type: str = "sts",
    domains: tuple[str, ...] = (),
) -> ReportRows:
    """One report: `name` makes its identity, `content` its digest. One policy a domain, one failure detail where `bad` is not 0."""
    about = domains or (domain,)
    identity = sha(f"identity {name} {day} {submitter} {about}")
    digest = sha(f"content {name} {content}")
    key = sha(f"{identity} {tier} {digest}")
    month = f"{day:%Y-%m}"
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    policies = tuple(
        PolicyRow(
            report_month=month,
            report_key=key,
            policy_ix=ix,
            report_day=day,
            report_domain=each,
            report_domain_source="policy",
            submitter_domain=submitter,
            trust_tier=tier,
            policy_type=policy_type,
            policy_type_raw=None,
            policy_domain=each,
            policy_domain_derived=False,
            policy_strings=("version: STSv1", "mode: testing", f"mx: {mx}", "max_age: 86400"),
            policy_hash=sha(f"policy {each}"),
            sts_version="STSv1",
            sts_mode="testing",
            sts_max_age_seconds=86400,
            sts_mx=(mx,),
            mx_host=(mx,),
            tlsa_records=(),
            success_count=good,
            failure_count=bad,
            failure_detail_sum=bad,
            count_mismatch=False,
        )
        for ix, each in enumerate(about)
    )
    failures = tuple(
        FailureRow(
            report_month=month,
            report_key=key,
            policy_ix=policy.policy_ix,
            failure_ix=0,
            report_day=day,
            report_domain=policy.report_domain,
            submitter_domain=submitter,
            trust_tier=tier,
            policy_type=policy_type,
            policy_domain=policy.policy_domain,
            policy_hash=policy.policy_hash,
            result_type=result_type,
            result_type_raw=None,
            result_group="negotiation",
            sending_mta_ip="192.0.2.1",
            sending_mta_ip_raw=None,
            receiving_ip="198.51.100.1",
            receiving_ip_raw=None,
            receiving_mx_hostname=mx,
            receiving_mx_helo=None,
            failed_session_count=bad,
            additional_information=None,
            failure_reason_code=None,
        )
        for policy in policies
        if bad
    )
    row = ReportRow(
        report_month=month,
        report_key=key,
        identity=identity,
        content_sha256=digest,
        message_sha256="",
        report_day=day,
        report_domains=tuple(sorted(set(about))),
        submitter_domain=submitter,
        submitter_source="contact",
        trust_tier=tier,
        organization_name="Reporter Example",
        contact_info=f"tls@{submitter}",
        report_id=name,
        window_start=start,
        window_end=start + timedelta(days=1, seconds=-1),
        window_start_raw=f"{day}T00:00:00Z",
        window_end_raw=f"{day}T23:59:59Z",
        received_at=NOON,
        policy_count=len(policies),
        failure_detail_count=len(failures),
        quirks=(),
        unknown_members=(),
        unknown_member_count=0,
        ingested_at=INGESTED,
        parser_version="0.0.test",
    )
    return ReportRows(row, policies, failures)


def message(
    name: str = "m1",
    *reports: ReportRows,
    uid: int | None = None,
    account: str = "rua",
    folder: str = "INBOX",
    uidvalidity: int = 1,
    content: bytes | None = None,
    outcome: str | None = None,
    reject_code: str | None = None,
    received_at: datetime = NOON,
    ingested_at: datetime = INGESTED,
    dkim_result: str = "unchecked",
    subject: str | None = None,
) -> MessageRows:
    """One message with these reports; without any it is quarantined, or what `outcome` says. The UID comes from the name's digits."""
    body = content if content is not None else f"mail {name} ".encode() * 3
    digest = sha(body)
    tier = reports[0].report.trust_tier if reports else "vouched"
    mine = tuple(rows._replace(report=rows.report._replace(message_sha256=digest, received_at=received_at)) for rows in reports)
    is_file = account == "file"
    number = uid if uid is not None else int("".join(filter(str.isdigit, name)) or 0)
    row = MessageRow(
        received_month=f"{received_at:%Y-%m}",
        message_sha256=digest,
        account=account,
        folder=folder,
        uidvalidity=None if is_file else uidvalidity,
        uid=None if is_file else number,
        item=f"{name}.eml" if is_file else None,
        received_at=received_at,
        header_date=received_at,
        message_id=f"<{name}@reporter.example>",
        subject=subject or f"Report Domain: example.org Submitter: reporter.example Report-ID: {name}",
        size_bytes=len(body),
        from_domain="reporter.example",
        tls_report_domain="example.org",
        tls_report_submitter="reporter.example",
        tls_headers_signed=False,
        subject_report_id=name,
        attachment_name="report.json.gz",
        media_type="application/tlsrpt+gzip",
        container="gzip",
        auth_method="operator",
        dkim_result=dkim_result,
        dkim_domain=None,
        dkim_selector=None,
        dkim_algorithm=None,
        dkim_key_bits=None,
        dkim_key_record=None,
        dkim_signed_headers=(),
        authserv_id=None,
        trust_tier=tier,
        outcome=outcome or ("stored" if reports else "quarantined"),
        reject_code=reject_code or (None if reports or outcome else "json_syntax"),
        reject_detail=None,
        report_keys=tuple(rows.report.report_key for rows in mine),
        run_id="run",
        ingested_at=ingested_at,
        changed_at=None,
        parser_version="0.0.test",
    )
    return MessageRows(row, mine, body)


def claims(messages: Sequence[MessageRows]) -> list[Claim]:
    """Return what settling goes by of messages."""
    return _claims([essence_of(tables_of(chunk_columns(messages)))])[0]
