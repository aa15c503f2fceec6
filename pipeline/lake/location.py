"""Where a lake is: a folder, or a prefix on object storage. All that depends on the kind of storage is asked of this class."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, LakeError, TlsrptError
from pipeline.lake.lock import folder_lock
from pipeline.lake.store import FolderStore, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pyarrow.fs import FileSystem


class Location:
    """The place of a lake."""

    def __init__(self, where: str | Path | Location) -> None:
        """Take a folder.

        Raises:
            ConfigError: It is a URI of a kind that this version cannot use.
        """
        text = str(where)
        if "://" in text:
            raise ConfigError(f"the lake {text} is not in a folder; this version keeps its lake in a local folder only")
        self._root = Path(text).expanduser().absolute()
        self.uri = str(self._root)
        """The lake as text, absolute."""
        self.store: Store = FolderStore(self._root)

    def __str__(self) -> str:
        return self.uri

    def __repr__(self) -> str:
        return f"Location({self.uri!r})"

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What `deltalake` needs beside the address: credentials and endpoint of object storage; None in a folder."""
        return None

    @property
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow; it takes the paths that `path_of` makes."""
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem()

    def table_uri(self, name: str) -> str:
        """Return the address of a table, for `deltalake`."""
        return f"{self.uri}/{name}"

    def path_of(self, path: str) -> str:
        """Return the address of a file of the lake, for pyarrow and DuckDB."""
        return f"{self.uri}/{path}"

    def exists(self) -> bool:
        """Say whether there is anything at this place.

        Raises:
            LakeError: It is there, but is no folder or may not be read.
        """
        with self.errors("read"):
            if not self._root.exists():
                return False
            if not self._root.is_dir():
                raise LakeError(f"the lake {self.uri} is a file, and should be a folder; name another path with --lake")
            next(self._root.iterdir(), None)
            return True

    def create(self) -> None:
        """Make the folder.

        Raises:
            LakeError: That is not possible; the sentence says why.
        """
        if not self.exists():
            with self.errors("create"):
                self._root.mkdir(parents=True, exist_ok=True)

    def writer_lock(self) -> AbstractContextManager[None]:
        """Return the lock that one writer holds.

        Raises:
            TryAgainError: When entered: another process holds it.
        """
        return folder_lock(self._root)

    @contextmanager
    def notes_lock(self, folder: str) -> Iterator[None]:
        """Hold the lock of a folder of small notes inside the lake, which writers do not take.

        Raises:
            TryAgainError: When entered: another process holds it.
            LakeError: The folder cannot be made.
        """
        with self.errors("write"):
            (self._root / folder).mkdir(exist_ok=True)
        with folder_lock(self._root / folder):
            yield

    @contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Turn whatever storage, Delta or Arrow say into one sentence.

        Args:
            what: What is being done with the lake, as a verb: read, write, create.

        Raises:
            LakeError: The storage did not do it.
        """
        from deltalake.exceptions import DeltaError, TableNotFoundError
        from pyarrow import ArrowException

        try:
            yield
        except TlsrptError:
            raise
        except (OSError, DeltaError, TableNotFoundError, ArrowException) as err:
            raise LakeError(self._sentence(what, err)) from err

    def _sentence(self, what: str, err: Exception) -> str:
        text = str(err)
        if getattr(err, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in text or "os error 122" in text:
            return f"the disk of the lake {self.uri} is full; nothing that was stored is harmed, make room and run again"
        if isinstance(err, PermissionError) or "os error 13" in text:
            return f"the lake {self.uri} may not be {_done(what)}; check its owner and permissions"
        reason = getattr(err, "strerror", None) or text.strip().splitlines()[0][:300] if text.strip() else type(err).__name__
        return f"the lake {self.uri} cannot be {_done(what)}: {reason}"


def _done(what: str) -> str:
    return {"read": "read", "write": "written", "create": "created"}[what]
