"""Streams of others as Python's own: a stretch of a file, and what can only be read on and on."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Readable(Protocol):
    """Whatever has a `read`."""

    def read(self, size: int, /) -> ReadableBuffer:
        """Return the next `size` bytes, fewer at the end only."""


class FileWindow(io.RawIOBase):
    """Reads the bytes of a file from `start` up to `end`, exclusive; can be rewound within."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self._place = start
        file.seek(start)

    @classmethod
    def of(cls, file: BinaryIO, start: int, end: int) -> BinaryIO:
        """Return the stretch as one buffered stream.

        Args:
            file: The whole file; it must be able to seek.
            start: First byte of the stretch.
            end: The byte after the last one.
        """
        return io.BufferedReader(cls(file, start, end), 1 << 18)

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

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._place)
        piece = self._file.read(min(len(view), max(self._end - self._place, 0)))
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


class ForwardStream(io.RawIOBase):
    """Whatever has a `read`, as a stream that is read once."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    @classmethod
    def of(cls, source: Readable) -> BinaryIO:
        """Return it as one buffered stream; a small buffer, for what a damage follows is lost with it."""
        return io.BufferedReader(cls(source), 1 << 16)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer, or what there is of it."""
        view = memoryview(buffer).cast("B")
        piece = memoryview(self._source.read(len(view)))
        view[: len(piece)] = piece
        return len(piece)
