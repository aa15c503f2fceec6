"""A stretch of a file, as a file of its own."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, cast


class Window(io.RawIOBase):
    """Reads the bytes of a file from `start` up to `end`, exclusive; can be rewound within."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self._place = start
        file.seek(start)

    @classmethod
    def of(cls, file: BinaryIO, start: int, end: int) -> BinaryIO:
        """Return the stretch as one buffered stream."""
        return cast("BinaryIO", io.BufferedReader(cls(file, start, end), 1 << 18))

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, counted from the beginning of the stretch."""
        base = {os.SEEK_SET: self._start, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        self._place = max(base + offset, self._start)
        return self._place - self._start

    def readinto(self, buffer: object) -> int:
        """Fill the buffer."""
        view = memoryview(cast("bytearray", buffer))
        self._file.seek(self._place)
        piece = self._file.read(min(len(view), max(self._end - self._place, 0)))
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
