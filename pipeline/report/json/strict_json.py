"""Strict JSON: I-JSON (RFC 7493) and nothing more lenient, in bounded time and memory, at the speed of orjson.

orjson refuses NaN, Infinity, 1e309, lone surrogates, bad UTF-8, control characters in strings and more than 1,024 levels by itself (tests
hold it to that). It accepts a member name twice and integers beyond 2^53; the first is found by counting, the second where the number is
used. What orjson refuses is read once more with the standard library, slowly, only to name the reason.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.report.parse_notes import Refusal

if TYPE_CHECKING:
    from pipeline.report.limits import Limits
    from pipeline.report.parse_notes import Notes

_BOM = b"\xef\xbb\xbf"
_DIGITS_OF_A_DOUBLE = 309
_SURROGATE = re.compile("[\ud800-\udfff]")
# a string is taken whole, closed or not, and never given back: linear in time and memory
_BLANK_COLON = re.compile(rb"[ \t\r\n]:")
_SIGNS = re.compile(rb'(?>"(?>[^"\\]+|\\.?)*+(?:"|\Z)|[^"\[{\]}]+)*+([\[{\]}]|\Z)', re.DOTALL)


def load(content: bytes, notes: Notes) -> Any:
    """Parse a JSON text.

    A byte order mark is tolerated (`bom`), NUL bytes at the end too (`trailing_nul`).

    Raises:
        Refusal: It is not I-JSON, or has more values than the limits allow.
    """
    if content.startswith(_BOM):
        notes.add("bom")
        content = content[len(_BOM) :]
    if content.endswith(b"\0"):
        notes.add("trailing_nul")
        content = content.rstrip(b"\0")
    check_size(content, notes.limits)
    try:
        value = orjson.loads(content)
    except (orjson.JSONDecodeError, RecursionError) as err:
        raise _reason(content, notes.limits) from err
    notes.escapes = content.count(b"\\")
    # as many as stand before a quotation mark: none of them escapes another
    quotes_alone = not notes.escapes or content.count(b'\\"') == notes.escapes
    notes.clean = content.isascii() and quotes_alone and b"\x7f" not in content
    return value


def check_size(content: bytes, limits: Limits) -> None:
    """Refuse a text of so many values that parsing it would cost more memory than it is worth; counts bytes, parses nothing.

    Raises:
        Refusal: `limits_exceeded`.
    """
    size = len(content)
    for sign, limit, word in (
        (b"{", limits.json_objects, "objects"),
        (b"[", limits.json_arrays, "arrays"),
        (b",", limits.json_values, "values"),
    ):
        # a text shorter than the limit needs no counting
        if size > limit and content.count(sign) > limit:
            raise Refusal("limits_exceeded", f"the JSON text has more than {limit:,} {word}")


def refuse_duplicates(content: bytes, members: int) -> None:
    """Refuse a text in which a member name occurs twice in one object (RFC 7493 §2.3).

    Args:
        content: The text, which orjson has read.
        members: How many members the objects of the parsed value have.

    Each member of the text has `":` in it, unless blanks stand before its colon. So where there are no such blanks and `":` occurs just as
    often as the parsed value has members, none was lost. Otherwise the text is read again, slowly, to be sure.

    Raises:
        Refusal: `json_duplicate_key`.
    """
    if content.count(b'":') == members and not blank_before_colon(content):
        return
    json.loads(content.decode("utf-8").removeprefix("\ufeff").rstrip("\0"), object_pairs_hook=_unique)


def blank_before_colon(content: bytes) -> bool:
    """Whether a blank stands before a colon, in a string or not."""
    # looking for one byte is many times faster than for two, and most senders write no blanks but single ones
    if b"\n" in content or b"\t" in content or b"\r" in content:
        return _BLANK_COLON.search(content) is not None
    return b" :" in content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refusal("json_duplicate_key", "a member name occurs twice in one object")
    return members


def _reason(content: bytes, limits: Limits) -> Refusal:
    """Find out why orjson refused a text."""
    if b"\0" in content:
        return Refusal("utf8_invalid", "the JSON text has NUL bytes, as UTF-16 and UTF-32 have")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as err:
        return Refusal("utf8_invalid", f"byte {err.start:,} of the JSON text is not UTF-8")
    if _too_deep(content, limits.json_depth):
        return Refusal("json_depth", f"the JSON text is nested deeper than {limits.json_depth} levels")
    return _reason_in(text)


def _reason_in(text: str) -> Refusal:
    """Read a text with the standard library, which is more lenient than orjson, to see what stands out."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_short, object_pairs_hook=_unique_and_paired)
    except Refusal as refusal:
        return refusal
    except json.JSONDecodeError as err:
        return Refusal("json_malformed", f"{err.msg} at character {err.pos:,} of the JSON text")
    if "\\u" in text:
        # not in a member of an object, so in an array
        return Refusal("json_surrogate", "a string of the JSON text has an unpaired surrogate")
    return Refusal("json_malformed", "the JSON text cannot be parsed")


def _too_deep(content: bytes, most: int) -> bool:
    """Whether brackets outside strings are nested deeper than `most`. Runs only on refused texts."""
    depth = 0
    for match in _SIGNS.finditer(content):
        if match[1] in {b"[", b"{"}:
            depth += 1
            if depth > most:
                return True
        elif match[1]:
            depth -= 1
    return False


def _no_constant(name: str) -> Any:
    raise Refusal("json_number", f"{name} is not JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Refusal("json_number", "a number is larger than a double can be")
    return number


def _short(digits: str) -> int:
    if len(digits) >= _DIGITS_OF_A_DOUBLE:
        raise Refusal("json_number", f"a number has {len(digits):,} digits")
    return int(digits)


def _unique_and_paired(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        if _SURROGATE.search(name) or (type(value) is str and _SURROGATE.search(value)):
            raise Refusal("json_surrogate", "a string of the JSON text has an unpaired surrogate")
    return _unique(pairs)
