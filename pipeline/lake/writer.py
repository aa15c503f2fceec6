"""The one door for writing: a lake that is locked, of the right schema, recovered, and takes batches of messages."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline.lake.commit import commit_stage, next_batch, recover
from pipeline.lake.known import Files, Knowledge
from pipeline.lake.ledger import FILE_ACCOUNT, Known, Ledger
from pipeline.lake.location import Location
from pipeline.lake.parts import to_arrow
from pipeline.lake.raw import raw_bytes
from pipeline.lake.settle import Settlement, settle
from pipeline.lake.snapshot import check_schema
from pipeline.lake.stage import StageWriter
from pipeline.lake.tables import create_tables, floor_of, open_table, schema_version_of
from pipeline.row_types import MessageRow, MessageRows, RawRow
from pipeline.schema import APPEND_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from deltalake import DeltaTable


class Settled(NamedTuple):
    """What became of a batch."""

    outcomes: list[str]
    """Parallel to the messages given."""
    reports_new: int
    """Reports, not messages."""
    batch: int | None
    """None where there was nothing to commit."""


class LakeWriter:
    """The writer of a lake; a context manager that holds its lock.

    Entering it creates the lake where there is none, and finishes or takes back what a dead writer left.

    Raises:
        TryAgainError: On entering: another process is writing.
        ConfigError: On entering: the lake was written by a newer version of this program.
        LakeError: The lake cannot be read or written.
    """

    def __init__(self, where: str | Path | Location, *, run_id: str) -> None:
        self.location = Location(where)
        self.run_id = run_id
        self._held = ExitStack()
        self._tables: dict[str, DeltaTable] = {}

    def __enter__(self) -> Self:
        self.location.create()
        try:
            with self.location.errors("write"):
                self._held.enter_context(self.location.writer_lock())
                self._open()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.close()

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> Known:
        """Return the UIDs of a folder that are in the ledger; ask its `.missing(uids)`."""
        with self.location.errors("read"):
            return self._ledger.uids(account, folder, uidvalidity)

    def uidvalidities(self, account: str, folder: str) -> set[int]:
        """Return the UIDVALIDITY values under which the ledger knows a folder; another one means it was made anew."""
        with self.location.errors("read"):
            return self._ledger.uidvalidities(account, folder)

    def known_files(self, hashes: Iterable[str]) -> set[str]:
        """Return those of these sha256 values whose bytes were imported from files already."""
        with self.location.errors("read"):
            return self._ledger.file_hashes(hashes)

    def waiting_for_dns(self, since: datetime) -> list[MessageRow]:
        """Return the messages first ingested since then whose DKIM key could not be looked up."""
        with self.location.errors("read"):
            return self._ledger.waiting_for_dns(since)

    def raw(self, sha256: str) -> bytes | None:
        """Return the bytes of a message, or None where they are not kept."""
        with self.location.errors("read"):
            return raw_bytes(self._files["raw"], sha256)

    def commit(self, messages: Sequence[MessageRows]) -> Settled:
        """Settle messages and commit them as one batch; when it returns they are in the lake, whatever happens next.

        A message that is in the batch twice by its key (the same UID, the same bytes of a file) is a duplicate and gets no second row.
        """
        with self.location.errors("write"):
            first = _first_of_each(messages)
            settlement = settle(first, self._knowledge.about(first))
            outcomes = iter(settlement.messages)
            repeated = {id(rows) for rows in messages} - {id(rows) for rows in first}
            told = ["duplicate" if id(rows) in repeated else next(outcomes).outcome for rows in messages]
            if not first:
                return Settled(told, 0, None)
            batch = self._commit(first, settlement)
            return Settled(told, len(settlement.reports), batch)

    def _commit(self, messages: Sequence[MessageRows], settlement: Settlement) -> int:
        stage = StageWriter(self.location, next_batch(self._tables))
        kept = [rows for rows, keeps in zip(messages, settlement.keeps_bytes, strict=True) if keeps]
        rows: dict[str, Sequence[tuple[Any, ...]]] = {
            "raw": [RawRow(m.received_month, m.message_sha256, len(content), content) for m, _, content in kept],
            "failures": [row for report in settlement.reports for row in report.failures],
            "policies": [row for report in settlement.reports for row in report.policies],
            "reports": [report.report for report in settlement.reports],
            "superseded": settlement.superseded,
            "messages": settlement.messages,
        }
        for name in APPEND_ORDER:
            stage.add(name, to_arrow(name, rows[name], stage.batch))
        commit_stage(self.location, self._tables, stage.seal())
        self._knowledge.reports.add(settlement.reports)
        self._knowledge.bytes.add(m.message.message_sha256 for m in kept)
        return stage.batch

    def _open(self) -> None:
        create_tables(self.location)
        for name in APPEND_ORDER:
            table = open_table(self.location, name)
            assert table is not None  # noqa: S101 -- created above
            check_schema(self.location, schema_version_of(table))
            self._tables[name] = table
        recover(self.location, self._tables)
        self._files = {name: Files(self.location, name, table) for name, table in self._tables.items()}
        floor = floor_of(self._tables["messages"])
        self._knowledge = Knowledge(self._files, floor)
        self._ledger = Ledger(self._files["messages"], floor)


def _first_of_each(messages: Sequence[MessageRows]) -> list[MessageRows]:
    seen: dict[tuple[object, ...], MessageRows] = {}
    for rows in messages:
        seen.setdefault(_key(rows.message), rows)
    return list(seen.values())


def _key(message: MessageRow) -> tuple[object, ...]:
    if message.account == FILE_ACCOUNT:
        return (FILE_ACCOUNT, message.message_sha256)
    return (message.account, message.folder, message.uidvalidity, message.uid)
