"""Rows as text for a terminal: columns where they fit, else a card for each, and words of state in colour.

Nothing is ever cut: what is shown can be copied. Why not rich: decision 0041.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import IO, Any

_GAP = "  "
_PROSE = 20
"""Columns of text below which a text of several words is not folded."""
_BETWEEN = "   "
"""Between two values of a card on one line."""
_INDENT = "  "
_TYPED = re.compile(r"\s*(?:\$ |publish: |_[a-z0-9]|\S+\. (?:TXT|MX|TLSA|A|AAAA|CNAME) )")
"""Lines that somebody copies: commands and records."""
_ITEM = re.compile(r"- |\d+\. ")
"""What an item of a list begins with."""
_COMMAND = re.compile(r"`[^`]{1,72}`")
"""A command within a sentence: it stays on one line."""

_RED, _YELLOW, _GREEN = "31", "33", "32"
"""What is ours to fix, what may become so, and what is well; never in a file or a pipe."""
_WORDS = {
    "ours": _RED, "error": _RED, "fail": _RED, "failing": _RED, "not-ready": _RED,
    "warn": _YELLOW, "silent": _YELLOW, "not-enough-evidence": _YELLOW,
    "ok": _GREEN, "ready": _GREEN, "already-enforcing": _GREEN, "resolved": _GREEN,
}  # fmt: skip
"""By word, where it is a whole cell or value."""
_CELL = re.compile(rf"(?m)(^|  |: )({'|'.join(map(re.escape, _WORDS))})(?=$|  |,)")


def laid_out(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int | None) -> Iterator[str]:
    """Yield the lines of rows: a table where it fits, with texts folded between words if need be; else a card for each row.

    Args:
        names: The headings, one a column.
        rows: Cells as text, made safe by `safe_text`; one for each heading.
        right: Which columns are aligned to the right, as numbers are.
        width: The columns of the terminal; None for any.
    """
    if width is None or _natural(names, rows) <= width:
        yield from aligned(names, rows, right)
        return
    filled = [column for column in range(len(names)) if any(row[column] for row in rows)] or list(range(len(names)))
    if (folds := _folds([[names[column], *(row[column] for row in rows)] for column in filled], width)) is not None:
        yield from _folded(
            [names[column] for column in filled], [[row[column] for column in filled] for row in rows], right_of(right, filled), folds
        )
        return
    for number, row in enumerate(rows):
        yield from ("\n",) if number else ()
        yield from card(names, row, width, named=right[0])


def right_of(right: Sequence[bool], columns: Sequence[int]) -> list[bool]:
    """Return which of these columns are aligned to the right."""
    return [right[column] for column in columns]


def aligned(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of a table as wide as it is.

    Args:
        names: The headings, one a column.
        rows: The cells, as many in each row as there are headings.
        right: Which columns are aligned to the right.
    """
    widths = [max(map(columns_of, column)) for column in zip(names, *rows, strict=True)]
    for cells in (names, ["─" * size for size in widths], *rows):
        yield _line(cells, widths, right)


def card(names: Sequence[str], row: Sequence[str], width: int, *, named: bool) -> Iterator[str]:
    """Yield the lines of one row: its first value, and below it the others that are not empty with their names.

    Args:
        names: The headings, one a column.
        row: A text for each heading; those that are empty are left out.
        width: The columns of the terminal.
        named: Whether the first value has its name before it, too, as a number needs.
    """
    yield from (f"{one}\n" for one in _wrapped(f"{names[0]}: {row[0]}" if named else row[0], width, len(_INDENT)))
    line = ""
    for name, value in zip(names[1:], row[1:], strict=True):
        if not value:
            continue
        pair = f"{name}: {value}"
        if line and columns_of(line) + len(_BETWEEN) + columns_of(pair) <= width:
            line += f"{_BETWEEN}{pair}"
            continue
        yield from (f"{line}\n",) if line else ()
        *whole, line = _wrapped(pair, width - len(_INDENT), len(name) + 2)
        yield from (f"{_INDENT}{one}\n" for one in whole)
        line = f"{_INDENT}{line}"
        if whole:
            yield f"{line}\n"
            line = ""
    yield from (f"{line}\n",) if line else ()


