"""From a candidate's bytes to a report: container, text, value, report; or the code of what went wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.json.strict_json import load, refuse_duplicates
from pipeline.report.mime.candidate import looks_like_report
from pipeline.report.mime.inflate import container_of, inflated_head, unpack
from pipeline.report.model import ReadPart, Rejected
from pipeline.report.parse.document import parse_report, too_deep
from pipeline.report.parse_notes import Notes, Refusal
from pipeline.report.plain.single import plain_report

if TYPE_CHECKING:
    from pipeline.report.mime.candidate import Candidate
    from pipeline.report.mime.inflate import Container
    from pipeline.report.model import ParsedReport

NOT_TLSRPT = Rejected("not_tlsrpt", "there is no TLS report in it")

_STANDARD_TYPES = {"gzip": "application/tlsrpt+gzip", "json": "application/tlsrpt+json"}
_SMALL_BYTES = 16 * 1024
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"


def read_candidates(candidate: Candidate, notes: Notes) -> list[ReadPart]:
    """Read one candidate; an array of reports is several.

    Args:
        candidate: The part or file.
        notes: New notes: the limits, when it came, and the quirks of the mail around it, which each report is to keep.

    Returns:
        The reports, or why they cannot be read; none where it neither says that it is one nor looks like one.
    """
    container = container_of(candidate.content)
    results = _read(candidate, container, notes) if container is not None else [_unknown_container(candidate)]
    return [ReadPart(candidate.name, candidate.media_type, container, result) for result in results if result is not None]


def _unknown_container(candidate: Candidate) -> Rejected | None:
    if not candidate.declared:
        return None
    content = candidate.content.lstrip(_BEFORE_TEXT)
    if candidate.junk:
        return Rejected("base64_invalid", "the base64 text of the report part is damaged")
    if not content:
        return Rejected("no_report_part", "the report part is empty")
    if content.startswith(b"<"):
        return NOT_TLSRPT
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Rejected("utf8_invalid", "the report part is UTF-16")
    return Rejected("json_malformed", "the report part is neither gzip nor zip nor a JSON object")


def _read(candidate: Candidate, container: Container, notes: Notes) -> list[ParsedReport | Rejected | None]:
    if not candidate.declared and not _may_be_report(candidate.content, container):
        return []
    text: bytes | None = None
    try:
        text, quirk = unpack(candidate.content, container, notes.limits)
        if not candidate.declared and not looks_like_report(text):
            return []
        if quirk is not None:
            notes.add(quirk)
        if candidate.junk:
            notes.add("base64_junk")
        if candidate.media_type is not None and candidate.media_type != _STANDARD_TYPES.get(container):
            notes.add("media_type_odd")
        if text.lstrip(_BEFORE_TEXT).startswith(b"["):
            return _read_array(text, notes)
        return [read_text(text, notes)]
    except Refusal as refusal:
        return [_rejected(refusal, candidate, container, text)]


def _read_array(text: bytes, notes: Notes) -> list[ParsedReport | Rejected | None]:
    """Read an array of reports, each with the quirks of all and limits of its own.

    Raises:
        Refusal: It is not an array of objects, or of none.
    """
    found = load(text, notes)
    if not isinstance(found, list) or not found or not all(isinstance(value, dict) for value in found):
        raise Refusal("schema_invalid", "the JSON text is neither a report nor an array of reports")
    if len(found) > notes.limits.policies:
        raise Refusal("limits_exceeded", f"the array has more than {notes.limits.policies:,} reports")
    notes.add("json_array")
    quirks = frozenset(notes.quirks)
    reports: list[ParsedReport | Rejected | None] = []
    members = 0
    for value in found:
        own = Notes(notes.limits, received_at=notes.received_at, sent_at=notes.sent_at)
        own.quirks |= quirks
        own.clean = notes.clean
        try:
            reports.append(parse_report(value, own))
        except Refusal as refusal:
            reports.append(Rejected(refusal.code, refusal.detail))
        members += own.members
    if not any(isinstance(report, Rejected) for report in reports):
        refuse_duplicates(text, members)
    return reports


def read_text(text: bytes, notes: Notes) -> ParsedReport:
    """Read the JSON text of a report.

    Raises:
        Refusal: It is not a report.
    """
    value = load(text, notes)
    try:
        plain = plain_report(value, text, notes)
        if plain is not None:
            return plain
        report = parse_report(value, notes)
    except Refusal as refusal:
        if refusal.code == "schema_invalid" and too_deep(value, notes.limits.json_depth):
            raise Refusal("json_depth", f"the JSON text is nested deeper than {notes.limits.json_depth} levels") from refusal
        raise
    refuse_duplicates(text, notes.members)
    return report


def _may_be_report(content: bytes, container: Container) -> bool:
    """Whether what is in an undeclared container begins like a JSON object; DMARC reports begin with `<`."""
    if len(content) < _SMALL_BYTES:
        return True  # reading it is as cheap as looking into it
    return inflated_head(content, container).lstrip(_BEFORE_TEXT).startswith((b"{", b"["))


def _rejected(refusal: Refusal, candidate: Candidate, container: Container, text: bytes | None) -> Rejected | None:
    """Decide what a refusal says about the candidate."""
    head = inflated_head(candidate.content, container) if text is None else text
    if head.lstrip(_BEFORE_TEXT).startswith(b"<"):
        return NOT_TLSRPT
    if not candidate.declared and not looks_like_report(head):
        return None
    if text is None and candidate.junk:
        return Rejected("base64_invalid", f"the base64 text of the report part is damaged, and {refusal.detail}")
    return Rejected(refusal.code, refusal.detail)
