"""The kind of storage that is a folder of this machine: its lock is the kernel's, its files are moved from the stage into their tables.

One writer per lake: the lock is `flock` on a file of the lake, and the kernel lets go of it however the holder ends. On object storage the
same is a lease (`pipeline.lake.storage.lease`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import LakeError, TlsrptError, TryAgainError
from pipeline.lake.storage.location import HeldLock, Location
from pipeline.lake.storage.store import FolderStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pyarrow.fs import FileSystem

LOCK_FILE = "_lock"
PAUSE_SECONDS = 0.2
"""Between two looks at a lock that somebody else holds."""
DONE = {"read": "read", "write": "written", "create": "created"}


class FolderLocation(Location):
    """A folder."""

    far = False

    def __init__(self, root: Path, wait_seconds: float) -> None:
        super().__init__(str(root), FolderStore(root), wait_seconds)
        self._root = root

    @property
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow."""
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem()

    def exists(self) -> bool:
        """Say whether there is anything at this place.

        Raises:
            LakeError: It is there, but is not a folder or may not be read.
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

    def lock(self, folder: str, wait_seconds: float) -> AbstractContextManager[HeldLock]:
        """Return the lock of the lake (""), or of a folder of small notes inside it.

        Raises:
            TryAgainError: When entered: another process still holds it after this time.
            LakeError: The folder cannot be made.
        """
        if folder:
            with self.errors("write"):
                (self._root / folder).mkdir(exist_ok=True)
        return folder_lock(self._root / folder, wait_seconds=wait_seconds)

    @contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Turn whatever storage, Delta or Arrow say into one sentence.

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
            return f"the disk of the lake {self.uri} is full; stored data is intact; free some space and run again"
        if isinstance(err, PermissionError) or "os error 13" in text:
            return f"the lake {self.uri} may not be {DONE[what]}; check its owner and permissions"
        reason = getattr(err, "strerror", None) or text.strip().splitlines()[0][:300] if text.strip() else type(err).__name__
        return f"the lake {self.uri} cannot be {DONE[what]}: {reason}"


@contextmanager
def folder_lock(root: Path, *, wait_seconds: float = 0.0) -> Iterator[HeldLock]:
    """Hold the writer lock of a lake in a folder.

    Raises:
        TryAgainError: Another process still holds it after `wait_seconds`.
    """
    handle = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _taken(handle):
            if time.monotonic() >= deadline:
                raise TryAgainError(f"another run is writing to the lake {root}; try again when it has ended")
            time.sleep(PAUSE_SECONDS)
        yield HeldLock()
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
