"""The rows of the tables of `pipeline.tables.schema`, as tuples in storage order, without `batch`, which the lake adds.

Their fields follow from the schema. Only the ledger row, which half the program asks for its fields, has them written out for the type
checker; a test holds it and the schema together.
"""

from __future__ import annotations

from collections import namedtuple
from datetime import datetime
from typing import Any, NamedTuple

from pipeline.tables.schema import TABLES


def _row(table: str, defaults: tuple[object, ...] = ()) -> Any:
    """Return the row type of a table; `defaults` are those of its last columns."""
    return namedtuple(table, TABLES[table].column_names[1:], defaults=defaults)  # noqa: PYI024 -- the schema has the types


PRIVATE_COLUMNS = (
    "header_date",
    "message_id",
    "subject",
    "from_domain",
    "tls_report_domain",
    "tls_report_submitter",
    "tls_headers_signed",
    "subject_report_id",
    "attachment_name",
    "media_type",
    "container",
)
"""What is not kept of a message that is not a TLS report: it is somebody's private mail."""


class MessageRow(NamedTuple):
    """One row per message or file seen, whatever its outcome; the ledger."""

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


class RawRow(_row("raw")):  # type: ignore[misc]
    """The bytes, once per sha256, of stored, conflicting and quarantined messages."""

    __slots__ = ()


class ReportRow(_row("reports")):  # type: ignore[misc]
    """One row per distinct (identity, trust tier, content)."""

    __slots__ = ()


class PolicyRow(_row("policies", defaults=(False, None, None, None, None))):  # type: ignore[misc]
    """One row per element of a report's policies; `pipeline.report.session_overlap.mark_repeats` sets the last columns."""

    __slots__ = ()


class FailureRow(_row("failures")):  # type: ignore[misc]
    """One row per element of a policy's failure-details."""

    __slots__ = ()


class SupersededRow(_row("superseded")):  # type: ignore[misc]
    """One row per report that does not count because a better one of the same identity does."""

    __slots__ = ()


class CheckRow(_row("checks", (None,))):  # type: ignore[misc]
    """One row per domain, check and finding of what the domain publishes."""

    __slots__ = ()


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
