"""The elements of `failure-details` (RFC 8460 §4.4): the long lists of a report, so each line here runs fifty thousand times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.json.fields import address, count, host, text, uri
from pipeline.report.json.member_names import FAILURE_DETAIL, canonical
from pipeline.report.model import FailureDetail
from pipeline.report.names import Address
from pipeline.report.parse_notes import Refusal, clean_text
from pipeline.report.result_types import RESULT_TYPES

if TYPE_CHECKING:
    from pipeline.report.names import Address
from pipeline.report.parse_notes import Notes

_PATH = "policies[].failure-details[]."
_SENDING, _RECEIVING, _HOST = _PATH + "sending-mta-ip", _PATH + "receiving-ip", _PATH + "receiving-mx-hostname"
_HELO, _MORE, _REASON = _PATH + "receiving-mx-helo", _PATH + "additional-information", _PATH + "failure-reason-code"
_TYPE_CHARS = 64
_NO_ADDRESS = Address(None, None, ())


def read_failures(value: Any, notes: Notes) -> tuple[FailureDetail, ...]:
    """Read `failure-details`.

    Raises:
        Refusal: It is not shaped like that, or there are more than the limit.
    """
    if type(value) is not list:
        raise Refusal("schema_invalid", "policies[].failure-details is not an array")
    notes.details += len(value)
    if notes.details > notes.limits.failure_details:
        raise Refusal("limits_exceeded", f"the report has more than {notes.limits.failure_details:,} failure details")
    return tuple([_read_failure(element, notes) for element in value])


def _read_failure(value: Any, notes: Notes) -> FailureDetail:
    get = canonical(value, FAILURE_DETAIL, notes).get
    kind = get("result-type")
    sending, receiving = get("sending-mta-ip"), get("receiving-ip")
    name, helo = get("receiving-mx-hostname"), get("receiving-mx-helo")
    more, reason = get("additional-information"), get("failure-reason-code")
    sessions = get("failed-session-count")
    kind, kind_raw = (kind, None) if type(kind) is str and kind in RESULT_TYPES else _odd_result_type(kind, notes)
    sending = address(sending, _SENDING, notes) if sending is not None else _NO_ADDRESS
    receiving = address(receiving, _RECEIVING, notes) if receiving is not None else _NO_ADDRESS
    chars = notes.limits.free_text_chars
    return FailureDetail(
        kind,
        kind_raw,
        sending[0],
        sending[1],
        receiving[0],
        receiving[1],
        host(name, _HOST, notes) if name is not None else None,
        _helo(helo, notes) if helo is not None else None,
        sessions if type(sessions) is int and 0 <= sessions <= notes.limits.policy_sessions else _odd_sessions(sessions, notes),
        uri(more, chars, _MORE, notes) if more is not None else None,
        text(reason, chars, _REASON, notes) if reason is not None else None,
    )


def _odd_result_type(value: Any, notes: Notes) -> tuple[str, str | None]:
    """Return result-type trimmed and lower-cased, and as sent where that differs; the registry is open (RFC 8460 §6.6).

    sys4's tlsrpt-reporter leaves it out where it does not know a code (`result_type_missing`).
    """
    if value is not None and type(value) is not str:
        raise Refusal("schema_invalid", _PATH + "result-type is not text")
    sent = clean_text(value or "")[:_TYPE_CHARS]
    name = sent.strip().lower()
    if not name:
        notes.add("result_type_missing")
    elif name not in RESULT_TYPES:
        notes.add("result_type_unknown")
    return name, sent if sent != name else None


def _helo(value: Any, notes: Notes) -> str | None:
    """Return the first line of the greeting; Postfix reports the whole EHLO reply (`helo_multiline`)."""
    if type(value) is str and ("\n" in value or "\r" in value):
        lines = value.strip().splitlines()
        if len(lines) > 1:
            notes.add("helo_multiline")
        value = lines[0] if lines else ""
    return text(value, notes.limits.helo_chars, _HELO, notes)


def _odd_sessions(value: Any, notes: Notes) -> int:
    """Return failed-session-count; 0 where it is absent, because no number may be made up (`count_missing`)."""
    if value is None:
        notes.add("count_missing")
        return 0
    sessions = count(value, _PATH + "failed-session-count", notes)
    if sessions > notes.limits.policy_sessions:
        raise Refusal("limits_exceeded", f"a failure detail claims {sessions:,} sessions, the limit is {notes.limits.policy_sessions:,}")
    return sessions
