"""The tables of the lake as data: each column with its meaning, unit and source.

The Arrow and Delta schemas, the `COMMENT`s on the DuckDB views, `tlsrpt schema` and the reference of tables are all made from this; the
row types of `pipeline.tables.row_types` are held to it by a test. Arrays are never null; times are UTC; counts are sessions unless the unit
says otherwise.
Field metadata travels into the Parquet files, so that a notebook can ask a column what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 2
"""Kept as the table property `tlsrpt.schema`; a newer lake than the program is refused (exit 78), an older one is upgraded."""

TRUST_TIERS = ("verified", "attested", "vouched", "unaligned", "unverified", "posted")
"""Best first: among reports of one identity the best tier counts."""

OUTCOMES = ("stored", "conflict", "quarantined", "duplicate", "not_tlsrpt", "too_large", "expired", "erased")
"""What became of a message; the first that applies of the first six, later `expired` or `erased`."""

ColumnType = Literal["string", "int64", "int32", "int16", "bool", "date", "timestamp", "binary", "strings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, type, and what a reader must know about it."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    source: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its grain, its key, and its columns in storage order. The first column of each is `batch`."""

    name: str
    grain: str
    key: tuple[str, ...]
    partition: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in storage order."""
        return tuple(column.name for column in self.columns)


def _c(name: str, kind: ColumnType, meaning: str, *, unit: str = "", source: str = "", nullable: bool = True) -> Column:
    return Column(name=name, type=kind, meaning=meaning, unit=unit, source=source, nullable=nullable)


_BATCH = _c("batch", "int64", "The batch that wrote the row; a reader sees the batches up to that of its snapshot", nullable=False)
_REPORT_KEY = _c("report_key", "string", "sha256 of identity, trust tier and content digest", unit="hex", nullable=False)
_REPORT_MONTH = _c("report_month", "string", "Month of report_day; the partition", unit="YYYY-MM", nullable=False)
_REPORT_DAY = _c("report_day", "date", "UTC date of the midpoint of the reporting period", source="RFC 8460 §4.1", nullable=False)
_REPORT_DOMAIN = _c(
    "report_domain", "string", "The recipient domain the sessions were for, as A-label", source="RFC 8460 §4.4", nullable=False
)
_SUBMITTER = _c(
    "submitter_domain",
    "string",
    "Who reports: the authenticated domain where there is one, else what the report claims",
    source="RFC 8460 §5.3",
    nullable=False,
)
_TIER = _c("trust_tier", "string", "How well the sender is authenticated: " + ", ".join(TRUST_TIERS), nullable=False)
_POLICY_IX = _c("policy_ix", "int16", "Place of the policy in the report, from 0", nullable=False)
_POLICY_TYPE = _c(
    "policy_type", "string", "sts, tlsa, no-policy-found, or as sent, trimmed and lower-cased", source="RFC 8460 §4.4", nullable=False
)
_POLICY_HASH = _c("policy_hash", "string", "sha256 of the policy strings, trimmed and sorted; null without a policy", unit="hex")

MESSAGES = Table(
    name="messages",
    grain="one row per message or file seen, whatever its outcome; the ledger",
    key=("account", "folder", "uidvalidity", "uid", "message_sha256"),
    partition="received_month",
    columns=(
        _BATCH,
        _c("received_month", "string", "Month of received_at; the partition", unit="YYYY-MM", nullable=False),
        _c("message_sha256", "string", "sha256 of the bytes as received; empty where they were not fetched", unit="hex", nullable=False),
        _c("account", "string", "Name of the mailbox in the configuration; `file` for an import", nullable=False),
        _c("folder", "string", "IMAP folder; for an import the path given", nullable=False),
        _c("uidvalidity", "int64", "UIDVALIDITY of the folder; null for an import", source="RFC 9051 §2.3.1.1"),
        _c("uid", "int64", "UID of the message; null for an import", source="RFC 9051 §2.3.1.1"),
        _c("item", "string", "For an import: the file, and `#n` for the n-th mail of an mbox"),
        _c("received_at", "timestamp", "INTERNALDATE; for an import the time of ingestion", source="RFC 9051 §2.3.3", nullable=False),
        _c("header_date", "timestamp", "Date header, where it can be read", source="RFC 5322 §3.6.1"),
        _c("message_id", "string", "Message-ID, control characters removed, capped", source="RFC 5322 §3.6.4"),
        _c("subject", "string", "Subject, decoded, control characters removed, capped"),
        _c("size_bytes", "int64", "Size as received", unit="bytes", nullable=False),
        _c("from_domain", "string", "Domain of the From address"),
        _c("tls_report_domain", "string", "TLS-Report-Domain header", source="RFC 8460 §5.3"),
        _c("tls_report_submitter", "string", "TLS-Report-Submitter header", source="RFC 8460 §5.3"),
        _c("tls_headers_signed", "bool", "Whether a passing signature covers the TLS-Report headers", source="RFC 8460 §5.3"),
        _c("subject_report_id", "string", "Report-ID of the Subject; shown, never compared", source="RFC 8460 §5.3"),
        _c("attachment_name", "string", "File name of the first report part; untrusted, never used as a path"),
        _c("media_type", "string", "Media type of the first report part as sent"),
        _c("container", "string", "json, gzip or zip, told by the first bytes"),
        _c("auth_method", "string", "dkim, authres, operator or none: what decided trust_tier", nullable=False),
        _c(
            "dkim_result",
            "string",
            "pass, fail, temperror, permerror, no_key, expired, weak, unaligned, not_covered, not_reporter, none, posted or unchecked",
            source="RFC 8601 §2.7.1",
            nullable=False,
        ),
        _c("dkim_domain", "string", "d= of the deciding signature", source="RFC 6376 §3.5"),
        _c("dkim_selector", "string", "s= of the deciding signature", source="RFC 6376 §3.5"),
        _c("dkim_algorithm", "string", "a= of the deciding signature", source="RFC 6376 §3.5"),
        _c("dkim_key_bits", "int32", "Size of the key", unit="bits"),
        _c("dkim_key_record", "string", "The key record as looked up, because keys rotate", source="RFC 6376 §3.6"),
        _c(
            "dkim_signed_headers",
            "strings",
            "Headers the passing signature covers and that occur once, lower-case",
            source="RFC 6376 §3.5",
            nullable=False,
        ),
        _c("authserv_id", "string", "The authserv-id that attested", source="RFC 8601 §2.2"),
        _TIER,
        _c("outcome", "string", "Its outcome: " + ", ".join(OUTCOMES), nullable=False),
        _c("reject_code", "string", "Why it was quarantined or not stored"),
        _c("reject_detail", "string", "The reason in words, with place and number"),
        _c("report_keys", "strings", "The reports it carried", unit="hex", nullable=False),
        _c("run_id", "string", "The run that ingested it", nullable=False),
        _c("ingested_at", "timestamp", "When it was first ingested", nullable=False),
        _c("changed_at", "timestamp", "When its row was last replaced (a late verdict, expiry, erasure)"),
        _c("parser_version", "string", "Version of the program that read it", nullable=False),
    ),
)

RAW = Table(
    name="raw",
    grain="the bytes, once per sha256, of stored, conflicting and quarantined messages",
    key=("message_sha256",),
    partition="received_month",
    columns=(
        _BATCH,
        _c("received_month", "string", "Month received; the partition", unit="YYYY-MM", nullable=False),
        _c("message_sha256", "string", "sha256 of the bytes", unit="hex", nullable=False),
        _c("size_bytes", "int64", "Length of the bytes", unit="bytes", nullable=False),
        _c("content", "binary", "The message or file as received", nullable=False),
    ),
)

REPORTS = Table(
    name="reports",
    grain="one row per distinct (identity, trust tier, content)",
    key=("report_key",),
    partition="report_month",
    columns=(
        _BATCH,
        _REPORT_MONTH,
        _REPORT_KEY,
        _c(
            "identity",
            "string",
            "sha256 of organisational domain of contact-info, report id, window and report domains",
            unit="hex",
            nullable=False,
        ),
        _c("content_sha256", "string", "Digest of the normalised content", unit="hex", nullable=False),
        _c("message_sha256", "string", "The first message that carried it", unit="hex", nullable=False),
        _REPORT_DAY,
        _c("report_domains", "strings", "The distinct report domains of its policies, sorted", nullable=False),
        _SUBMITTER,
        _c("submitter_source", "string", "dkim, authres, contact, from, header or organization", nullable=False),
        _TIER,
        _c("organization_name", "string", "organization-name: a claim", source="RFC 8460 §4.4"),
        _c("contact_info", "string", "contact-info: a claim", source="RFC 8460 §4.4"),
        _c("report_id", "string", "report-id; unique per reporter at best", source="RFC 8460 §4.4", nullable=False),
        _c("window_start", "timestamp", "start-datetime", source="RFC 8460 §4.4", nullable=False),
        _c("window_end", "timestamp", "end-datetime, as sent: inclusive or exclusive", source="RFC 8460 §4.4", nullable=False),
        _c("window_start_raw", "string", "start-datetime as sent", source="RFC 8460 §4.4", nullable=False),
        _c("window_end_raw", "string", "end-datetime as sent", source="RFC 8460 §4.4", nullable=False),
        _c("received_at", "timestamp", "When the first message that carried it was received", nullable=False),
        _c("policy_count", "int32", "Elements of policies", unit="policies", nullable=False),
        _c("failure_detail_count", "int32", "Elements of all failure-details", unit="details", nullable=False),
        _c("quirks", "strings", "Deviations from the standard that were tolerated, by code", nullable=False),
        _c("unknown_members", "strings", "JSON members outside RFC 8460 §4.4, by path, capped", nullable=False),
        _c("unknown_member_count", "int32", "How many there were in all", unit="members", nullable=False),
        _c("ingested_at", "timestamp", "When it was ingested", nullable=False),
        _c("parser_version", "string", "Version of the program that read it", nullable=False),
    ),
)

POLICIES = Table(
    name="policies",
    grain="one row per element of a report's policies",
    key=("report_key", "policy_ix"),
    partition="report_month",
    columns=(
        _BATCH,
        _REPORT_MONTH,
        _REPORT_KEY,
        _POLICY_IX,
        _REPORT_DAY,
        _REPORT_DOMAIN,
        _c(
            "report_domain_source",
            "string",
            "policy, sts_policy, signed_header, signed_subject, policy_tlsa, unsigned_header or only_own",
            nullable=False,
        ),
        _SUBMITTER,
        _TIER,
        _POLICY_TYPE,
        _c("policy_type_raw", "string", "policy-type as sent, where that differs"),
        _c(
            "policy_domain",
            "string",
            "policy-domain; for tlsa mostly the MX host (TLSA base domain)",
            source="RFC 8460 §4.4",
        ),
        _c("policy_domain_derived", "bool", "Whether policy-domain was absent and taken from elsewhere", nullable=False),
        _c(
            "policy_strings",
            "strings",
            "policy-string, verbatim, one element per line or TLSA record",
            source="RFC 8460 §4.4",
            nullable=False,
        ),
        _POLICY_HASH,
        _c("sts_version", "string", "version line", source="RFC 8461 §3.2"),
        _c("sts_mode", "string", "enforce, testing or none; null where it cannot be read", source="RFC 8461 §3.2"),
        _c("sts_max_age_seconds", "int64", "max_age line", unit="seconds", source="RFC 8461 §3.2"),
        _c("sts_mx", "strings", "Patterns of the mx lines", source="RFC 8461 §3.2", nullable=False),
        _c("mx_host", "strings", "mx-host", source="RFC 8460 §4.4", nullable=False),
        _c("tlsa_records", "strings", "TLSA records of a tlsa policy: usage selector type hex", source="RFC 7672 §3.1", nullable=False),
        _c("success_count", "int64", "total-successful-session-count", unit="sessions", source="RFC 8460 §4.2", nullable=False),
        _c("failure_count", "int64", "total-failure-session-count", unit="sessions", source="RFC 8460 §4.2", nullable=False),
        _c(
            "failure_detail_sum",
            "int64",
            "Sum of failed-session-count over its details; may overlap and so exceed failure_count",
            unit="mentions",
            source="RFC 8460 §4",
            nullable=False,
        ),
        _c("count_mismatch", "bool", "Whether failure_detail_sum differs from failure_count", nullable=False),
        _c(
            "repeats_sessions",
            "bool",
            "Whether rows of another policy type of the same report and report_domain have the larger total: of sts (with no-policy-found) "
            "and tlsa (a tie: sts). Whether they are the same sessions depends on the sender: see session_parts",
            nullable=False,
        ),
        _c(
            "once_authenticated",
            "int64",
            "Sessions authenticated in all policies of the report and report_domain, if tlsa and the others describe the same sessions; on "
            "the first of these rows, 0 on the others; null where there is only one side",
            unit="sessions",
        ),
        _c("once_failed", "int64", "The same for failed: the larger of the two failure counts", unit="sessions"),
        _c("once_unprotected", "int64", "The same for no policy found", unit="sessions"),
        _c("totals_equal", "bool", "Whether the totals of the two sides are equal; only on the row that has the sums"),
    ),
)

FAILURES = Table(
    name="failures",
    grain="one row per element of a policy's failure-details",
    key=("report_key", "policy_ix", "failure_ix"),
    partition="report_month",
    columns=(
        _BATCH,
        _REPORT_MONTH,
        _REPORT_KEY,
        _POLICY_IX,
        _c("failure_ix", "int32", "Place of the detail in the policy, from 0", nullable=False),
        _REPORT_DAY,
        _REPORT_DOMAIN,
        _SUBMITTER,
        _TIER,
        _POLICY_TYPE,
        _c("policy_domain", "string", "policy-domain of its policy", source="RFC 8460 §4.4"),
        _POLICY_HASH,
        _c(
            "result_type",
            "string",
            "result-type, trimmed and lower-cased; the registry is open; empty where absent",
            source="RFC 8460 §4.3",
            nullable=False,
        ),
        _c("result_type_raw", "string", "result-type as sent, where that differs"),
        _c("result_group", "string", "negotiation, dane, sts, general or other", source="RFC 8460 §4.3", nullable=False),
        _c("sending_mta_ip", "string", "sending-mta-ip, canonical text", source="RFC 8460 §4.4"),
        _c("sending_mta_ip_raw", "string", "sending-mta-ip as sent, where it is not an address"),
        _c("receiving_ip", "string", "receiving-ip, canonical text", source="RFC 8460 §4.4"),
        _c("receiving_ip_raw", "string", "receiving-ip as sent, where it is not an address"),
        _c("receiving_mx_hostname", "string", "receiving-mx-hostname, lower-case, no final dot", source="RFC 8460 §4.4"),
        _c("receiving_mx_helo", "string", "receiving-mx-helo, first line", source="RFC 8460 §4.4"),
        _c("failed_session_count", "int64", "failed-session-count", unit="mentions", source="RFC 8460 §4.4", nullable=False),
        _c("additional_information", "string", "additional-information; a URI, never fetched", source="RFC 8460 §4.4"),
        _c("failure_reason_code", "string", "failure-reason-code; free text", source="RFC 8460 §4.4"),
    ),
)

SUPERSEDED = Table(
    name="superseded",
    grain="one row per report that does not count because a better one of the same identity does",
    key=("report_key",),
    partition="report_month",
    columns=(
        _BATCH,
        _REPORT_MONTH,
        _REPORT_KEY,
        _c("identity", "string", "The identity they share", unit="hex", nullable=False),
        _c("superseded_by", "string", "report_key of the better one at that time", unit="hex", nullable=False),
        _c(
            "reason", "string", "better_tier (a better authenticated sender) or conflict (another content of the same tier)", nullable=False
        ),
    ),
)

CHECKS = Table(
    name="checks",
    grain="one row per domain, check and finding of what the domain publishes",
    key=("domain", "checked_at", "finding_ix"),
    partition="checked_month",
    columns=(
        _BATCH,
        _c("checked_month", "string", "Month of checked_at; the partition", unit="YYYY-MM", nullable=False),
        _c("checked_at", "timestamp", "When the domain was checked; the same for all findings of one check", nullable=False),
        _c("domain", "string", "The domain, as A-label", nullable=False),
        _c("finding_ix", "int32", "Place of the finding in the check, from 0", nullable=False),
        _c("check_name", "string", "tlsrpt-record, sts-record, sts-policy, mx, smtp, tlsa, history or seen", nullable=False),
        _c("code", "string", "Stable code of the finding", nullable=False),
        _c("severity", "string", "error, warn, unknown or ok; `bad` stands for error in rows of version 0.1", nullable=False),
        _c("place", "string", "The name, host, address or line it is about", nullable=False),
        _c("what", "string", "What was found", nullable=False),
        _c("why", "string", "Why it matters, with the RFC section", nullable=False),
        _c("fix", "string", "What to change", nullable=False),
        _c("publish", "string", "The record or line to publish, where there is one", nullable=False),
        _c("tlsrpt_record", "string", "The `_smtp._tls` record as published", source="RFC 8460 §3"),
        _c("sts_id", "string", "id of the `_mta-sts` record", source="RFC 8461 §3.1"),
        _c(
            "policy_lines",
            "strings",
            "The policy file, line by line; empty where it could not be used",
            source="RFC 8461 §3.2",
            nullable=False,
        ),
        _c("mx_hosts", "strings", "The MX hosts, most preferred first", source="RFC 5321 §5.1", nullable=False),
        _c("tlsa_records", "strings", "host usage selector type hex", source="RFC 7672 §3.1", nullable=False),
        _c("expires_at", "timestamp", "Expiry of the certificate that the finding is about", source="RFC 5280 §4.1.2.5"),
        _c("certificate_sha256", "string", "SHA-256 of that certificate (DER), lower-case hex; null in checks of earlier versions"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (MESSAGES, RAW, REPORTS, POLICIES, FAILURES, SUPERSEDED, CHECKS)}
"""The tables by name."""


class Arrival(NamedTuple):
    """Columns of `messages` that are known before a message is read: what reads it has no say in them."""

    received_month: str
    message_sha256: str
    account: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    item: str | None
    received_at: datetime
    size_bytes: int
    run_id: str
    ingested_at: datetime
    parser_version: str


INHERITED: dict[str, tuple[str, tuple[str, ...]]] = {
    "messages": ("arrival", Arrival._fields),
    "reports": ("messages", ("message_sha256", "received_at", "ingested_at", "parser_version")),
    "policies": ("reports", ("report_month", "report_key", "report_day", "submitter_domain", "trust_tier")),
    "failures": (
        "policies",
        (
            "report_month",
            "report_key",
            "policy_ix",
            "report_day",
            "report_domain",
            "submitter_domain",
            "trust_tier",
            "policy_type",
            "policy_domain",
            "policy_hash",
        ),
    ),
}
"""Columns that a row has of the row it belongs to, by table: the table of that row, and which columns. They are copied, not sent."""

OUTLIVE_REBUILD = frozenset({"raw", "checks"})
"""Tables that do not depend on how mail is read: a rebuild leaves them as they are."""

MADE_ANEW = frozenset({"reports", "policies", "failures", "superseded"})
"""Tables that a rebuild makes anew from the mails."""

APPEND_ORDER = ("checks", "raw", "failures", "policies", "reports", "superseded", "messages")
"""The order in which a batch is committed; `messages` last: that is the commit point."""


@cache
def arrow_schema(name: str) -> pa.Schema:
    """Return the Arrow schema of a table, with meaning, unit and source as field metadata."""
    import pyarrow as pa

    kinds: dict[str, pa.DataType] = {
        "string": pa.string(),
        "int64": pa.int64(),
        "int32": pa.int32(),
        "int16": pa.int16(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "binary": pa.binary(),
        "strings": pa.list_(pa.string()),
    }
    return pa.schema(
        [
            pa.field(
                column.name,
                kinds[column.type],
                nullable=column.nullable,
                metadata={"meaning": column.meaning, "unit": column.unit, "source": column.source},
            )
            for column in TABLES[name].columns
        ]
    )
