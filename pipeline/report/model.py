"""The values a report becomes: immutable, typed, in the words of RFC 8460 §4.4.

`ParsedReport` is the normalised content and nothing else, whichever parser read it: who carried it and whether to believe it are other
modules' business. A report that cannot be read is a value too, `Rejected`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class FailureDetail(NamedTuple):
    """One element of `failure-details` (RFC 8460 §4.4). Absent and empty texts are None."""

    result_type: str
    """As sent, trimmed and lower-cased; the registry is open (RFC 8460 §6.6), so this is not an enum. Empty where absent."""
    result_type_raw: str | None
    """As sent, where `result_type` differs from it."""
    sending_mta_ip: str | None
    sending_mta_ip_raw: str | None
    receiving_ip: str | None
    receiving_ip_raw: str | None
    receiving_mx_hostname: str | None
    receiving_mx_helo: str | None
    failed_session_count: int
    """Mentions, not sessions: details may overlap (RFC 8460 §4)."""
    additional_information: str | None
    failure_reason_code: str | None


class PolicyResult(NamedTuple):
    """One element of `policies`: the applied policy, its summary and its failure details (RFC 8460 §4.4)."""

    policy_type: str
    policy_type_raw: str | None
    policy_domain: str | None
    """A-label, lower-case; None where absent (seen from Postfix on `no-policy-found`)."""
    policy_strings: tuple[str, ...]
    """Verbatim, one element per policy line or TLSA record."""
    mx_host: tuple[str, ...]
    success_count: int
    failure_count: int
    failures: tuple[FailureDetail, ...]


class ParsedReport(NamedTuple):
    """One JSON document, normalised. Times are aware and in UTC."""

    organization_name: str | None
    contact_info: str | None
    report_id: str
    window_start: datetime
    window_end: datetime
    """As sent: some senders mean it inclusive (23:59:59), some exclusive; never a bucket."""
    window_start_raw: str
    window_end_raw: str
    policies: tuple[PolicyResult, ...]
    quirks: tuple[str, ...]
    """Codes of `pipeline.report.quirks`, distinct and sorted."""
    unknown_members: tuple[str, ...]
    """Paths of members outside RFC 8460 §4.4, distinct, sorted, capped; array indexes left out (`policies[].policy.x`)."""
    unknown_member_count: int
    content_sha256: str
    """Digest of the normalised content; equal for the same report however it was packed, ordered or spelt."""


class Rejected(NamedTuple):
    """Why something is not a report we can read: a stable code of `pipeline.report.quirks.REJECT_CODES`, and the reason in words."""

    code: str
    detail: str


class Envelope(NamedTuple):
    """What the mail around a report says; claims all of it. Texts are free of control characters and capped."""

    message_id: str | None
    subject: str | None
    header_date: datetime | None
    from_domain: str | None
    tls_report_domain: str | None
    tls_report_submitter: str | None
    subject_report_id: str | None
    subject_report_domain: str | None
    declared: bool
    """Whether the mail says that it is a TLS report: media type, report-type or TLS-Report headers (RFC 8460 §5.3).

    Not the Subject, which DMARC reports share.
    """


class ReadPart(NamedTuple):
    """One candidate part of a message, and what became of it."""

    name: str | None
    """File name as sent: display only, never a path."""
    media_type: str | None
    container: str | None
    """json, gzip or zip, told by the first bytes."""
    result: ParsedReport | Rejected
    message: bytes | None = None
    """The message within the message that it came in; None: in the message itself."""


class Reading(NamedTuple):
    """All that reading one message or file gave.

    `parts` has every candidate that is, or was declared to be, a TLS report. `rejected` speaks of the message as a whole (no report in it,
    too large, broken MIME); then `parts` is empty. Code `not_tlsrpt` is not an error: the mail is somebody's private business.
    """

    envelope: Envelope
    parts: tuple[ReadPart, ...]
    rejected: Rejected | None
