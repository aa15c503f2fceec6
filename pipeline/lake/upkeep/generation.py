"""A generation of the report rows in the making: staged files that no table names yet, and what they hold already."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.lake.dedup.batch_rows import REPORT_TABLES, decide, essence_of, take
from pipeline.lake.dedup.dedup_index import KnownReports
from pipeline.lake.dedup.digest_set import Digests
from pipeline.lake.dedup.settle import Known, KnownReport, superseded_among
from pipeline.lake.delta.data_files import to_arrow
from pipeline.tables.chunk_columns import with_batch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.lake.dedup.settle import Claim
    from pipeline.lake.delta.stage import StageWriter
    from pipeline.lake.open_lake import OpenLake


class Generation:
    """Takes the reports of a whole lake once more, piece by piece, and settles them among themselves."""

    def __init__(self, lake: OpenLake, stage: StageWriter) -> None:
        self._lake, self.stage = lake, stage
        self._known = KnownReports(self._read_month)
        self._keys = Digests()

    def take(self, tables: dict[str, pa.Table], previous: Sequence[str]) -> pa.Table:
        """Settle and stage the reports of messages that were read again, and return their ledger rows.

        Args:
            tables: The tables of a chunk (`pipeline.lake.dedup.batch_rows.tables_of`).
            previous: What had become of each message.
        """
        decided = decide([essence_of(tables)], self._about, previous=previous)
        (taken,) = decided.taken
        for name in REPORT_TABLES:
            self.stage.add(name, with_batch(name, take(name, tables[name], taken), self.stage.batch))
        for month, (identities, keys) in decided.news.reports.items():
            self._known.note(month, identities, keys)
            self._keys.add(keys)
        return take("messages", tables["messages"], taken)

    def _about(self, messages: Sequence[Claim]) -> Known:
        keys, reports = self._known.of(report for message in messages for report in message.reports)
        return Known(reports, keys)

    def carry_over(self, name: str, rows: pa.Table) -> None:
        """Stage rows as they were; before any message is taken."""
        batch = pa.array([self.stage.batch] * rows.num_rows, pa.int64())
        self.stage.add(name, rows.set_column(0, rows.schema.field(0), batch))
        if name == "reports":
            self._keys.load([rows.column("report_key")])

    def has(self, keys: Collection[str]) -> set[str]:
        """Return those of the report keys that are in this generation."""
        return set(self._keys.among(list(keys)))

    def close(self) -> None:
        """Stage which of the reports are superseded."""
        for month in self.stage.months("reports"):
            columns: list[list[Any]] = [column.to_pylist() for column in self._read_month(month, KnownReport._fields, None).columns]
            by_identity: dict[str, list[KnownReport]] = defaultdict(list)
            for values in zip(*columns, strict=True):
                by_identity[values[1]].append(KnownReport(*values))
            lost = [row for reports in by_identity.values() if len(reports) > 1 for row in superseded_among(reports)]
            self.stage.add("superseded", to_arrow("superseded", lost, self.stage.batch))

    def _read_month(self, month: str, columns: Sequence[str], where: pc.Expression | None) -> pa.Table:
        partition = "report_month"
        plain = [column for column in columns if column != partition]
        found = []
        for path in self.stage.files("reports", month):
            with self._lake.location.filesystem.open_input_file(self._lake.location.path_of(path)) as source:
                found.append(pq.read_table(source, columns=plain, filters=where))
        rows = pa.concat_tables(found) if found else to_arrow("reports", [], 0).select(plain)
        if partition in columns:
            rows = rows.append_column(partition, pa.array([month] * rows.num_rows, pa.string()))
        return rows.select(list(columns))
