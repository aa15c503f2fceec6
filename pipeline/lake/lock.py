"""One writer per lake. In a folder the lock is `flock` on a file of the lake: the kernel lets go of it however the holder ends.

On object storage the same protocol is a lease object, taken with a conditional put.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import TryAgainError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = "_lock"


@contextmanager
def folder_lock(root: Path) -> Iterator[None]:
    """Hold the writer lock of a lake in a folder.

    Raises:
        TryAgainError: Another process holds it.
    """
    handle = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise TryAgainError(f"another run is writing to the lake {root}; try again when it has ended") from err
        yield
    finally:
        os.close(handle)
