"""Which chunks are in the lake already, so that a second run over an archive goes past them without reading.

It saves time and decides nothing: a chunk that is missing here is read again, and the ledger knows its messages. Kept beside the tables as
one small JSON file, written after the commits it speaks of. A lake restored from a backup may be older than this file, and may have given
the same batch numbers to other mail since. So each chunk is noted with the batch and the run that brought it, and counts as done only where
the ledger holds rows of that batch by that run.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.ingest.backfill.chunk import Chunk
    from pipeline.lake.storage.location import Location

PATH = "_state/backfill.json"
_MOST = 500_000
"""Chunks remembered; of a billion files."""
_SECONDS = 10.0
"""Between two writings."""


class DoneChunk(NamedTuple):
    """What was in a chunk."""

    messages: int
    skipped: int
    batch: int
    """That brought it; where all of it was in the lake already, the newest one at that time."""
    run_id: str
    """Of that batch."""


class ProgressFile:
    """The chunks that are done."""

    def __init__(self, location: Location, batches: Callable[[], set[tuple[int, str]]]) -> None:
        """Read what earlier runs noted.

        Args:
            location: Where the lake lies.
            batches: Gives batch and run of the rows in the ledger; asked only where something is noted.
        """
        self._location = location
        content = location.store.get(PATH)
        noted = (
            [(digest, DoneChunk(*each)) for digest, each in json.loads(content).items() if len(each) == len(DoneChunk._fields)]
            if content
            else []
        )
        held = batches() if noted else set()
        self._done = {digest: done for digest, done in noted if (done.batch, done.run_id) in held}
        self._written = time.monotonic()
        self._changed = False

    def __getitem__(self, chunk: Chunk) -> DoneChunk | None:
        """Return what was in a chunk, or None where it is not done."""
        return self._done.get(chunk.digest)

    def add(self, chunk: Chunk, done: DoneChunk) -> None:
        """Note a chunk, once the batch it is in is committed."""
        self._done[chunk.digest] = done
        self._changed = True

    def save(self, *, now: bool = False) -> None:
        """Write it down, now or when it is time."""
        if self._changed and (now or time.monotonic() - self._written > _SECONDS):
            latest = dict(list(self._done.items())[-_MOST:])
            self._location.store.put(PATH, json.dumps(latest, separators=(",", ":")).encode())
            self._written, self._changed = time.monotonic(), False
