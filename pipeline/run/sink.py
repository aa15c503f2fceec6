"""Collects the rows of messages and commits them in batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.lake.rehearsal import Rehearsal
    from pipeline.lake.writer import LakeWriter
    from pipeline.row_types import MessageRows
    from pipeline.run.tally import Tally

COMMIT_MESSAGES = 1_000
COMMIT_BYTES = 32 * 1024 * 1024
COMMIT_SECONDS = 10.0
"""A batch is committed at the first of these: much enough to be cheap, little enough to be soon safe."""


class Sink:
    """Takes rows; tells `committed` which messages are in the lake, with their outcomes.

    In a dry run the lake is a `Rehearsal`, which says what would become of them.
    """

    def __init__(
        self, lake: LakeWriter | Rehearsal, tally: Tally, committed: Callable[[Sequence[MessageRows], Sequence[str]], None]
    ) -> None:
        self._lake = lake
        self._tally = tally
        self._committed = committed
        self._rows: list[MessageRows] = []
        self._bytes = 0
        self._since = 0.0

    def add(self, rows: Sequence[MessageRows]) -> None:
        """Take rows, and commit when there is enough of them."""
        if not self._rows:
            self._since = time.monotonic()
        self._rows += rows
        self._bytes += sum(len(each.content) for each in rows)
        full = len(self._rows) >= COMMIT_MESSAGES or self._bytes >= COMMIT_BYTES
        if full or time.monotonic() - self._since >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what is in hand; nothing in hand, no commit."""
        rows, self._rows, self._bytes = self._rows, [], 0
        if not rows:
            return
        self._tally.pending += sum(each.message.dkim_result == "temperror" for each in rows)
        settled = self._lake.commit(rows)
        self._tally.add(settled.outcomes, reports_new=settled.reports_new)
        if settled.batch is not None:
            log.info("batch-committed", batch=settled.batch, messages=len(rows), reports_new=settled.reports_new)
        self._committed(rows, settled.outcomes)
