"""Rows as aligned columns of text, no wider than the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

_NARROWEST = 8
"""Columns of text below which nothing is cut."""
_GAP = "  "


def aligned(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int | None) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        names: The headings.
        rows: The cells.
        right: Which columns are aligned to the right, as numbers are.
        width: The columns of the terminal; None for any.
    """
    widths = [max(map(columns_of, column)) for column in zip(names, *rows, strict=True)]
    if width is not None:
        widths = narrowed(widths, width - len(_GAP) * (len(widths) - 1))
    for cells in (names, ["─" * size for size in widths], *rows):
        yield _GAP.join(_padded(cell, size, to_right) for cell, size, to_right in zip(cells, widths, right, strict=True)).rstrip() + "\n"


def narrowed(widths: list[int], room: int) -> list[int]:
    """Narrow the widest columns until all fit, none below a readable minimum."""
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = max(widths)
        next_widest = max((size for size in widths if size < widest), default=0)
        excess_each = -(-(sum(widths) - room) // widths.count(widest))
        target = max(next_widest, widest - excess_each, _NARROWEST)
        widths = [target if size == widest else size for size in widths]
    return widths


def columns_of(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, size: int, to_right: bool) -> str:
    shown = _cut(text, size)
    blank = " " * (size - columns_of(shown))
    return blank + shown if to_right else shown + blank


def _cut(text: str, size: int) -> str:
    if columns_of(text) <= size:
        return text
    kept, used = [], 1
    for char in text:
        used += columns_of(char)
        if used > size:
            break
        kept.append(char)
    return "".join(kept) + "…"
