"""Reads an mbox (RFC 4155) as a stream: one mail in memory at a time, however large the file is.

A mail begins with a line `From ` that carries a time, at the start of the file or after an empty line; the line itself and the
empty line before the next one are not part of the mail. Quoting: one `>` is taken off every line of `>From `, `>>From ` and so on
(mboxrd). The older mboxo quotes `From ` alone, and a line that was `>From ` in the mail loses its `>` here; writers do not say
which of the two they are, and mboxrd is the one that can be undone. A report in base64 or quoted-printable has no such line.
Content-Length is not believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_FROM_LINE = re.compile(rb"From (?>.*?\d:\d\d).*\d{4}")
_QUOTED_FROM = re.compile(rb">+From ")
_LINE_BYTES = 64 * 1024
"""A longer line is read in pieces, so that a file without a newline needs no memory."""


class MboxMail(NamedTuple):
    """One mail of an mbox."""

    number: int
    """From 1."""
    content: bytes | None
    """None where it is larger than the limit."""
    size_bytes: int


class _Growing:
    """A mail being read: its lines, as long as they fit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines: list[bytes] = []
        self.size = 0
        self.last_blank = b""

    def add(self, line: bytes, *, whole: bool) -> None:
        """Take a line; an empty one is held back, because it may belong to the next From_ line."""
        self._take(self.last_blank)
        self.last_blank = b""
        if whole and line in (b"\n", b"\r\n"):
            self.last_blank = line
        else:
            self._take(line)

    def _take(self, line: bytes) -> None:
        self.size += len(line)
        if self.size <= self.limit:
            self.lines.append(line)
        else:
            self.lines.clear()

    def finished(self, number: int) -> MboxMail:
        """Return the mail."""
        return MboxMail(number, b"".join(self.lines) if self.size <= self.limit else None, self.size)


def read_mbox(file: BinaryIO, *, limit: int) -> Iterator[MboxMail]:
    """Yield the mails of an mbox in order.

    Args:
        file: Open for reading, at its start; need not be seekable.
        limit: Bytes; a larger mail is counted and its content is left out.
    """
    mail: _Growing | None = None
    number = 0
    after_blank = True
    at_line_start = True
    while line := file.readline(_LINE_BYTES):
        if at_line_start and after_blank and _is_from_line(line, first=number == 0):
            if mail is not None:
                yield mail.finished(number)
            mail, number = _Growing(limit), number + 1
        elif mail is not None:
            mail.add(line[1:] if at_line_start and _QUOTED_FROM.match(line) else line, whole=at_line_start)
        after_blank = at_line_start and line in (b"\n", b"\r\n")
        at_line_start = line.endswith(b"\n")
    if mail is not None:
        yield mail.finished(number)


def _is_from_line(line: bytes, *, first: bool) -> bool:
    return line.startswith(b"From ") if first else _FROM_LINE.match(line) is not None
