"""Reading and writing the files of a lake in a bucket: the operations of `store` as requests, and the conditional puts of the lease.

An object is whole and durable when its PUT returns, and there is no other way to write one: nothing has to be moved, nothing synced.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

from pipeline.lake.storage.s3 import Access, find_access
from pipeline.lake.storage.store import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable

_DELETE_AT_ONCE = 1000
"""What one request of the S3 API can delete."""


class Tagged(NamedTuple):
    """An object with the tag that a conditional put compares."""

    content: bytes
    tag: str
    modified_at: float
    """Seconds since the epoch, by the clock of the storage."""


class ObjectStore:
    """The objects of a bucket below a prefix."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._access: Access | None = None
        self._store: S3Store | None = None
        self._asking = threading.Lock()

    @property
    def access(self) -> Access:
        """How to get at the bucket now: keys that end are asked for again in time.

        Raises:
            ConfigError: It is not configured.
            SignInError: There are no keys to be had.
        """
        with self._asking:
            if self._access is None or not self._access.fresh:
                self._access, self._store = find_access(), None
            return self._access

    @property
    def client(self) -> S3Store:
        """The bucket below the prefix, for `obstore`."""
        access = self.access
        with self._asking:
            if self._store is None:
                self._store = S3Store(self._bucket, prefix=self._prefix or None, **access.store_options())
            return self._store

    def put(self, path: str, content: bytes | memoryview) -> None:
        """Write a whole object durably; replaces what was there."""
        obstore.put(self.client, path, memoryview(content).cast("B"))

    def put_new(self, path: str, content: bytes) -> str | None:
        """Write an object that must not be there; return its tag, or None where it is."""
        try:
            return obstore.put(self.client, path, content, mode="create", use_multipart=False)["e_tag"] or ""
        except (AlreadyExistsError, PreconditionError):
            return None

    def replace(self, path: str, content: bytes, tag: str) -> str | None:
        """Write an object that must still be the one with this tag; return the new tag, or None where it is another or gone.

        Args:
            path: Relative to the prefix.
            content: All of the new object.
            tag: That of the object as it was last read or written, see `Tagged`.
        """
        try:
            return obstore.put(self.client, path, content, mode={"e_tag": tag}, use_multipart=False)["e_tag"] or ""
        except (PreconditionError, AlreadyExistsError, FileNotFoundError):
            return None

    def tagged(self, path: str) -> Tagged | None:
        """Return an object with its tag, or None where it is not there."""
        try:
            found = obstore.get(self.client, path)
        except FileNotFoundError:
            return None
        return Tagged(bytes(found.bytes()), found.meta["e_tag"] or "", found.meta["last_modified"].timestamp())

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes, or None where it is not there."""
        found = self.tagged(path)
        return None if found is None else found.content

    def range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, exclusive, of an object.

        Args:
            path: Relative to the prefix.
            start: The first byte, from 0.
            end: The byte after the last one.

        Raises:
            FileNotFoundError: It is not there.
        """
        return bytes(obstore.get_range(self.client, path, start=start, end=end))

    def size(self, path: str) -> int | None:
        """Return the size in bytes of an object, or None where it is not there."""
        try:
            return obstore.head(self.client, path)["size"]
        except FileNotFoundError:
            return None

    def move(self, source: str, target: str) -> None:
        """Nothing to do: an object is written where it will stay."""
        assert source == target, "an object cannot be moved"  # noqa: S101 -- a mistake of the caller

    def names(self, folder: str) -> list[str]:
        """Return the names below a prefix, up to the next `/`, sorted; none where there are none."""
        found = obstore.list_with_delimiter(self.client, f"{folder}/" if folder else None)
        paths = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def walk(self, folder: str) -> list[StoredFile]:
        """Return all objects below a prefix."""
        pages = obstore.list(self.client, f"{folder}/" if folder else None)
        return [StoredFile(each["path"], each["size"], each["last_modified"].timestamp()) for page in pages for each in page]

    def any(self) -> bool:
        """Say whether there is any object.

        Raises:
            BaseError: The bucket is not there, or may not be listed.
        """
        return any(page for page in obstore.list(self.client, chunk_size=1))

    def remove(self, path: str) -> None:
        """Remove an object; gone already is fine."""
        try:
            obstore.delete(self.client, path)
        except FileNotFoundError:
            return

    def remove_tree(self, folder: str) -> None:
        """Remove all objects below a prefix; gone already is fine."""
        self.remove_all(file.path for file in self.walk(folder))

    def remove_all(self, paths: Iterable[str]) -> None:
        """Remove objects; gone already is fine."""
        some = list(paths)
        for start in range(0, len(some), _DELETE_AT_ONCE):
            obstore.delete(self.client, some[start : start + _DELETE_AT_ONCE])

    def sync(self, paths: Iterable[str]) -> None:
        """Nothing to do: a PUT is durable when it returns."""
