"""The one door for writing: a lake that is locked, of the right schema, recovered, and takes batches of messages."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline import log
from pipeline.lake.commit import commit_stage, next_batch, recover
from pipeline.lake.known import RETIRED, Files, Knowledge
from pipeline.lake.ledger import Known, Ledger, key_of
from pipeline.lake.location import Location
from pipeline.lake.parts import to_arrow
from pipeline.lake.raw import raw_bytes
from pipeline.lake.repair import repair_log
from pipeline.lake.replace import Found, find_rows, stage_replacement
from pipeline.lake.settle import Settlement, settle
from pipeline.lake.stage import StageWriter
from pipeline.lake.tables import create_tables, floor_of
from pipeline.lake.upgrade import upgrade
from pipeline.row_types import MessageRow, MessageRows, RawRow
from pipeline.schema import APPEND_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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

    @property
    def ledger(self) -> Ledger:
        """The rows of `messages` as they are now."""
        return self._ledger

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> Known:
        """Return the UIDs of a folder that are in the ledger; ask its `.missing(uids)`."""
        return self._ledger.uids(account, folder, uidvalidity)

    def uidvalidities(self, account: str, folder: str) -> set[int]:
        """Return the UIDVALIDITY values under which the ledger knows a folder; another one means it was made anew."""
        return self._ledger.uidvalidities(account, folder)

    def settled_uids(self, account: str, folder: str, uidvalidity: int, *, since: datetime) -> list[tuple[int, str]]:
        """Return UID and outcome of the messages of a folder that were first ingested since then; `pending` while the DNS is awaited."""
        with self.location.errors("read"):
            return self._ledger.settled_uids(account, folder, uidvalidity, since)

    def known_files(self, hashes: Iterable[str]) -> set[str]:
        """Return those of these sha256 values whose bytes were imported from files already."""
        return self._ledger.file_hashes(hashes)

    def unvouched_since(self, moment: datetime) -> list[MessageRow]:
        """Return the messages first ingested since then for which the operator does not vouch."""
        with self.location.errors("read"):
            return self._ledger.unvouched_since(moment)

    def waiting_for_dns(self, since: datetime) -> list[MessageRow]:
        """Return the messages first ingested since then whose DKIM key could not be looked up."""
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

    def replace(self, messages: Sequence[MessageRows]) -> Settled:
        """Take messages that are in the ledger once more, judged or read better: their rows are replaced in the commit of the batch.

        Better proved reports are added and the old ones superseded; the first day of ingestion stays, `changed_at` is set. A message that
        is not in the ledger, or has expired or was erased, is left out and told as what it is there (`duplicate` where it is not).
        """
        with self.location.errors("write"):
            found = find_rows(self.location, self._tables["messages"], [rows.message for rows in messages], self._floor)
            old = {key: each for key, each in found.items() if each.row.outcome not in RETIRED}
            ours = [rows for rows in _first_of_each(messages) if key_of(rows.message) in old]
            before = [old[key_of(rows.message)].row for rows in ours]
            now = datetime.now(UTC)
            ours = [rows._replace(message=rows.message._replace(changed_at=rows.message.changed_at or now)) for rows in ours]
            settlement = settle(ours, self._knowledge.about(ours), before)
            batch = self._commit(ours, settlement, [old[key_of(row)] for row in before]) if ours else None
            told = {key: each.row.outcome for key, each in found.items()} | {key_of(row): row.outcome for row in settlement.messages}
            return Settled([told.get(key_of(rows.message), "duplicate") for rows in messages], len(settlement.reports), batch)

    def _commit(self, messages: Sequence[MessageRows], settlement: Settlement, replaced: Sequence[Found] = ()) -> int:
        stage = StageWriter(self.location, next_batch(self._tables))
        kept = [rows for rows, keeps in zip(messages, settlement.keeps_bytes, strict=True) if keeps]
        rows: dict[str, Sequence[tuple[Any, ...]]] = {
            "raw": [RawRow(m.received_month, m.message_sha256, len(content), content) for m, _, content in kept],
            "failures": [row for report in settlement.reports for row in report.failures],
            "policies": [row for report in settlement.reports for row in report.policies],
            "reports": [report.report for report in settlement.reports],
            "superseded": settlement.superseded,
        }
        for name, some in rows.items():
            stage.add(name, to_arrow(name, some, stage.batch))
        stage_replacement(self.location, stage, replaced, settlement.messages)
        commit_stage(self.location, self._tables, stage.seal())
        self._knowledge.reports.add(settlement.reports)
        self._knowledge.bytes.add(m.message.message_sha256 for m in kept)
        return stage.batch

    def _open(self) -> None:
        for name in APPEND_ORDER:
            for torn in repair_log(self.location, name):
                log.warning("lake-log-repaired", removed=torn)
        self._tables = create_tables(self.location)
        for step in upgrade(self.location, self._tables):
            log.info("lake-upgraded", step=step)
        recover(self.location, self._tables)
        self._files = {name: Files(self.location, name, table) for name, table in self._tables.items()}
        self._floor = floor_of(self._tables["messages"])
        self._knowledge = Knowledge(self._files, self._floor)
        self._ledger = Ledger(self._files["messages"], self._floor)


def _first_of_each(messages: Sequence[MessageRows]) -> list[MessageRows]:
    seen: dict[tuple[object, ...], MessageRows] = {}
    for rows in messages:
        seen.setdefault(key_of(rows.message), rows)
    return list(seen.values())
