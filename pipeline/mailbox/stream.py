"""A stream whose first bytes were already read, put together again."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


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
