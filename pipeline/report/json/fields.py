"""The values of members: texts, lists of texts, counts. Each takes what JSON gave and returns what the model keeps.

`path` names the member in the sentence of a refusal. Optional members may be absent, null or empty, which is all the same: None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.report.names import Address, domain_name, ip_address
from pipeline.report.parse_notes import Refusal, clean_text

if TYPE_CHECKING:
    from pipeline.report.parse_notes import Notes

LARGEST = 2**53 - 1
"""The largest integer that I-JSON can carry (RFC 7493 §2.2)."""

_LONGEST_IP = 180
_LONGEST_NAME = 1_012
"""Longer texts are cut before they are looked at: they are neither, and may be as long as the report."""

_DIGITS = re.compile(r"\d{1,16}", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*", re.ASCII)


def text(value: Any, limit: int, path: str, notes: Notes) -> str | None:
    """Return a text, cleaned and not longer than `limit` characters; None where it is absent, null or empty.

    Args:
        value: As JSON gave it; not checked yet.
        limit: Characters; what is beyond them is cut off (`truncated`).
        path: Names the member in a refusal.
        notes: Takes the quirks.

    Raises:
        Refusal: It is not text.
    """
    if value is None:
        return None
    if type(value) is not str:
        raise Refusal("schema_invalid", f"{path} is not text")
    if value and len(value) <= limit and (notes.clean or value.isprintable()):
        return value
    return _odd_text(value, limit, notes)


def _odd_text(value: str, limit: int, notes: Notes) -> str | None:
    cleaned = value
    if not value.isprintable():
        cleaned = clean_text(value)
        if cleaned != value:
            notes.add("control_chars")
    if not cleaned:
        notes.add("empty_as_null")
        return None
    if len(cleaned) > limit:
        notes.add("truncated")
        cleaned = cleaned[:limit]
    return cleaned


def host(value: Any, path: str, notes: Notes) -> str | None:
    """Return a host or domain name in lower-case A-labels; a text that is none is kept as sent (`host_invalid`).

    Args:
        value: As JSON gave it; None where the member is absent.
        path: Names the member in a refusal.
        notes: Takes the quirks, and says how long a name may be.

    Raises:
        Refusal: It is not text.
    """
    if value is None:
        return None
    if type(value) is not str:
        raise Refusal("schema_invalid", f"{path} is not text")
    name = domain_name(value if len(value) <= _LONGEST_NAME else value[:_LONGEST_NAME])
    if name.quirks:
        notes.quirks.update(name.quirks)
    if name.text is not None and len(name.text) > notes.limits.host_chars:
        notes.add("host_invalid")
        return None
    return name.text


def address(value: Any, path: str, notes: Notes) -> Address:
    """Return an address in canonical text or, where it is none, the text as sent.

    Google sends `"sending-mta-ip": ""` now and then (`ip_empty`).

    Args:
        value: As JSON gave it; None is refused.
        path: Names the member in a refusal.
        notes: Takes the quirks, and says how much of a text that is no address is kept.

    Raises:
        Refusal: It is not text.
    """
    if type(value) is not str:
        raise Refusal("schema_invalid", f"{path} is not text")
    found = ip_address(value if len(value) <= _LONGEST_IP else value[:_LONGEST_IP])
    if found.quirks:
        notes.quirks.update(found.quirks)
        if found.raw is not None:
            return found._replace(raw=found.raw[: notes.limits.ip_chars])
    return found


def count(value: Any, path: str, notes: Notes) -> int:
    """Return a session count.

    A text of digits or a float without fraction counts as a number (`count_coerced`; lenient senders and databases). A negative number, a
    fraction or a bool is not a count, and the report is refused: nobody can say what was meant.

    Args:
        value: As JSON gave it; None is refused.
        path: Names the member in a refusal.
        notes: Takes the quirks.

    Raises:
        Refusal: It is not a count, or larger than `LARGEST`.
    """
    if type(value) is int and 0 <= value <= LARGEST:
        return value
    if not _is_whole(value):
        shown = clean_text(str(value)[:40]) if isinstance(value, str | int | float) else "an array or object"
        raise Refusal("schema_invalid", f"{path} is not a number of sessions: {shown}")
    number = int(value)
    if number < 0:
        raise Refusal("schema_invalid", f"{path} is negative: {number}")
    if number > LARGEST:
        raise Refusal("json_number", f"{path} is larger than 2^53-1")
    if type(value) is not int:
        notes.add("count_coerced")
    return number


def _is_whole(value: Any) -> bool:
    if type(value) is str:
        return _DIGITS.fullmatch(value) is not None
    return type(value) is int or (type(value) is float and value.is_integer())


def uri(value: Any, limit: int, path: str, notes: Notes) -> str | None:
    """Return additional-information as sent; the standard's own example has blanks in it (`uri_invalid`, RFC 8460 appendix B).

    Args:
        value: As JSON gave it; None where the member is absent.
        limit: Characters; what is beyond them is cut off (`truncated`).
        path: Names the member in a refusal.
        notes: Takes the quirks.

    Raises:
        Refusal: It is not text.
    """
    read = text(value, limit, path, notes)
    if read is not None and not is_uri(read):
        notes.add("uri_invalid")
    return read


def is_uri(text: str) -> bool:
    """Whether a text has the form of a URI (RFC 3986 §3)."""
    return _URI.fullmatch(text) is not None


def texts(value: Any, scalar_quirk: str, path: str, notes: Notes) -> list[str]:
    """Return an array of texts; a lone text counts as an array of one, an absent or null member as empty.

    `mx-host` is a lone text in RFC 8460 appendix B (erratum 6241) and from Mail::TLSRPT, `policy-string` from Halon's script.

    Args:
        value: As JSON gave it; None where the member is absent.
        scalar_quirk: The quirk that is noted for a lone text.
        path: Names the member in a refusal.
        notes: Takes the quirk.

    Raises:
        Refusal: It is neither array nor text, or an element is something else than text or null.
    """
    if value is None:
        return []
    if type(value) is str:
        notes.add(scalar_quirk)
        value = value.splitlines()
    if type(value) is not list:
        raise Refusal("schema_invalid", f"{path} is neither array nor text")
    found = []
    for element in value:
        if type(element) is str:
            found.append(element)
        elif element is not None:
            raise Refusal("schema_invalid", f"an element of {path} is not text")
    return found
