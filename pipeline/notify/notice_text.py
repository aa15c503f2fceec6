"""Words for notices. What came out of a report is a name at most, and no channel takes it for markup, a mention or a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.:_/-]")
_HOST_NAME = re.compile(r"[a-z0-9._-]+")
_MARKUP = re.compile(r"[<>`*|\[\]@#~]")
_WILDCARD = re.compile(r"\*\.(?=[a-z0-9])")
_NAME_CHARS = 253
_TEXT_CHARS = 1_000


def name(value: str) -> str:
    """Return a domain, host, address or reporter as a notice shows it: every other sign becomes a question mark."""
    return _NOT_IN_A_NAME.sub("?", value)[:_NAME_CHARS] or "?"


def names(values: Sequence[str], most: int = 3) -> str:
    """Return the first names and how many more there are."""
    shown = ", ".join(name(value) for value in values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown


def defused(value: str) -> str:
    """Return a text of ours that has names of others in it, without what chat programs, Markdown or HTML might obey."""
    flat = _WILDCARD.sub("(any).", " ".join(value.split()))
    shown = "".join(char if char.isprintable() else "?" for char in flat)
    return _MARKUP.sub("'", shown)[:_TEXT_CHARS]


def speaks_of(text: str, domain: str) -> bool:
    """Say whether a text of ours names a domain or a host below it."""
    return any(part == domain or part.endswith(f".{domain}") for part in _HOST_NAME.findall(text))
