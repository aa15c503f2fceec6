"""Values as text that does nothing where it is read: a terminal, a spreadsheet, a JSON document."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")


def escape(text: str) -> str:
    """Return the text with everything a terminal might obey, or that turns the direction of reading, as visible escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def neutralise(text: str) -> str:
    """Return the text so that a spreadsheet takes it for text: what begins like a formula gets an apostrophe in front."""
    return f"'{escape(text)}" if _FORMULA.match(text) else escape(text)


def json_text(value: object, *, indent: bool = False) -> str:
    """Return a value as JSON: days and moments in ISO 8601, bytes in base64, what a terminal might obey as escapes of JSON."""
    options = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    text = orjson.dumps(value, default=_beyond_json, option=options).decode("utf-8")
    # The only newlines are those of the indentation; megabytes are not to be walked through sign by sign for them.
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _json_escape(char) for char in text)


def cell(value: object, number: Callable[[float], str] = repr) -> str:
    """Return a value as the text of a cell; elements of a list are parted by semicolons.

    Args:
        value: Whatever a row holds: text, number, moment, list, None.
        number: How to write a float.
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    return _CELL.get(type(value), str)(value)


def rounded(number: float) -> str:
    """Return a float for eyes: four digits after the point at most."""
    return f"{number:.4f}".rstrip("0").rstrip(".") if isfinite(number) else ""


def is_share(name: str) -> bool:
    """Say whether a column of this name holds parts of one, which eyes read as percent."""
    return name in {"share", "rate"} or name.endswith(("_share", "_rate"))


def percent(number: float) -> str:
    """Return a part of one for eyes."""
    return f"{number:.1%}" if isfinite(number) else ""


def _moment(value: datetime) -> str:
    """Return a moment in UTC."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z" if value.tzinfo else value.isoformat()


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _beyond_json(value: object) -> object:
    """Return a value that JSON has no word for in one it has."""
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)
    return str(value)


_CELL: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    datetime: _moment,
    list: lambda values: "; ".join(map(cell, values)),
    tuple: lambda values: "; ".join(map(cell, values)),
    bytes: lambda value: b64encode(value).decode("ascii"),
    dict: json_text,
}
