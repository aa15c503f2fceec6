"""Small pieces of prose: lists, counts, spans of days."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


def listed(names: Iterable[str], *, most: int = 4) -> str:
    """Return `a`, `a and b`, `a, b and c`; beyond `most` names the rest as a number."""
    words = list(names)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} others"]
    if len(words) <= 1:
        return words[0] if words else "nobody"
    return f"{', '.join(words[:-1])} and {words[-1]}"


def count_of(number: int, noun: str) -> str:
    """Return the number, grouped, with the noun in the right number."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span_of(first: date, last: date) -> str:
    """Return `on 2026-05-01` or `from 2026-05-01 to 2026-05-09`."""
    return f"on {first}" if first == last else f"from {first} to {last}"
