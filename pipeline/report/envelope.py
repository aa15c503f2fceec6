"""What the mail around a report says about it: claims, as texts free of control characters (RFC 8460 §5.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.report.model import Envelope
from pipeline.report.names import address_domain, valid_domain
from pipeline.report.parse_notes import clean_text

if TYPE_CHECKING:
    from pipeline.report.mime.headers import Headers

NO_ENVELOPE = Envelope(None, None, None, None, None, None, None, None, declared=False)
"""Of a bare file, or of a mail that was not read."""

# Possessive: three runs of blanks side by side would be tried in every split.
_SUBJECT = re.compile(r"Report\s+Domain:\s*(\S+)\s+Submitter:\s*(\S+)\s+Report-ID:\s*+<?([^<>]*+)>?\s*", re.IGNORECASE)
_SAYS_REPORT = re.compile(r"\btls[-_ ]?rpt\b|\b(?:smtp[-_ ])?tls(?:[-_ ]aggregate)?[-_ ]report", re.IGNORECASE)
_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d?) ([A-Z][a-z]{2}) ([12]\d{3}) (\d\d):(\d\d):(\d\d) ([+-])([01]\d)([0-5]\d)", re.ASCII)
"""What nearly every sender writes (RFC 5322 §3.3)."""
_NAMES_OF_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES_OF_MONTHS, 1)}
_SUBJECT_CHARS = 998
_MESSAGE_ID_CHARS = 512
_SENDER_CHARS = 998
_HEADER_CHARS = 320


def read_envelope(headers: Headers) -> Envelope:
    """Read the header of a report mail. A field that occurs twice says nothing about a domain: one of the two may be forged."""
    subject = headers.text("subject")
    subject_domain, subject_id = _subject_tokens(subject) if subject is not None and headers.only("subject") else (None, None)
    sender = headers.only("from")
    date = headers.first("date")
    return Envelope(
        _capped(headers.text("message-id"), _MESSAGE_ID_CHARS),
        _capped(subject, _SUBJECT_CHARS),
        _moment(date) if date and len(date) < 100 else None,
        address_domain(sender) if sender and len(sender) <= _SENDER_CHARS else None,
        _only_text(headers, "tls-report-domain"),
        _only_text(headers, "tls-report-submitter"),
        _capped(subject_id, _MESSAGE_ID_CHARS),
        subject_domain,
        declares_report(headers),
    )


def declares_report(headers: Headers) -> bool:
    """Whether a mail or a part says that it is a TLS report (RFC 8460 §5.3).

    The Subject does not make its parts reports: DMARC reports have the same one (RFC 7489 §7.2.1.1). See `says_report`.
    """
    fields = headers.fields
    if "tls-report-domain" in fields or "tls-report-submitter" in fields:
        return True
    return headers.media_type.startswith("application/tlsrpt") or is_standard_form(headers)


def says_report(envelope: Envelope, *, foreign: bool) -> bool:
    """Whether the Subject says that a mail is a TLS report.

    Args:
        envelope: Header fields of the mail, read already.
        foreign: Whether the mail carries something that is none: the form of the Subject of RFC 8460 §5.3 is that of DMARC reports, too.
    """
    subject = envelope.subject or ""
    return _SAYS_REPORT.search(subject) is not None or (envelope.subject_report_domain is not None and not foreign)


def is_standard_form(headers: Headers) -> bool:
    """Whether a mail is a multipart/report with report-type tlsrpt (RFC 8460 §5.3)."""
    return headers.media_type == "multipart/report" and (headers.parameter("content-type", "report-type") or "").lower() == "tlsrpt"


def _subject_tokens(subject: str) -> tuple[str | None, str | None]:
    """Return report domain and Report-ID of a Subject in the form of RFC 8460 §5.3; its tokens may be folded apart."""
    match = _SUBJECT.fullmatch(subject) if subject[:6].lower() == "report" else None
    return (valid_domain(match[1]), match[3].strip() or None) if match is not None else (None, None)


def _only_text(headers: Headers, name: str) -> str | None:
    value = headers.only(name)
    return _capped(clean_text(value).strip(), _HEADER_CHARS) if value else None


def _capped(text: str | None, most: int) -> str | None:
    return text[:most] or None if text else None


@lru_cache(maxsize=256)
def _moment(date: str) -> datetime | None:
    """Read a Date field as UTC; one without a zone counts as UTC (RFC 5322 §3.3)."""
    usual = _DATE.fullmatch(date)
    try:
        if usual is not None and usual[2] in _MONTHS:
            day, hour, minute, second = map(int, usual.group(1, 4, 5, 6))
            written = datetime(int(usual[3]), _MONTHS[usual[2]], day, hour, minute, second, tzinfo=UTC)
            offset = timedelta(hours=int(usual[8]), minutes=int(usual[9]))
            return written + offset if usual[7] == "-" else written - offset
        moment = parsedate_to_datetime(date)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
