"""The one door for writing: takes messages with their reports, says what became of each, and has them in the lake when it returns."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline.lake.asking import AsksLedger
from pipeline.lake.compact import compact_small_files
from pipeline.lake.known import RETIRED, Knowledge
from pipeline.lake.ledger import Ledger, key_of
from pipeline.lake.location import Location
from pipeline.lake.opened import OpenLake, open_for_writing
from pipeline.lake.parts import to_arrow
from pipeline.lake.raw import RawMonth, raw_contents
from pipeline.lake.replace import Found, find_rows, stage_replacement
from pipeline.lake.settle import Settlement, settle
from pipeline.row_types import CheckRow, MessageRows, RawRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    from pipeline.lake.stage import StageWriter


class Settled(NamedTuple):
    """What became of a batch."""

    outcomes: list[str]
    """Parallel to the messages given."""
    reports_new: int
    """Reports, not messages."""
    batch: int | None
    """None where there was nothing to commit."""


class LakeWriter(AsksLedger):
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

    def __enter__(self) -> Self:
        self._lake: OpenLake = self._held.enter_context(open_for_writing(self.location))
        self._knowledge = Knowledge(self._lake.files, self._lake.floor)
        self._ledger = Ledger(self._lake.files["messages"], self._lake.floor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.close()

    @property
    def ledger(self) -> Ledger:
        """The rows of `messages` as they are now."""
        assert self._ledger is not None, "enter the writer first"  # noqa: S101 -- a mistake of the caller
        return self._ledger

    def raw_contents(self, hashes: Iterable[str], months: Iterable[str] = ()) -> dict[str, bytes]:
        """Return the bytes of those messages that are kept, by sha256; the months of receipt, where known, make it quicker."""
        with self.location.errors("read"):
            return raw_contents(self._lake.files["raw"], hashes, months=months)

    def raw_of(self, month: str) -> RawMonth:
        """Return the bytes kept of the messages of one month, for asking about many."""
        with self.location.errors("read"):
            return RawMonth(self._lake.files["raw"], month)

    def commit(self, messages: Sequence[MessageRows]) -> Settled:
        """Settle messages and commit them as one batch; when it returns they are in the lake, whatever happens next.

        A message that is in the batch twice by its key (the same UID, the same bytes of a file) is a duplicate and gets no second row.
        """
        with self.location.errors("write"):
            first = _first_of_each(messages)
            settlement = settle(first, self._knowledge.about(first))
            batch = self._commit(first, settlement) if first else None
            became = {id(rows): row.outcome for rows, row in zip(first, settlement.messages, strict=True)}
            return Settled([became.get(id(rows), "duplicate") for rows in messages], len(settlement.reports), batch)

    def replace(self, messages: Sequence[MessageRows]) -> Settled:
        """Take messages that are in the ledger once more, judged or read better: their rows are replaced in the commit of the batch.

        Better proved reports are added and the old ones superseded; the first day of ingestion stays, `changed_at` is set. A message that
        is not in the ledger, or has expired or was erased, is left out and told as what it is there (`duplicate` where it is not).
        """
        with self.location.errors("write"):
            found = find_rows(self._lake, [rows.message for rows in messages])
            old = {key: each for key, each in found.items() if each.row.outcome not in RETIRED}
            ours = [rows for rows in _first_of_each(messages) if key_of(rows.message) in old]
            before = [old[key_of(rows.message)].row for rows in ours]
            now = datetime.now(UTC)
            ours = [rows._replace(message=rows.message._replace(changed_at=rows.message.changed_at or now)) for rows in ours]
            settlement = settle(ours, self._knowledge.about(ours), before)
            batch = self._commit(ours, settlement, [old[key_of(row)] for row in before]) if ours else None
            told = {key: each.row.outcome for key, each in found.items()} | {key_of(row): row.outcome for row in settlement.messages}
            return Settled([told.get(key_of(rows.message), "duplicate") for rows in messages], len(settlement.reports), batch)

    def store_checks(self, rows: Sequence[CheckRow]) -> int:
        """Commit what a check of published records found, as one batch; return its number."""
        with self.location.errors("write"):
            stage = self._lake.stage()
            stage.add("checks", to_arrow("checks", rows, stage.batch))
            return self._lake.commit(stage)

    def compact_if_needed(self) -> int:
        """Merge the small files of months that have gathered many, and drop files that no reader has open any more.

        Returns:
            How many data files were replaced; 0 nearly always.
        """
        with self.location.errors("write"):
            return compact_small_files(self._lake)

    def _commit(self, messages: Sequence[MessageRows], settlement: Settlement, replaced: Sequence[Found] = ()) -> int:
        stage = self._lake.stage()
        kept = [rows for rows, keeps in zip(messages, settlement.keeps_bytes, strict=True) if keeps]
        stage_settled(stage, settlement, kept)
        stage_replacement(self._lake, stage, replaced, settlement.messages)
        batch = self._lake.commit(stage)
        self._knowledge.reports.add(settlement.reports)
        if self._ledger is not None:
            self._ledger.add(settlement.messages)
        self._knowledge.bytes.add(rows.message.message_sha256 for rows in kept)
        return batch


def stage_settled(stage: StageWriter, settlement: Settlement, kept: Sequence[MessageRows]) -> None:
    """Stage all that a settlement adds beside the ledger; `kept` are the messages whose bytes go to `raw`."""
    rows: dict[str, Sequence[tuple[Any, ...]]] = {
        "raw": [RawRow(m.received_month, m.message_sha256, len(content), content) for m, _, content in kept],
        "failures": [row for report in settlement.reports for row in report.failures],
        "policies": [row for report in settlement.reports for row in report.policies],
        "reports": [report.report for report in settlement.reports],
        "superseded": settlement.superseded,
    }
    for name, some in rows.items():
        stage.add(name, to_arrow(name, some, stage.batch))


def _first_of_each(messages: Sequence[MessageRows]) -> list[MessageRows]:
    seen: dict[tuple[object, ...], MessageRows] = {}
    for rows in messages:
        seen.setdefault(key_of(rows.message), rows)
    return list(seen.values())
