"""Candidates: the parts of a mail that may be a report, because they say so or because they look like one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.mime.headers import decode_words
from pipeline.report.mime.inflate import container_of
from pipeline.report.mime.transfer import decode_body, decode_head
from pipeline.report.parse_notes import clean_text

if TYPE_CHECKING:
    from pipeline.report.mime.structure import Part

_SNIFFED_BYTES = 192
_NAME_CHARS = 256
_USED_FOR_REPORTS = frozenset("application/" + kind for kind in ("gzip", "x-gzip", "zip", "x-zip-compressed", "json", "octet-stream"))
"""Media types in which a mail that says it is a TLS report may carry one."""

_MEMBER = re.compile(rb'"(organization[-_]name|date[-_]range|contact[-_]info|report[-_]id|policies|policy[-_]type)"')


class Candidate(NamedTuple):
    """A part or file that may be a report."""

    content: bytes
    name: str | None
    """File name as sent, cleaned: for display only."""
    media_type: str | None
    """None for a file."""
    declared: bool
    """Whether the part, or the mail around it, says that it is a report."""
    junk: bool = False
    """Whether its base64 text was not clean."""


def candidate_in(part: Part, *, mail_declared: bool) -> Candidate | None:
    """Return a leaf part as a candidate; None for text for people, photos and the like, of which only the first bytes are decoded."""
    media_type = part.headers.media_type
    declared = media_type.startswith("application/tlsrpt")
    if not declared:
        if media_type.startswith("message/"):
            return None
        declared = mail_declared and media_type in _USED_FOR_REPORTS
        if not declared and container_of(decode_head(part, _SNIFFED_BYTES)) is None:
            return None
    decoded = decode_body(part)
    return Candidate(decoded.content, _file_name(part), media_type, declared, decoded.junk)


def is_foreign(part: Part) -> bool:
    """Whether a leaf part is an attachment of another kind than TLS reports are sent as."""
    name = (_file_name(part) or "").lower().removesuffix(".gz").removesuffix(".zip")
    return not part.headers.media_type.startswith("text/") and not name.endswith(".json")


def display_name(name: str | None) -> str | None:
    """Return a file name as text for people, never as a path."""
    return clean_text(name)[:_NAME_CHARS] or None if name else None


def _file_name(part: Part) -> str | None:
    headers = part.headers
    name = headers.parameter("content-disposition", "filename") or headers.parameter("content-type", "name")
    return display_name(decode_words(name)) if name else None


def looks_like_report(text: bytes) -> bool:
    """Whether a text begins like a JSON object, or an array of them, and has two different members of RFC 8460 §4.4, wherever they are."""
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    if b'"organization-name"' in text and b'"policies"' in text:
        return True  # as good as every report, and found many times faster than by an expression
    seen: set[bytes] = set()
    for match in _MEMBER.finditer(text):
        seen.add(match[1])
        if len(seen) > 1:
            return True
    return False
