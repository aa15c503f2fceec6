"""Small pieces of prose: lists, counts, spans of days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.insight.safe_commands import is_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date


_MOST = 4


def sentence_start(text: str) -> str:
    """Return a text as the beginning of a sentence: with a capital, unless it begins with a host name or an address."""
    first = text.split(" ", 1)[0].rstrip(",;:.")
    return text if "." in first or ":" in first else text[:1].upper() + text[1:]


def first_step(fix: str) -> str:
    """Return the first sentence of what to do, without asides about what stands below it elsewhere."""
    whole = re.sub(r" \([^()]*\bbelow\b[^()]*\)| with the commands? below", "", fix.split("\n", 1)[0])
    return first_sentence(whole)


def first_sentence(text: str) -> str:
    """Return the first sentence of a paragraph; empty for an empty one."""
    return re.split(r"(?<=[a-z0-9)`'])\. (?=[A-Z])", text, maxsplit=1)[0].rstrip(".") + "." if text else ""


def and_more(values: Sequence[str], most: int, between: str = ", ") -> str:
    """Return the first values, and how many more there are.

    Args:
        values: Texts that are safe where they are shown.
        most: So many are named.
        between: What stands between two of them.
    """
    shown = between.join(values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown


def listed(names: Iterable[str], *, of: int = 0) -> str:
    """Return `a`, `a and b`, `a, b and c`; from the fifth on the rest is a number. What is not a host name is not repeated.

    Args:
        names: Host names, as far as they are any.
        of: How many there are, where only the first are given.
    """
    words = [name if is_host(name.removeprefix("*.")) else "(invalid name)" for name in names]
    size = max(of, len(words))
    if size > _MOST:
        words = [*words[: _MOST - 1], f"{size - _MOST + 1} others"]
    if len(words) <= 1:
        return words[0] if words else "nobody"
    return f"{', '.join(words[:-1])} and {words[-1]}"


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return the number, grouped, with its noun.

    Args:
        number: How many.
        noun: In the singular.
        plural: Where it is more than the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def days_of(first: date, last: date) -> str:
    """Return `2026-05-01` or `2026-05-01 to 2026-05-09`."""
    return f"{first}" if first == last else f"{first} to {last}"


def span_of(first: date, last: date) -> str:
    """Return `on 2026-05-01` or `from 2026-05-01 to 2026-05-09`."""
    return f"on {first}" if first == last else f"from {first} to {last}"
