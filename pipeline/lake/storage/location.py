"""Where a lake is: a folder, or a prefix on object storage. All that depends on the kind of storage is asked of this class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.errors import ConfigError
from pipeline.lake.storage.folder import FolderPlace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyarrow.fs import FileSystem

    from pipeline.config import LakeSettings
    from pipeline.lake.storage.place import Held, Place
    from pipeline.lake.storage.ranges import RangeFiles
    from pipeline.lake.storage.store import Store

S3 = "s3://"
NOTE_SECONDS = 10.0
"""How long a note that another process holds is waited for."""


class Location:
    """The place of a lake."""

    def __init__(self, where: str | Path | Location, *, wait_seconds: float = 0.0) -> None:
        """Take a folder or s3://bucket/prefix.

        Args:
            where: The place.
            wait_seconds: How long a writer waits for another one before it gives up.

        Raises:
            ConfigError: It is a URI of a kind that this version cannot use, or what it needs is not configured.
        """
        same = isinstance(where, Location)
        self._place: Place = where._place if same else _place_of(str(where))  # type: ignore[union-attr] # noqa: SLF001 -- its own class
        self.wait_seconds: float = where.wait_seconds if same else wait_seconds  # type: ignore[union-attr]

    @classmethod
    def of(cls, settings: LakeSettings) -> Self:
        """Return the place that is configured.

        Raises:
            ConfigError: As the constructor.
        """
        return cls(settings.path, wait_seconds=settings.wait_seconds)

    def __str__(self) -> str:
        return self.uri

    def __repr__(self) -> str:
        return f"Location({self.uri!r})"

    @property
    def uri(self) -> str:
        """The lake as text, absolute."""
        return self._place.uri

    @property
    def store(self) -> Store:
        """Its files."""
        return self._place.store

    @property
    def loses_writes(self) -> bool:
        """Whether what was written and not synced may be torn after a power cut."""
        return self._place.loses_writes

    @property
    def far(self) -> bool:
        """Whether each request waits for a network."""
        return self._place.far

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What `deltalake` needs beside the address: credentials and endpoint of object storage; None in a folder."""
        return self._place.storage_options

    @property
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow; it takes the paths that `path_of` makes."""
        return self._place.filesystem

    def table_uri(self, name: str) -> str:
        """Return the address of a table, for `deltalake`."""
        return f"{self.uri}/{name}"

    def uri_of(self, path: str) -> str:
        """Return the address of a file of the lake, for DuckDB and for people."""
        return f"{self.uri}/{path}"

    def readable(self) -> RangeFiles | None:
        """Return how DuckDB reads the addresses of `uri_of`; None where it can by itself."""
        return self._place.readable()

    def path_of(self, path: str) -> str:
        """Return the path of a file of the lake, for `filesystem`."""
        return self._place.path_of(path)

    def staged(self, folder: str, name: str, final: str) -> str:
        """Return where a file lies while its batch is in the making.

        Args:
            folder: The folder of the stage.
            name: A name that is free in it.
            final: Where it will lie; in a bucket, where nothing can be moved, it lies there from the beginning, and no table names it yet.
        """
        return self._place.staged(folder, name, final)

    def exists(self) -> bool:
        """Say whether there is anything at this place.

        Raises:
            LakeError: It is there, but is no lake or may not be read.
        """
        return self._place.exists()

    def create(self) -> None:
        """Make the place, where that is ours to do.

        Raises:
            LakeError: That is not possible; the sentence says why.
        """
        self._place.create()

    def writer_lock(self) -> AbstractContextManager[Held]:
        """Return the lock that one writer holds.

        Raises:
            TryAgainError: When entered: another process holds it.
        """
        return self._place.lock("", self.wait_seconds)

    def notes_lock(self, folder: str) -> AbstractContextManager[Held]:
        """Return the lock of a folder of small notes inside the lake, which writers do not take.

        Raises:
            TryAgainError: When entered: another process holds it.
            LakeError: The folder cannot be made.
        """
        # Notes are held for moments: to wait for one costs less than to do without it.
        return self._place.lock(folder, max(self.wait_seconds, NOTE_SECONDS))

    def errors(self, what: str) -> AbstractContextManager[None]:
        """Turn whatever storage, Delta or Arrow say into one sentence.

        Args:
            what: What is being done with the lake, as a verb: read, write, create.

        Raises:
            LakeError: The storage did not do it.
            TryAgainError: Another run has taken the lake over, or the storage asks to be left alone for a while.
            UnreachableError: The storage cannot be reached.
            SignInError: It refuses the credentials.
        """
        return self._place.errors(what)


def _place_of(text: str) -> Place:
    if text.startswith(S3):
        from pipeline.lake.storage.bucket import BucketPlace

        return BucketPlace(text)
    if "://" in text:
        raise ConfigError(f"the lake {text} is at no place this program knows; a lake is a folder or s3://bucket/prefix")
    folder = Path(text).expanduser().absolute()
    if (code := re.search("%[0-9A-Fa-f]{2}", str(folder))) is not None:
        # deltalake writes to the folder as it is named and reads from the decoded one; a link to it is followed first.
        raise ConfigError(
            f"the lake {folder} has {code[0]} in its path, which the Delta library takes for another character; name it otherwise"
        )
    return FolderPlace(folder)
