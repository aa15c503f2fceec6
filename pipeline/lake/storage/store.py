"""Reading and writing the files of a lake in a folder: the few operations that the commit protocol needs; `objects` has those of a bucket.

Paths are relative to the lake, with `/`. A write is whole and durable when it returns: on object storage a PUT is, in a folder it takes
fsync of the file and of its folder. Nothing is ever changed in place.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class StoredFile(NamedTuple):
    """One file of the lake."""

    path: str
    size_bytes: int
    modified_at: float
    """Seconds since the epoch."""


class FolderStore:
    """A lake in a folder of a local file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: str, content: bytes | memoryview) -> None:
        """Write a whole file durably; replaces what was there."""
        target = self._root / path
        self._make_folder(target.parent)
        part = target.with_name(target.name + ".part")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.replace(target)
        _sync(target.parent)

    def get(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where it is not there."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def size(self, path: str) -> int | None:
        """Return the size in bytes of a file, or None where it is not there."""
        try:
            return (self._root / path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def move(self, source: str, target: str) -> None:
        """Give a file its final name; done already is fine."""
        final = self._root / target
        self._make_folder(final.parent)
        try:
            (self._root / source).replace(final)
        except FileNotFoundError:
            if not final.exists():
                raise
        _sync(final.parent)

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none where it is not there."""
        try:
            return sorted(entry.name for entry in (self._root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def walk(self, folder: str) -> list[StoredFile]:
        """Return all files below a folder; what vanishes meanwhile is left out."""
        found = []
        for where, _, names in os.walk(self._root / folder):
            for name in sorted(names):
                file = Path(where) / name
                try:
                    stat = file.stat()
                except FileNotFoundError:
                    continue
                found.append(StoredFile(file.relative_to(self._root).as_posix(), stat.st_size, stat.st_mtime))
        return found

    def remove(self, path: str) -> None:
        """Remove a file; gone already is fine."""
        (self._root / path).unlink(missing_ok=True)

    def remove_all(self, paths: Iterable[str]) -> None:
        """Remove files; gone already is fine."""
        for path in paths:
            self.remove(path)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder with all that is in it; gone already is fine."""
        if (self._root / folder).exists():
            shutil.rmtree(self._root / folder)

    def sync(self, paths: Iterable[str]) -> None:
        """Make files durable that somebody else wrote (the Delta log)."""
        folders = set()
        for path in paths:
            _sync(self._root / path)
            folders.add((self._root / path).parent)
        for folder in folders:
            _sync(folder)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, each durable."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            _sync(each.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
