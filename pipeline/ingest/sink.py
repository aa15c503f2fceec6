"""When a batch is committed: the rows of chunks are collected until there is enough of them, or they have waited long enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.lake.dedup.settle import PENDING, mailbox_outcomes
from pipeline.tables.chunk_columns import concat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from pipeline.ingest.tally import Tally
    from pipeline.lake.writer import LakeWriter, Rehearsal
    from pipeline.tables.chunk_columns import ChunkColumns

COMMIT_MESSAGES = 5_000
COMMIT_BYTES = 32 * 1024 * 1024
COMMIT_SECONDS = 10.0
"""A batch is committed at the first of these: much enough to be cheap, little enough to be soon safe.

A commit costs 50 ms of processor, and a sync of a file for each table and month, whatever is in it: 10,000 mails about four
months cost 49 µs of committing each in three commits, 47 in two, and 43 in one, for which 50 MiB more are held."""


class Sink:
    """Takes chunks; tells `committed` which messages are in the lake, with their outcomes.

    In a dry run the lake is a `Rehearsal`, which says what would become of them.
    """

    def __init__(self, lake: LakeWriter | Rehearsal, tally: Tally, committed: Callable[[pa.Table, Sequence[str]], None]) -> None:
        self._lake = lake
        self._tally = tally
        self._committed = committed
        self._chunks: list[ChunkColumns] = []
        self._messages = 0
        self._bytes = 0
        self._since = 0.0

    def add(self, columns: ChunkColumns) -> None:
        """Take messages, and commit when there is enough of them."""
        if not self._chunks:
            self._since = time.monotonic()
        self._chunks.append(columns)
        self._messages += len(columns.contents)
        self._bytes += sum(map(len, columns.contents))
        full = self._messages >= COMMIT_MESSAGES or self._bytes >= COMMIT_BYTES
        if full or time.monotonic() - self._since >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what is in hand; nothing in hand, no commit."""
        chunks, self._chunks, self._messages, self._bytes = self._chunks, [], 0, 0
        columns = concat(chunks) if chunks else None
        if columns is None or not columns.contents:
            return
        settled = self._lake.commit(columns)
        self._tally.pending += mailbox_outcomes(settled.outcomes, columns.messages.column("dkim_result").to_pylist()).count(PENDING)
        self._tally.add(settled.outcomes, reports_new=settled.reports_new)
        if settled.batch is not None:
            log.info("batch-committed", batch=settled.batch, messages=len(columns.contents), reports_new=settled.reports_new)
        self._committed(columns.messages, settled.outcomes)
