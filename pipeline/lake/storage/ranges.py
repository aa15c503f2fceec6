"""Objects as files to be read at random, for DuckDB and Arrow: one request for each piece, none for what is known.

Data files never change, and a snapshot knows their size; so no object is asked for its size, and the end of each, where Parquet keeps its
schema and statistics and every query begins, is kept in memory. Small files come whole with it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from io import RawIOBase
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.lake.storage.objects import ObjectStore

TAIL_BYTES = 128 * 1024
"""What is fetched of the end of a file at once."""
_LONG_AGO = datetime(2016, 1, 1, tzinfo=UTC)
KEPT_BYTES = 128 * 1024 * 1024
"""What is kept of the ends of all files together."""


class UnchangingFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files that never change, for reading, each by its own name; `open` is its kind's."""

    cachable = False
    _met: Exception | None = None

    def met(self) -> Exception | None:
        """Return the last failure to read, once: DuckDB does not hand on which exception it was."""
        met, self._met = self._met, None
        return met

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size and kind of a file.

        Raises:
            FileNotFoundError: There is none.
        """
        with self.open(path) as file:
            size: int = file.seek(0, os.SEEK_END)
        return {"name": path, "size": size, "type": "file", "mtime": _LONG_AGO.timestamp()}

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the file of this name: nothing is looked for by pattern."""
        return [path]

    def ls(self, path: str, detail: bool = False, **_: Any) -> list[Any]:
        """Return the file of this name."""
        return [self.info(path)] if detail else [path]

    def modified(self, path: str) -> datetime:  # noqa: ARG002 -- files never change
        """Return the same for every file: none ever changes."""
        return _LONG_AGO

    created = modified


class RangeFiles(UnchangingFiles):
    """The files of a lake in a bucket, for reading."""

    protocol = "s3"

    def __init__(self, store: ObjectStore, root: str) -> None:
        """Take a store, and what stands before its paths in the addresses that will be asked for."""
        super().__init__()
        self._store, self._root = store, root
        self._sizes: dict[str, int] = {}
        self._tails: OrderedDict[str, bytes] = OrderedDict()
        self._kept = 0
        self._keeping = threading.Lock()

    def know(self, sizes: Mapping[str, int]) -> None:
        """Take note of the sizes in bytes of files, by address."""
        self._sizes.update({self._strip(address): size for address, size in sizes.items()})

    def size_of(self, path: str) -> int:
        """Return the size of a file in bytes.

        Raises:
            FileNotFoundError: There is none.
        """
        size = self._sizes.get(path)
        if size is None:
            size = self._store.size(path)
            if size is None:
                raise FileNotFoundError(path)
            self._sizes[path] = size
        return size

    def open(self, path: str, mode: str = "rb", **_: Any) -> RangeFile:
        """Open a file for reading.

        Raises:
            OSError: Something else than reading is asked for.
        """
        if mode != "rb":
            raise PermissionError(f"{path} can only be read")
        return RangeFile(self, self._strip(path))

    def read(self, path: str, start: int, end: int) -> bytes:
        """Return a piece of a file; what lies in the kept end of it costs nothing.

        Args:
            path: Relative to the prefix of the store.
            start: The first byte, from 0.
            end: The byte after the last one.
        """
        size = self.size_of(path)
        first_kept = max(0, size - TAIL_BYTES)
        if start < first_kept:
            return self._fetch(path, start, end)
        tail = self._tail(path, first_kept, size)
        return tail[start - first_kept : end - first_kept]

    def _fetch(self, path: str, start: int, end: int) -> bytes:
        try:
            return self._store.range(path, start, end)
        except Exception as err:
            self._met = err
            raise

    def _tail(self, path: str, start: int, size: int) -> bytes:
        with self._keeping:
            if path in self._tails:
                self._tails.move_to_end(path)
                return self._tails[path]
        tail = self._fetch(path, start, size) if size else b""
        with self._keeping:
            self._kept += len(tail) - len(self._tails.get(path, b""))
            self._tails[path] = tail
            while self._kept > KEPT_BYTES:
                _, oldest = self._tails.popitem(last=False)
                self._kept -= len(oldest)
        return tail

    def _strip(self, address: str) -> str:
        return address.removeprefix(self._root).lstrip("/")


class PieceFile(RawIOBase):
    """An open file that is read in pieces. DuckDB seeks and reads one from several threads: each has a place of its own in it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._here = threading.local()

    def piece(self, start: int, end: int) -> bytes:
        """Return a piece of it."""
        raise NotImplementedError

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return the place in bytes."""
        return getattr(self._here, "place", 0)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._here.place = offset + (0, self.tell(), self.size)[whence]
        return self.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, all of them where `size` is negative."""
        place = self.tell()
        end = self.size if size is None or size < 0 else min(place + size, self.size)
        if end <= place:
            return b""
        piece = self.piece(place, end)
        self._here.place = place + len(piece)
        return piece

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class RangeFile(PieceFile):
    """One open file of a bucket."""

    def __init__(self, files: RangeFiles, path: str) -> None:
        self._files, self._path = files, path
        super().__init__(files.size_of(path))

    def piece(self, start: int, end: int) -> bytes:
        """Return a piece of it."""
        return self._files.read(self._path, start, end)
