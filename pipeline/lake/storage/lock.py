"""One writer per lake. In a folder the lock is `flock` on a file of the lake: the kernel lets go of it however the holder ends.

On object storage the same is a lease (`pipeline.lake.storage.lease`).
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import TryAgainError
from pipeline.lake.storage.location import HeldLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = "_lock"
PAUSE_SECONDS = 0.2
"""Between two looks at a lock that somebody else holds."""


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
