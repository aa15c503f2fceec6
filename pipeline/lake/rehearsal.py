"""What the writer would do, without lock, without a lake where there is none, and without writing: for `ingest --dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.asking import AsksLedger
from pipeline.lake.known import Files, Knowledge
from pipeline.lake.ledger import Ledger
from pipeline.lake.location import Location
from pipeline.lake.settle import Known, settle
from pipeline.lake.tables import floor_of, open_table
from pipeline.lake.writer import Settled
from pipeline.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.row_types import MessageRows


class Rehearsal(AsksLedger):
    """Answers as a `LakeWriter` would; each batch is settled against the lake as it is, not against the batches before it.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, where: str | Path | Location) -> None:
        self.location = Location(where)
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

    def commit(self, messages: Sequence[MessageRows]) -> Settled:
        """Say what would become of these messages."""
        with self.location.errors("read"):
            known = self._knowledge.about(messages) if self._knowledge else Known(reports={})
            settlement = settle(messages, known)
        return Settled([message.outcome for message in settlement.messages], len(settlement.reports), None)
