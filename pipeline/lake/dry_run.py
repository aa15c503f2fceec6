"""What the writer would do, without lock, without a lake where there is none, and without writing: for `ingest --dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.dedup.batch_rows import decide, essence_of, tables_of
from pipeline.lake.dedup.data_file_list import Files
from pipeline.lake.dedup.dedup_index import Knowledge
from pipeline.lake.dedup.ledger import Ledger
from pipeline.lake.dedup.ledger_queries import AsksLedger
from pipeline.lake.dedup.settle import Known
from pipeline.lake.delta.delta_tables import floor_of, open_table
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.lake.writer import Settled
from pipeline.tables.chunk_columns import as_columns
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import MessageRows


class Rehearsal(AsksLedger):
    """Answers as a `LakeWriter` would; each batch is settled against the lake as it is, not against the batches before it.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, where: str | Path | Location) -> None:
        self.location = locate(where)
        self._knowledge: Knowledge | None = None
        if not self.location.exists():
            return
        with self.location.errors("read"):
            tables = {name: table for name in TABLES if (table := open_table(self.location, name)) is not None}
            if len(tables) < len(TABLES):
                return
            floor = floor_of(tables["messages"])
            files = {name: Files(self.location, name, table) for name, table in tables.items()}
            self._ledger, self._knowledge = Ledger(files["messages"], floor), Knowledge(files, floor)

    def commit(self, messages: ChunkColumns | Sequence[MessageRows]) -> Settled:
        """Say what would become of these messages."""
        with self.location.errors("read"):
            about = self._knowledge.about if self._knowledge else lambda _claims: Known(reports={})
            decided = decide([essence_of(tables_of(as_columns(messages)))], about)
        return Settled(decided.outcomes, decided.reports_new, None)
