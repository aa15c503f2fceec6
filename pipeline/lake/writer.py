"""The one door for writing: takes messages with their reports, says what became of each, and has them in the lake when it returns.

Beside it the rehearsal of the same, for `ingest --dry-run`.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline.lake.dedup.batch_rows import REPORT_TABLES, Decided, decide, essence_of, remember, tables_of, take
from pipeline.lake.dedup.dedup_index import RETIRED, Knowledge
from pipeline.lake.dedup.ledger import Ledger, keys_of, to_rows
from pipeline.lake.delta.data_file_list import looked_at
from pipeline.lake.delta.data_files import to_arrow
from pipeline.lake.delta.row_masks import with_columns
from pipeline.lake.ledger_edits import FoundRow, find_rows, stage_replacement
from pipeline.lake.open_lake import OpenLake, open_for_writing
from pipeline.lake.raw import RawMonth, raw_contents
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.lake.upkeep.compact import compact_small_files
from pipeline.stages import COMMIT, SETTLE, Stages
from pipeline.tables.chunk_columns import ChunkColumns, as_columns, choose, with_batch
from pipeline.tables.row_types import CheckRow, MessageRow, MessageRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa


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

    def __init__(self, where: str | Path | Location, *, run_id: str, stages: Stages | None = None) -> None:
        self.location = locate(where)
        self.run_id = run_id
        self._stages = stages or Stages()
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._lake: OpenLake = self._held.enter_context(open_for_writing(self.location))
        self._knowledge = Knowledge(self._lake.files, self._lake.floor)
        self.ledger = Ledger(self._lake.files["messages"], self._lake.floor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.close()

    def raw_contents(self, hashes: Iterable[str], months: Iterable[str] = ()) -> dict[str, bytes]:
        """Return the bytes of those messages that are kept, by sha256; the months of receipt, where known, make it quicker."""
        with self.location.errors("read"):
            return raw_contents(self._lake.files["raw"], hashes, months=months)

    def raw_of(self, month: str) -> RawMonth:
        """Return the bytes kept of the messages of one month, for asking about many."""
        with self.location.errors("read"):
            return RawMonth(self._lake.files["raw"], month)

    def commit(self, messages: ChunkColumns | Sequence[MessageRows]) -> Settled:
        """Settle messages and commit them as one batch; when it returns they are in the lake, whatever happens next.

        A message that is in the batch twice by its key (the same UID, the same bytes of a file) is a duplicate and gets no second row.
        """
        with self.location.errors("write"):
            columns = as_columns(messages)
            many = {"messages": len(columns.contents), "size_bytes": sum(map(len, columns.contents))}
            with self._stages.timing(SETTLE, **many):
                tables = tables_of(columns)
                decided = decide([essence_of(tables)], self._knowledge.about, _repeated(tables["messages"]))
            with self._stages.timing(COMMIT, **many):
                batch = self._commit(tables, decided) if decided.rows else None
            return Settled(decided.outcomes, decided.reports_new, batch)

    def replace(self, messages: ChunkColumns | Sequence[MessageRows]) -> Settled:
        """Take messages that are in the ledger once more, judged or read better: their rows are replaced in the commit of the batch.

        Better proved reports are added and the old ones superseded; the run and the day of ingestion stay, `changed_at` is set. A message
        that is not in the ledger, or has expired or was erased, is left out and told as what it is there (`duplicate` where it is not).
        """
        with self.location.errors("write"):
            columns = as_columns(messages)
            keys = keys_of(columns.messages)
            found = find_rows(self._lake, to_rows(columns.messages))
            old = {key: each for key, each in found.items() if each.row.outcome not in RETIRED}
            first = {key: place for place, key in reversed(list(enumerate(keys)))}
            places = [place for place, key in enumerate(keys) if key in old and first[key] == place]
            ours = [old[keys[place]] for place in places]
            tables = tables_of(_as_of_before(choose(columns, places), [each.row for each in ours]))
            decided = decide([essence_of(tables)], self._knowledge.about, previous=[each.row.outcome for each in ours])
            batch = self._commit(tables, decided, ours) if ours else None
            told = {key: each.row.outcome for key, each in found.items()}
            told.update((keys[place], outcome) for place, outcome in zip(places, decided.outcomes, strict=True))
            return Settled([told.get(key, "duplicate") for key in keys], decided.reports_new, batch)

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

    def _commit(self, tables: dict[str, pa.Table], decided: Decided, replaced: Sequence[FoundRow] = ()) -> int:
        stage = self._lake.stage()
        (taken,) = decided.taken
        for name in ("raw", *REPORT_TABLES):
            stage.add(name, with_batch(name, take(name, tables[name], taken), stage.batch))
        stage.add("superseded", to_arrow("superseded", decided.superseded, stage.batch))
        stage_replacement(self._lake, stage, replaced, with_batch("messages", take("messages", tables["messages"], taken), stage.batch))
        batch = self._lake.commit(stage)
        remember(decided.news, self._knowledge, self.ledger)
        return batch


class Rehearsal:
    """Answers as a `LakeWriter` would, without lock, without a lake where there is none, and without writing.

    Each batch is settled against the lake as it is, not against the batches before it.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, where: str | Path | Location) -> None:
        self.location = locate(where)
        files, floor = looked_at(self.location)
        self.ledger, self._knowledge = Ledger(files["messages"], floor), Knowledge(files, floor)

    def commit(self, messages: ChunkColumns | Sequence[MessageRows]) -> Settled:
        """Say what would become of these messages."""
        with self.location.errors("read"):
            decided = decide([essence_of(tables_of(as_columns(messages)))], self._knowledge.about)
        return Settled(decided.outcomes, decided.reports_new, None)


def _repeated(messages: pa.Table) -> list[bool]:
    """Say of each message whether its key came before in the batch."""
    keys = keys_of(messages)
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return [first[key] != place for place, key in enumerate(keys)]


def _as_of_before(columns: ChunkColumns, before: Sequence[MessageRow]) -> ChunkColumns:
    """Return messages with the run and the day of ingestion of their ledger rows, and when they were changed: now, unless they say."""
    now = datetime.now(UTC)
    changes: dict[str, list[Any]] = {
        "run_id": [row.run_id for row in before],
        "ingested_at": [row.ingested_at for row in before],
        "changed_at": [changed or now for changed in columns.messages.column("changed_at").to_pylist()],
    }
    return columns._replace(messages=with_columns(columns.messages, changes))
