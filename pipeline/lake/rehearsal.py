"""What the writer would do, without lock, without a lake where there is none, and without writing: for `ingest --dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.lake.known import Files, Knowledge
from pipeline.lake.ledger import Known as KnownUids
from pipeline.lake.ledger import Ledger
from pipeline.lake.location import Location
from pipeline.lake.settle import Known, settle
from pipeline.lake.tables import floor_of, open_table
from pipeline.lake.writer import Settled
from pipeline.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.row_types import MessageRows


class Rehearsal:
    """Answers as a `LakeWriter` would; each batch is settled against the lake as it is, not against the batches before it.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, where: str | Path | Location) -> None:
        self.location = Location(where)
        self._ledger: Ledger | None = None
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

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> KnownUids:
        """Return the UIDs of a folder that are in the ledger."""
        if self._ledger is None:
            return KnownUids(np.empty(0, np.int64))
        with self.location.errors("read"):
            return self._ledger.uids(account, folder, uidvalidity)

    def uidvalidities(self, account: str, folder: str) -> set[int]:
        """Return the UIDVALIDITY values under which the ledger knows a folder."""
        with self.location.errors("read"):
            return self._ledger.uidvalidities(account, folder) if self._ledger else set()

    def known_files(self, hashes: Iterable[str]) -> set[str]:
        """Return those of these sha256 values whose bytes were imported from files already."""
        with self.location.errors("read"):
            return self._ledger.file_hashes(hashes) if self._ledger else set()

    def commit(self, messages: Sequence[MessageRows]) -> Settled:
        """Say what would become of these messages."""
        with self.location.errors("read"):
            known = self._knowledge.about(messages) if self._knowledge else Known(reports={})
            settlement = settle(messages, known)
        return Settled([message.outcome for message in settlement.messages], len(settlement.reports), None)
