"""The elements of `failure-details` (RFC 8460 §4.4): the long lists of a report, so each line here runs fifty thousand times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.fields import address, count, host, text, uri
from pipeline.report.members import FAILURE_DETAIL, canonical
from pipeline.report.model import FailureDetail
from pipeline.report.notes import Refusal, clean_text
from pipeline.report.result_types import RESULT_TYPES

if TYPE_CHECKING:
    from pipeline.report.notes import Notes

_PATH = "policies[].failure-details[]."
_TYPE_CHARS = 64
_ABSENT = (None, None)


def read_failures(value: Any, notes: Notes) -> tuple[FailureDetail, ...]:
    """Read `failure-details`.

    Raises:
        Refusal: It is not shaped like that, or there are more than the limit.
    """
    if type(value) is not list:
        raise Refusal("schema_invalid", "policies[].failure-details is no array")
    notes.details += len(value)
    if notes.details > notes.limits.failure_details:
        raise Refusal("limits_exceeded", f"the report has more than {notes.limits.failure_details:,} failure details")
    return tuple([_read_failure(element, notes) for element in value])


def _read_failure(value: Any, notes: Notes) -> FailureDetail:
    detail = canonical(value, FAILURE_DETAIL, notes)
    get = detail.get
    kind, kind_raw = _result_type(get("result-type"), notes)
    sending, receiving = get("sending-mta-ip"), get("receiving-ip")
    name, helo = get("receiving-mx-hostname"), get("receiving-mx-helo")
    more, reason = get("additional-information"), get("failure-reason-code")
    limits = notes.limits
    sending_ip, sending_raw = address(sending, _PATH + "sending-mta-ip", notes) if sending is not None else _ABSENT
    receiving_ip, receiving_raw = address(receiving, _PATH + "receiving-ip", notes) if receiving is not None else _ABSENT
    return FailureDetail(
        kind,
        kind_raw,
        sending_ip,
        sending_raw,
        receiving_ip,
        receiving_raw,
        host(name, _PATH + "receiving-mx-hostname", notes) if name is not None else None,
        _helo(helo, limits.helo_chars, notes) if helo is not None else None,
        _sessions(get("failed-session-count"), notes),
        uri(more, limits.free_text_chars, _PATH + "additional-information", notes) if more is not None else None,
        text(reason, limits.free_text_chars, _PATH + "failure-reason-code", notes) if reason is not None else None,
    )


def _result_type(value: Any, notes: Notes) -> tuple[str, str | None]:
    """Return result-type trimmed and lower-cased, and as sent where that differs; the registry is open (RFC 8460 §6.6).

    sys4's tlsrpt-reporter leaves it out where it does not know a code (`result_type_missing`).
    """
    if type(value) is str and value in RESULT_TYPES:
        return value, None
    if value is not None and type(value) is not str:
        raise Refusal("schema_invalid", _PATH + "result-type is no text")
    sent = clean_text(value or "")[:_TYPE_CHARS]
    name = sent.strip().lower()
    if not name:
        notes.add("result_type_missing")
    elif name not in RESULT_TYPES:
        notes.add("result_type_unknown")
    return name, sent if sent != name else None


def _helo(value: Any, limit: int, notes: Notes) -> str | None:
    """Return the first line of the greeting; Postfix reports the whole EHLO reply (`helo_multiline`)."""
    if type(value) is str and ("\n" in value or "\r" in value):
        lines = value.strip().splitlines()
        if len(lines) > 1:
            notes.add("helo_multiline")
        value = lines[0] if lines else ""
    return text(value, limit, _PATH + "receiving-mx-helo", notes)


def _sessions(value: Any, notes: Notes) -> int:
    """Return failed-session-count; 0 where it is absent, because no number may be made up (`count_missing`)."""
    if value is None:
        notes.add("count_missing")
        return 0
    return count(value, _PATH + "failed-session-count", notes)
