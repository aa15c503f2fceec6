"""What a file is, told by its name and, where the name says nothing, by its first bytes; and a stream with these put back before it."""

from __future__ import annotations

import io
import re
from enum import Enum
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 8192
"""How much of a file `kind_by_content` wants to see."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
"""A header field name and its colon (RFC 5322 §2.2; the blank before the colon is its §4.5.8)."""

_USUAL_FIELDS = frozenset(
    b"arc-seal authentication-results content-type date delivered-to dkim-signature from message-id mime-version received return-path "
    b"subject to x-original-to".split()
)


class FileKind(Enum):
    """How to read a file."""

    MAIL = "mail"
    BARE = "bare"
    """A report without a mail around it: JSON, gzip or zip."""
    MBOX = "mbox"
    OTHER = "other"


_BY_SUFFIX = {".eml": FileKind.MAIL, ".json": FileKind.BARE, ".gz": FileKind.BARE, ".zip": FileKind.BARE, ".mbox": FileKind.MBOX}


def kind_by_name(name: str) -> FileKind | None:
    """Return what the name promises, or None where it says nothing."""
    lower = name.lower()
    if lower.endswith(".tar.gz"):
        return FileKind.OTHER
    return _BY_SUFFIX.get(lower[lower.rfind(".") :])


def kind_by_content(head: bytes) -> FileKind:
    """Return what the first `HEAD_BYTES` bytes of a file look like.

    JSON is an opening brace, after a byte order mark and blanks. A mail is a block of header fields of which one at least is
    usual in mail: a text that merely starts with `Note:` is none.
    """
    if head.startswith((_GZIP, _ZIP)) or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return FileKind.BARE
    if begins_as_mbox(head):
        return FileKind.MBOX
    return FileKind.MAIL if _starts_with_header(head) else FileKind.OTHER


def begins_as_mbox(head: bytes) -> bool:
    """Whether a file begins with the line that begins each mail of an mbox."""
    return head.lstrip(b"\r\n").startswith(b"From ")


def _starts_with_header(head: bytes) -> bool:
    usual = False
    for line in head.splitlines():
        if not line:
            break
        if line[:1] in b" \t":
            continue
        field = _FIELD.match(line)
        if field is None:
            # The last line of a full head may be cut off anywhere; any other is not a header field.
            return usual and len(head) >= HEAD_BYTES and head.endswith(line)
        usual = usual or field[1].lower() in _USUAL_FIELDS
    return usual


class Rejoined(io.RawIOBase):
    """The bytes of `head`, then those of `rest`; for standard input, which cannot be rewound."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = memoryview(head)
        self._rest = rest

    @classmethod
    def of(cls, head: bytes, rest: IO[bytes]) -> BinaryIO:
        """Return both as one buffered stream."""
        return io.BufferedReader(cls(head, rest))

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer from the head while there is one, then from the rest."""
        view = memoryview(buffer).cast("B")
        if not self._head:
            piece = self._rest.read(len(view))
            view[: len(piece)] = piece
            return len(piece)
        count = min(len(view), len(self._head))
        view[:count] = self._head[:count]
        self._head = self._head[count:]
        return count
