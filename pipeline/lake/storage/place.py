"""What differs between the kinds of storage a lake can be on. `pipeline.lake.storage.location.Location` chooses one by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyarrow.fs import FileSystem

    from pipeline.lake.storage.ranges import RangeFiles
    from pipeline.lake.storage.store import Store


class Held(NamedTuple):
    """A lock that is held."""

    epoch: int | None = None
    """Grows from holder to holder, and goes with every commit; None where the kernel keeps the lock and nothing can take it away."""
    taken_over: bool = False
    """Whether the former holder never let go: it may still be alive and write, so its tables have to be closed to it first."""


class Place(Protocol):
    """A folder, or a prefix in a bucket."""

    uri: str
    loses_writes: bool
    far: bool

    @property
    def store(self) -> Store:
        """Its files."""

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What `deltalake` needs beside the address."""

    @property
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow."""

    def readable(self) -> RangeFiles | None:
        """Return how DuckDB reads files of the lake by their addresses; None where it can by itself."""

    def path_of(self, path: str) -> str:
        """Return the path of a file of the lake, for `filesystem`."""

    def staged(self, folder: str, name: str, final: str) -> str:
        """Return where a file lies while its batch is in the making."""

    def exists(self) -> bool:
        """Say whether there is anything at this place."""

    def create(self) -> None:
        """Make the place, where that is ours to do."""

    def lock(self, folder: str, wait_seconds: float) -> AbstractContextManager[Held]:
        """Return the lock of the lake (""), or of a folder of small notes inside it."""

    def errors(self, what: str) -> AbstractContextManager[None]:
        """Turn whatever the storage says into one sentence; `what` is read, write or create."""
