"""The files of a lake as a stranger's SQL sees them: at an address that only this module understands, and for reading alone.

DuckDB may open nothing else (`pipeline.query.engine`): neither the folder of the lake by its own name nor any other, so that what the check
of the SQL misses finds no file to write to.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.lake.storage.ranges import PieceFile, UnchangingFiles
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.lake.storage.ranges import RangeFiles

PROTOCOL = "tlsrpt"
ROOT = f"{PROTOCOL}://lake"
"""What the lake is called."""
EMPTY = f"{ROOT}/empty"
"""Where the typed files without rows are."""


class GuestFiles(UnchangingFiles):
    """Data files of the tables of one lake, read-only."""

    protocol = PROTOCOL

    def __init__(self, uri: str, far: RangeFiles | None, empty: Mapping[str, bytes]) -> None:
        """Take the lake.

        Args:
            uri: Its folder or address.
            far: How its files are read where it is in a bucket; None for a folder.
            empty: Files that are made up, by name below `EMPTY`.
        """
        super().__init__()
        self._uri, self._far, self._empty = uri, far, empty

    def met(self) -> Exception | None:
        """Return the last failure to read, once: DuckDB does not hand on which exception it was."""
        return super().met() or (self._far.met() if self._far is not None else None)

    def open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        """Open a data file for reading.

        Raises:
            PermissionError: It is none, or is to be written.
            OSError: It cannot be read.
        """
        inside = PurePosixPath(path.removeprefix(f"{PROTOCOL}://").removeprefix("/"))
        table = inside.parts[1] if len(inside.parts) > 2 else ""
        if mode != "rb" or ".." in inside.parts or inside.suffix != ".parquet" or table not in (*TABLES, PurePosixPath(EMPTY).name):
            raise PermissionError(f"{path} is not data file of the lake, or is to be written")
        try:
            return self._opened(table, "/".join(inside.parts[2:]))
        except Exception as err:
            self._met = err
            raise

    def _opened(self, table: str, inside: str) -> Any:
        if inside in self._empty and table not in TABLES:
            return BytesIO(self._empty[inside])
        address = f"{self._uri}/{table}/{inside}"
        return LocalFile(Path(address)) if self._far is None else self._far.open(address)


class LocalFile(PieceFile):
    """One open file of a folder."""

    _number: int | None = None
    """None where it could not be opened: what closes it looks here all the same."""

    def __init__(self, path: Path) -> None:
        number = self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        super().__init__(os.fstat(number).st_size)

    def piece(self, start: int, end: int) -> bytes:
        """Return a piece of it."""
        assert self._number is not None  # noqa: S101 -- for mypy
        return os.pread(self._number, end - start, start)

    def close(self) -> None:
        """Close it."""
        if not self.closed and self._number is not None:
            os.close(self._number)
        super().close()