def folded(text: str, width: int | None) -> str:
    """Return prose with lines no wider than a terminal, broken between words; what is to be typed is left whole.

    Args:
        text: Lines; those that begin with `$` or hold a record to publish are commands and records.
        width: The columns of the terminal; None for any.
    """
    if width is None:
        return text
    return "\n".join(line if columns_of(line) <= width or _TYPED.match(line) else _fill(line, width) for line in text.split("\n"))


def _fill(line: str, width: int) -> str:
    blank = line[: len(line) - len(line.lstrip())]
    hanging = blank + " " * len(mark[0] if (mark := _ITEM.match(line.lstrip())) else "")
    first, *others = _wrapped(line.strip(), width - len(hanging), 0)
    return "\n".join((f"{blank}{first}", *(f"{hanging}{other}" for other in others)))


def columns_of(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _natural(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(columns_of, column)) for column in zip(names, *rows, strict=True)) + len(_GAP) * (len(names) - 1)


def _folds(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return the widths with which columns fit a terminal when headings are folded at _ and texts between words; None: they do not."""
    room = width - len(_GAP) * (len(columns) - 1)
    natural, least = [], []
    for heading, *cells in columns:
        folded = max(map(len, heading.replace("_", "_ ").split(" ")), default=1)
        whole = max(map(columns_of, cells), default=0)
        word = max((columns_of(word) for cell in cells for word in cell.split(" ")), default=0)
        natural.append(max(folded, whole))
        least.append(max(folded, min(whole, max(word, _PROSE))))
    if sum(least) > room:
        return None
    widths = list(least)
    for column in sorted(range(len(columns)), key=lambda column: natural[column] - least[column]):
        widths[column] += min(natural[column] - least[column], room - sum(widths))
    return widths


def _folded(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], widths: Sequence[int]) -> Iterator[str]:
    headings = [_wrapped(name.replace("_", "_ "), size, 0) for name, size in zip(names, widths, strict=True)]
    headings = [[part.replace("_ ", "_") for part in lines] for lines in headings]
    for cells in zip_longest(*headings, fillvalue=""):
        yield _line(cells, widths, right)
    yield _line(["─" * size for size in widths], widths, right)
    for row in rows:
        for cells in zip_longest(*(_wrapped(cell, size, 0) for cell, size in zip(row, widths, strict=True)), fillvalue=""):
            yield _line(cells, widths, right)


def _wrapped(text: str, size: int, indent: int) -> list[str]:
    """Return a text in lines of a width, broken between words alone, so that what stands in it can be copied."""
    if columns_of(text) <= size:
        return [text]
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", "\0"), text)
    first, *words = [word for word in whole.split(" ") if word] or [""]
    lines, blank = [first], " " * max(0, min(indent, size - max(map(columns_of, words), default=0)))
    for word in words:
        if columns_of(lines[-1]) + 1 + columns_of(word) <= size:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{blank}{word}")
    return [line.replace("\0", " ") for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return _GAP.join(_padded(cell, size, to_right) for cell, size, to_right in zip(cells, widths, right, strict=True)).rstrip() + "\n"


def _padded(text: str, size: int, to_right: bool) -> str:
    blank = " " * (size - columns_of(text))
    return blank + text if to_right else text + blank


def wants_colour(stream: IO[Any]) -> bool:
    """Say whether a stream is a terminal whose user has not asked for none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """Return text with its words of state in colour."""
    return _CELL.sub(lambda found: f"{found[1]}\x1b[{_WORDS[found[2]]}m{found[2]}\x1b[0m", text)
