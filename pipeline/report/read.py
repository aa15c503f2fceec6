"""From message bytes to a `Reading`: every report of a mail, or why there is none.

A part is a candidate because it says so (`application/tlsrpt+gzip`), because the mail says so, or because it looks like a report inside.
What neither says nor looks like it is somebody's private mail and is left alone: `not_tlsrpt`. What says so and cannot be read is rejected
with a code, and kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.report.content import NOT_TLSRPT, read_candidates
from pipeline.report.envelope import NO_ENVELOPE, declares_report, is_standard_form, read_envelope, says_report
from pipeline.report.limits import DEFAULT_LIMITS, Limits
from pipeline.report.mime.candidate import Candidate, candidate_in, display_name, is_foreign
from pipeline.report.mime.structure import read_mime
from pipeline.report.model import ParsedReport, Reading, ReadPart, Rejected
from pipeline.report.names import address_domain, valid_domain
from pipeline.report.nested import open_messages
from pipeline.report.parse_notes import Notes

if TYPE_CHECKING:
    from pipeline.report.mime.structure import Mime
    from pipeline.report.model import Envelope
    from pipeline.report.nested import Opened


def read_mail(content: bytes, *, received_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read every report of one mail. Never raises, whatever the bytes are.

    Args:
        content: The mail as received (RFC 5322), at most `limits.message_bytes` bytes.
        received_at: When it was received, aware; the reporting period is judged by it.
        limits: How large, how deep, how many.
    """
    if len(content) > limits.message_bytes:
        return Reading(NO_ENVELOPE, (), _too_large(len(content), limits.message_bytes))
    mime = read_mime(content, limits)
    envelope = _envelope_of(mime)
    parts = _parts_of(mime, envelope, received_at, limits)
    inside = open_messages(mime, limits)
    for message in inside.messages:
        if len(parts) > limits.report_parts:
            break
        own = _envelope_of(message.mime)
        within = [_nested(part, message.content) for part in _parts_of(message.mime, own, received_at, limits)]
        if own.declared and not envelope.declared:
            envelope = _speaking_for(envelope, own)
        parts += within
    return _reading(mime, inside, envelope, parts, limits)


def _envelope_of(mime: Mime) -> Envelope:
    envelope = read_envelope(mime.headers)
    if envelope.declared or not any(declares_report(part.headers) for part in mime.parts):
        return envelope
    return envelope._replace(declared=True)


def _parts_of(mime: Mime, envelope: Envelope, received_at: datetime, limits: Limits) -> list[ReadPart]:
    """Read the candidates of one message."""
    standard = is_standard_form(mime.headers)
    parts: list[ReadPart] = []
    for part in mime.parts:
        candidate = candidate_in(part, mail_declared=envelope.declared)
        if candidate is None:
            continue
        notes = Notes(limits, received_at=received_at, sent_at=envelope.header_date)
        if not standard:
            notes.add("not_multipart_report")
        parts += [_with_header_quirks(read, envelope) for read in read_candidates(candidate, notes)]
        if len(parts) > limits.report_parts:
            break
    return parts


def _nested(part: ReadPart, content: bytes) -> ReadPart:
    result = part.result
    if isinstance(result, ParsedReport):
        result = result._replace(quirks=tuple(sorted({*result.quirks, "nested_message"})))
    return part._replace(result=result, message=content)


def _speaking_for(outer: Envelope, inner: Envelope) -> Envelope:
    """Let a message that says it is a report speak for the one it came in, which says nothing."""
    return inner._replace(message_id=outer.message_id, subject=outer.subject, header_date=outer.header_date)


def read_file(content: bytes, *, name: str | None, received_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Reading:  # noqa: ARG001
    """Read a report file: JSON, gzip or zip, told by its first bytes. Never raises, whatever the bytes are.

    Args:
        content: All bytes of the file.
        name: Its name, for display only.
        received_at: When it was imported. It says nothing about the age of the report, so the period is not judged by it.
        limits: How large, inflated or not.
    """
    most = max(limits.message_bytes, limits.json_bytes)
    if len(content) > most:
        return Reading(NO_ENVELOPE, (), _too_large(len(content), most))
    candidate = Candidate(content, display_name(name), None, declared=False)
    parts = [part for part in read_candidates(candidate, Notes(limits)) if part.result is not NOT_TLSRPT]
    return Reading(NO_ENVELOPE, tuple(parts), None if parts else NOT_TLSRPT)


def _too_large(size: int, most: int) -> Rejected:
    return Rejected("too_large_message", f"the message has {size:,} bytes, the limit is {most:,}")


def _with_header_quirks(part: ReadPart, envelope: Envelope) -> ReadPart:
    """Hold TLS-Report-Submitter against contact-info; they must name the same domain (RFC 8460 §5.3)."""
    report, claimed = part.result, envelope.tls_report_submitter
    if claimed is None or not isinstance(report, ParsedReport):
        return part
    submitter = valid_domain(claimed)
    if submitter is not None and (report.contact_info is None or address_domain(report.contact_info) == submitter):
        return part
    # sys4's tlsrpt-reporter once sent the organisation's name
    quirk = "submitter_not_domain" if submitter is None else "submitter_mismatch"
    return part._replace(result=report._replace(quirks=tuple(sorted({*report.quirks, quirk}))))


def _reading(mime: Mime, inside: Opened, envelope: Envelope, parts: list[ReadPart], limits: Limits) -> Reading:
    """Say what the mail as a whole is."""
    reports = [part for part in parts if part.result is not NOT_TLSRPT]
    broken = mime.rejected or inside.rejected
    says = envelope.declared or says_report(envelope, foreign=any(map(is_foreign, mime.parts)))
    limited = broken is not None and broken.code == "mime_limits"
    if limited and (reports or says):
        return Reading(envelope, (), broken)
    if len(reports) > limits.report_parts:
        return Reading(envelope, (), _too_many(limits))
    if reports:
        return Reading(envelope, tuple(reports), None)
    if not says:
        return Reading(envelope, (), NOT_TLSRPT)
    return Reading(envelope, (), broken or Rejected("no_report_part", "the mail says that it is a TLS report and carries none"))


def _too_many(limits: Limits) -> Rejected:
    return Rejected("too_many_reports", f"the mail carries more than {limits.report_parts} reports")
