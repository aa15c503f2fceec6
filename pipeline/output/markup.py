"""Values as HTML that does nothing but show them: what notebooks and the printed report are made of."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def text(value: object) -> str:
    """Return a value as text for HTML: what might be markup is none, what turns the direction of reading or controls is made visible."""
    shown = str(value)
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)
    return escape(shown)


def html_table(caption: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table for a notebook.

    Args:
        caption: What stands above it, as HTML.
        head: The headings; escaped here, like the cells.
        rows: The cells; those of HTML are `Html`.
    """
    cells = "".join(f"<tr>{''.join(f'<td{_side(value)}>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    headings = "".join(f"<th{_LEFT}>{text(name)}</th>" for name in head)
    return f"<table><caption{_LEFT}>{caption}</caption><tr>{headings}</tr>{cells}</table>"


class Html(str):
    """Text that is HTML already, every part of it escaped where it was made."""

    __slots__ = ()


_LEFT = ' style="text-align: left"'
"""Notebooks set every cell to the right, prose included."""


def _side(value: object) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) else _LEFT


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else text(value)


def joined(names: Iterable[str]) -> str:
    """Return names after each other, or a dash where there are none."""
    return ", ".join(names) or "–"
