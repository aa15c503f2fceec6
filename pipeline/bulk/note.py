"""Which chunks are in the lake already, so that a second run over an archive goes past them without reading.

It saves time and decides nothing: a chunk that is missing here is read again, and the ledger knows its messages. Kept beside the tables as
one small JSON file, written after the commits it speaks of.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.bulk.chunk import Chunk
    from pipeline.lake.location import Location

PATH = "_state/backfill.json"
_MOST = 500_000
"""Chunks remembered; of a billion files."""
_SECONDS = 10.0
"""Between two writings."""


class Done(NamedTuple):
    """What was in a chunk."""

    messages: int
    skipped: int


class Note:
    """The chunks that are done."""

    def __init__(self, location: Location) -> None:
        """Read what earlier runs noted."""
        self._location = location
        content = location.store.get(PATH)
        self._done = {digest: Done(*counts) for digest, counts in json.loads(content).items()} if content else {}
        self._written = time.monotonic()
        self._changed = False

    def __getitem__(self, chunk: Chunk) -> Done | None:
        """Return what was in a chunk, or None where it is not done."""
        return self._done.get(chunk.digest)

    def add(self, chunk: Chunk, done: Done) -> None:
        """Note a chunk, once the batch it is in is committed."""
        self._done[chunk.digest] = done
        self._changed = True

    def save(self, *, now: bool = False) -> None:
        """Write it down, now or when it is time."""
        if self._changed and (now or time.monotonic() - self._written > _SECONDS):
            latest = dict(list(self._done.items())[-_MOST:])
            self._location.store.put(PATH, json.dumps(latest, separators=(",", ":")).encode())
            self._written, self._changed = time.monotonic(), False
