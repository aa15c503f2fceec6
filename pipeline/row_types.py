"""The rows of the tables of `pipeline.schema`, as typed tuples in storage order, without `batch`, which the lake adds.

A test holds the fields and `pipeline.schema` together.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple


class MessageRow(NamedTuple):
    """One row per message or file seen, whatever became of it; the ledger."""

    received_month: str
    message_sha256: str
    account: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    item: str | None
    received_at: datetime
    header_date: datetime | None
    message_id: str | None
    subject: str | None
    size_bytes: int
    from_domain: str | None
    tls_report_domain: str | None
    tls_report_submitter: str | None
    tls_headers_signed: bool | None
    subject_report_id: str | None
    attachment_name: str | None
    media_type: str | None
    container: str | None
    auth_method: str
    dkim_result: str
    dkim_domain: str | None
    dkim_selector: str | None
    dkim_algorithm: str | None
    dkim_key_bits: int | None
    dkim_key_record: str | None
    dkim_signed_headers: tuple[str, ...]
    authserv_id: str | None
    trust_tier: str
    outcome: str
    reject_code: str | None
    reject_detail: str | None
    report_keys: tuple[str, ...]
    run_id: str
    ingested_at: datetime
    changed_at: datetime | None
    parser_version: str


class RawRow(NamedTuple):
    """The bytes, once per sha256, of stored, conflicting and quarantined messages."""

    received_month: str
    message_sha256: str
    size_bytes: int
    content: bytes


class ReportRow(NamedTuple):
    """One row per distinct (identity, trust tier, content)."""

    report_month: str
    report_key: str
    identity: str
    content_sha256: str
    message_sha256: str
    report_day: date
    report_domains: tuple[str, ...]
    submitter_domain: str
    submitter_source: str
    trust_tier: str
    organization_name: str | None
    contact_info: str | None
    report_id: str
    window_start: datetime
    window_end: datetime
    window_start_raw: str
    window_end_raw: str
    received_at: datetime
    policy_count: int
    failure_detail_count: int
    quirks: tuple[str, ...]
    unknown_members: tuple[str, ...]
    unknown_member_count: int
    ingested_at: datetime
    parser_version: str


class PolicyRow(NamedTuple):
    """One row per element of a report's policies."""

    report_month: str
    report_key: str
    policy_ix: int
    report_day: date
    report_domain: str
    report_domain_source: str
    submitter_domain: str
    trust_tier: str
    policy_type: str
    policy_type_raw: str | None
    policy_domain: str | None
    policy_domain_derived: bool
    policy_strings: tuple[str, ...]
    policy_hash: str | None
    sts_version: str | None
    sts_mode: str | None
    sts_max_age_seconds: int | None
    sts_mx: tuple[str, ...]
    mx_host: tuple[str, ...]
    tlsa_records: tuple[str, ...]
    success_count: int
    failure_count: int
    failure_detail_sum: int
    count_mismatch: bool
    repeats_sessions: bool = False
    """This and the following are set by `pipeline.report.sessions.mark_repeats` once all policies of the report are there."""
    once_authenticated: int | None = None
    once_failed: int | None = None
    once_unprotected: int | None = None
    totals_equal: bool | None = None


class FailureRow(NamedTuple):
    """One row per element of a policy's failure-details."""

    report_month: str
    report_key: str
    policy_ix: int
    failure_ix: int
    report_day: date
    report_domain: str
    submitter_domain: str
    trust_tier: str
    policy_type: str
    policy_domain: str | None
    policy_hash: str | None
    result_type: str
    result_type_raw: str | None
    result_group: str
    sending_mta_ip: str | None
    sending_mta_ip_raw: str | None
    receiving_ip: str | None
    receiving_ip_raw: str | None
    receiving_mx_hostname: str | None
    receiving_mx_helo: str | None
    failed_session_count: int
    additional_information: str | None
    failure_reason_code: str | None


class SupersededRow(NamedTuple):
    """One row per report that does not count because a better one of the same identity does."""

    report_month: str
    report_key: str
    identity: str
    superseded_by: str
    reason: str


class CheckRow(NamedTuple):
    """One row per domain, check and finding of what the domain publishes."""

    checked_month: str
    checked_at: datetime
    domain: str
    finding_ix: int
    check_name: str
    code: str
    severity: str
    place: str
    what: str
    why: str
    fix: str
    publish: str
    tlsrpt_record: str | None
    sts_id: str | None
    policy_lines: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    tlsa_records: tuple[str, ...]
    expires_at: datetime | None


class ReportRows(NamedTuple):
    """One report with its policies and failure details."""

    report: ReportRow
    policies: tuple[PolicyRow, ...]
    failures: tuple[FailureRow, ...]


class MessageRows(NamedTuple):
    """One message with its reports, before the lake has settled which of them are new.

    `message.outcome` is `stored` for a message with at least one report, until the lake says `duplicate` or `conflict`.
    `content` are the bytes to keep in `raw`, should the outcome be `stored`, `conflict` or `quarantined`.
    """

    message: MessageRow
    reports: tuple[ReportRows, ...]
    content: bytes
