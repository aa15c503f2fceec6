"""Reading all kept bytes again with today's parser, into a new generation that takes the old one's place in one commit.

The new rows get one batch, R, beyond what readers see. `messages` is then replaced as a whole in the commit that makes R the last batch
and the first one (the floor): from then on readers see the new generation and nothing of the old, whose files are removed afterwards.
Killed before that commit, the old generation stays; after it, the next writer removes the old files.

What cannot be read again is carried over: reports whose bytes have expired keep their rows. Duplicates, whose bytes were never kept, are
linked to what the reports they repeat have become.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from pipeline.failpoint import reach
from pipeline.lake.dedup.batch_rows import tables_of
from pipeline.lake.dedup.dedup_index import KEPT_BYTES, RETIRED
from pipeline.lake.dedup.hash_files import HashColumn
from pipeline.lake.dedup.ledger import to_rows
from pipeline.lake.delta.data_files import to_arrow
from pipeline.lake.delta.delta_tables import FLOOR
from pipeline.lake.delta.rewrite import drop_generation
from pipeline.lake.delta.row_masks import is_one_of, with_columns
from pipeline.lake.delta.scan import among, read
from pipeline.lake.raw import RawMonth, raw_contents
from pipeline.lake.upkeep.generation import Generation
from pipeline.tables.chunk_columns import as_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.lake.open_lake import OpenLake
    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import MessageRow, MessageRows

CHUNK = 2_000
"""Messages read, settled and staged at a time."""
_CARRIES = ("stored", "conflict")
_LINKS = ("duplicate",)


class Rebuilt(NamedTuple):
    """What a rebuild did, in messages unless the name says otherwise."""

    messages: int
    read_again: int
    carried_over: int
    """Whose bytes have expired."""
    outcomes_changed: int
    reports_before: int
    reports_after: int


def rebuild(
    lake: OpenLake,
    read_again: Callable[[Sequence[tuple[MessageRow, bytes]]], ChunkColumns | Sequence[MessageRows]],
    *,
    advance: Callable[[int], None] = lambda _messages: None,
) -> Rebuilt:
    """Read the lake again.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        read_again: Returns the rows of messages, given their ledger rows and bytes, in order; the verdicts of the ledger are its to keep.
        advance: Told how many messages have been dealt with.
    """
    work = _Rebuild(lake, read_again, advance)
    work.carry_over()
    work.read_all()
    work.link_duplicates()
    work.generation.close()
    before = sum(file.rows for file in lake.present("reports"))
    old = [file.gone for file in lake.present("messages")]
    stage = work.generation.stage
    stage.remove("messages", old)
    lake.commit(stage, {FLOOR: stage.batch})
    reach("generation-switched")
    drop_generation(lake.location, lake.tables)
    after = sum(file.rows for file in lake.present("reports"))
    told = work.told
    return Rebuilt(told["messages"], told["read_again"], told["carried_over"], told["outcomes_changed"], before, after)


class _Rebuild:
    """One rebuild under way."""

    def __init__(self, lake: OpenLake, read_again: Any, advance: Callable[[int], None]) -> None:
        self._lake, self._read_again, self._advance = lake, read_again, advance
        self.generation = Generation(lake, lake.stage())
        self.told: Counter[str] = Counter()
        self._bytes = HashColumn(lake.files["raw"], KEPT_BYTES)
        self._became: dict[str, tuple[str, ...]] = {}
        """Report keys that are others now; by the old one."""

    def carry_over(self) -> None:
        """Take the rows of reports that no kept bytes can give again."""
        keys: set[str] = set()
        for rows in self._ledger(_CARRIES):
            kept = self._kept(row.message_sha256 for row in rows)
            keys.update(key for row in rows if row.message_sha256 not in kept for key in row.report_keys)
        if not keys:
            return
        for name in ("failures", "policies", "reports"):
            for file in self._lake.present(name):
                rows_of = read(self._lake.location, name, [file.path], where=among("report_key", keys))
                self.generation.carry_over(name, rows_of)

    def read_all(self) -> None:
        """Read again what has bytes; let the ledger rows of the others stay as they are, duplicates excepted."""
        for month in self._lake.files["messages"].months():
            raw = RawMonth(self._lake.files["raw"], month)
            for rows in self._ledger(None, month):
                self._take(rows, raw)
                self._advance(len(rows))

    def _take(self, rows: Sequence[MessageRow], raw: RawMonth) -> None:
        contents = self._contents(rows, raw)
        again = [row for row in rows if row.message_sha256 in contents]
        columns = as_columns(self._read_again([(row, contents[row.message_sha256]) for row in again]))
        kept: dict[str, list[Any]] = {name: [getattr(row, name) for row in again] for name in ("run_id", "ingested_at", "changed_at")}
        tables = tables_of(columns._replace(messages=with_columns(columns.messages, kept)))
        settled = to_rows(self.generation.take(tables, [row.outcome for row in again]))
        for row, new in zip(again, settled, strict=True):
            self._note(row, new)
        stay = [row for row in rows if row.message_sha256 not in contents and row.outcome not in _LINKS]
        self.told["messages"] += len(rows)
        self.told["carried_over"] += sum(row.outcome in _CARRIES for row in stay)
        self._stage([*settled, *stay])

    def _contents(self, rows: Sequence[MessageRow], raw: RawMonth) -> dict[str, bytes]:
        wanted = [row.message_sha256 for row in rows if row.outcome not in RETIRED]
        found = raw.contents(wanted)
        # The same bytes may have been received in another month, by another way.
        elsewhere = self._kept(value for value in wanted if value not in found)
        return found | raw_contents(self._lake.files["raw"], elsewhere)

    def _kept(self, hashes: Iterable[str]) -> set[str]:
        return set(self._bytes.among(list(hashes)))

    def _note(self, old: MessageRow, new: MessageRow) -> None:
        self.told["read_again"] += 1
        self.told["outcomes_changed"] += old.outcome != new.outcome
        if old.report_keys != new.report_keys:
            same_number = len(old.report_keys) == len(new.report_keys)
            for place, key in enumerate(old.report_keys):
                self._became[key] = (new.report_keys[place],) if same_number else new.report_keys

    def link_duplicates(self) -> None:
        """Let duplicates without bytes point to what the reports they repeat have become."""
        for rows in self._ledger(_LINKS):
            kept = self._kept(row.message_sha256 for row in rows)
            ours = [row for row in rows if row.message_sha256 not in kept]
            self._note_older_tiers({key for row in ours for key in row.report_keys})
            self._stage([row._replace(report_keys=self._linked(row.report_keys)) for row in ours])

    def _linked(self, keys: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new for key in keys for new in self._became.get(key, (key,))))

    def _note_older_tiers(self, keys: set[str]) -> None:
        """Find what became of reports that a late verdict had superseded: only the better one was read again, from the same message."""
        unknown = {key for key in keys if key not in self._became} - self.generation.has(keys)
        if not unknown:
            return
        paths = self._lake.files["reports"].of()
        old = read(self._lake.location, "reports", paths, ["report_key", "message_sha256"], where=among("report_key", unknown))
        carriers = dict(zip(*(column.to_pylist() for column in old.columns), strict=True))
        now = self._lake.files["messages"].of()
        shas = set(carriers.values())
        rows = to_rows(read(self._lake.location, "messages", now, where=among("message_sha256", shas)))
        present_keys = {row.message_sha256: self._linked(row.report_keys) for row in rows if row.outcome in _CARRIES}
        for key in unknown:
            self._became[key] = present_keys.get(carriers.get(key, ""), ())

    def _stage(self, rows: Sequence[MessageRow]) -> None:
        self.generation.stage.add("messages", to_arrow("messages", rows, self.generation.stage.batch))

    def _ledger(self, outcomes: Sequence[str] | None, month: str | None = None) -> Iterator[list[MessageRow]]:
        """Yield ledger rows by chunks, month by month, in the order of their ingestion."""
        for each in [month] if month else self._lake.files["messages"].months():
            table = read(self._lake.location, "messages", self._lake.files["messages"].of([each]))
            if outcomes is not None:
                table = table.filter(is_one_of(table.column("outcome"), outcomes))
            order: Any = [(name, "ascending") for name in ("ingested_at", "account", "folder", "uid", "message_sha256")]
            table = table.take(pc.sort_indices(table, sort_keys=order))
            for start in range(0, table.num_rows, CHUNK):
                yield to_rows(table.slice(start, CHUNK))
