"""What a kind of storage has to provide for a lake: its files, its lock, and how others open it. `folder` and `bucket` are the two kinds.

`pipeline.lake.storage.locate` chooses the kind by the address; a third one begins there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from pyarrow.fs import FileSystem

    from pipeline.lake.storage.objects import ObjectStore
    from pipeline.lake.storage.ranges import RangeFiles
    from pipeline.lake.storage.store import FolderStore

_Done = TypeVar("_Done")

NOTE_SECONDS = 10.0
"""How long a note that another process holds is waited for."""


class HeldLock(NamedTuple):
    """A lock that is held."""

    epoch: int | None = None
    """Grows from holder to holder, and goes with every commit; None where the kernel keeps the lock and nothing can take it away."""
    taken_over: bool = False
    """Whether the former holder never let go: it may still be alive and write, so its tables have to be closed to it first."""


class Location(ABC):
    """The place of a lake."""

    far: ClassVar[bool]
    """Whether each request waits for a network; where none does, what was written and not synced may be torn after a power cut."""

    def __init__(self, uri: str, store: FolderStore | ObjectStore, wait_seconds: float) -> None:
        """Take what every kind of storage has.

        Args:
            uri: The lake as text, absolute.
            store: Reads and writes below that address.
            wait_seconds: How long a writer waits for another one before it gives up.
        """
        self.uri = uri
        self.store = store
        self.wait_seconds = wait_seconds

    def __str__(self) -> str:
        return self.uri

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.uri!r})"

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What `deltalake` needs beside the address: credentials and endpoint of object storage; None in a folder."""
        return None

    @property
    @abstractmethod
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow; it takes the paths that `path_of` makes."""

    def table_uri(self, name: str) -> str:
        """Return the address of a table, for `deltalake`."""
        return f"{self.uri}/{name}"

    def uri_of(self, path: str) -> str:
        """Return the address of a file of the lake, for DuckDB and for people."""
        return f"{self.uri}/{path}"

    def readable(self) -> RangeFiles | None:
        """Return how DuckDB reads the addresses of `uri_of`; None where it can by itself."""
        return None

    def path_of(self, path: str) -> str:
        """Return the path of a file of the lake, for `filesystem`."""
        return path if self.far else f"{self.uri}/{path}"

    def staged(self, folder: str, name: str, final: str) -> str:
        """Return where a file lies while its batch is in the making.

        Args:
            folder: The folder of the stage.
            name: A name that is free in it.
            final: Where it will lie; in a bucket, where nothing can be moved, it lies there from the beginning, and no table names it yet.
        """
        return final if self.far else f"{folder}/{name}"

    @abstractmethod
    def exists(self) -> bool:
        """Say whether there is anything at this place.

        Raises:
            LakeError: It is there, but is not a lake or may not be read.
        """

    @abstractmethod
    def create(self) -> None:
        """Make the place, where that is ours to do.

        Raises:
            LakeError: That is not possible; the sentence says why.
        """

    def together(self, work: Callable[[str], _Done], names: Iterable[str]) -> dict[str, _Done]:
        """Do something for each table: one after the other in a folder, all at once in a bucket, where each waits for the network.

        Args:
            work: Gets the name of a table; in a bucket it runs in a thread for each.
            names: Of the tables, in the order in which a folder does them, and in that of the answer.

        Raises:
            Exception: What the first of them raised, when all have come to their end.
        """
        if not self.far:
            return {name: work(name) for name in names}
        wanted = list(names)
        with ThreadPoolExecutor(max(len(wanted), 1), thread_name_prefix="tables") as threads:
            begun = [threads.submit(work, name) for name in wanted]
        return {name: each.result() for name, each in zip(wanted, begun, strict=True)}

    def writer_lock(self) -> AbstractContextManager[HeldLock]:
        """Return the lock that one writer holds.

        Raises:
            TryAgainError: When entered: another process holds it.
        """
        return self.lock("", self.wait_seconds)

    def notes_lock(self, folder: str) -> AbstractContextManager[HeldLock]:
        """Return the lock of a folder of small notes inside the lake, which writers do not take.

        Raises:
            TryAgainError: When entered: another process holds it.
            LakeError: The folder cannot be made.
        """
        # Notes are held for moments: to wait for one costs less than to do without it.
        return self.lock(folder, max(self.wait_seconds, NOTE_SECONDS))

    @abstractmethod
    def lock(self, folder: str, wait_seconds: float) -> AbstractContextManager[HeldLock]:
        """Return the lock of the lake (""), or of a folder of small notes inside it.

        Raises:
            TryAgainError: When entered: another process still holds it after this time.
            LakeError: The folder cannot be made.
        """

    @abstractmethod
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
