"""Which data files a table has, month by month."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.lake.delta.delta_tables import Gone, floor_of, open_table
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location


class Present(NamedTuple):
    """One data file as the table names it."""

    path: str
    """Relative to the folder of the table."""
    month: str
    rows: int
    size_bytes: int
    first_batch: int | None
    last_batch: int | None

    @property
    def name(self) -> str:
        """Its own, without folders; used once only."""
        return self.path.rpartition("/")[2]

    @property
    def gone(self) -> Gone:
        """The same, to be removed."""
        return Gone(self.path, self.month, self.size_bytes)


def present(table: LakeTable, name: str) -> list[Present]:
    """Return the data files of a table, sorted by path."""
    # Not pa.table, which imports pandas to see whether it was given a frame: a third of a second for every command.
    actions = pa.RecordBatchReader.from_stream(table.delta.get_add_actions(flatten=True)).read_all()

    def column(name: str) -> list[Any]:
        return actions.column(name).to_pylist() if name in actions.column_names else [None] * actions.num_rows

    names = ("path", f"partition.{TABLES[name].partition}", "num_records", "size_bytes", "min.batch", "max.batch")
    return sorted(map(Present._make, zip(*map(column, names), strict=True)))


class Files:
    """The data files of one table by month, kept until the table has a new version."""

    def __init__(self, location: Location, name: str, table: LakeTable | None, *, keeps_state: bool = False) -> None:
        """Take an open table, None where there is none, and whether what was worked out about its files may be kept in the lake.

        It may where whoever asks holds the lock.
        """
        self.location, self.name, self._table, self.keeps_state = location, name, table, keeps_state
        self._version = -1
        self._by_month: dict[str, list[Present]] = {}

    def months(self) -> list[str]:
        """Return the months that have files, in order."""
        return sorted(self._found())

    def of(self, months: Iterable[str] | None = None) -> list[str]:
        """Return the paths of some months, or of all."""
        return [file.path for file in self.listed(months)]

    def listed(self, months: Iterable[str] | None = None) -> list[Present]:
        """Return the files of some months, or of all."""
        found = self._found()
        wanted = sorted(found) if months is None else sorted(set(months))
        return [file for month in wanted for file in found.get(month, ())]

    def _found(self) -> dict[str, list[Present]]:
        if self._table is not None and self._version != self._table.version():
            found: dict[str, list[Present]] = defaultdict(list)
            for file in present(self._table, self.name):
                found[file.month].append(file)
            self._by_month, self._version = dict(found), self._table.version()
        return self._by_month


def looked_at(location: Location) -> tuple[dict[str, Files], int]:
    """Return the data files of each table without a lock, and the first batch of the present generation; also of a lake that is not there.

    Raises:
        LakeError: The lake cannot be read.
    """
    with location.errors("read"):
        tables = {name: open_table(location, name) for name in TABLES} if location.exists() else {}
        messages = tables.get("messages")
        return {name: Files(location, name, tables.get(name)) for name in TABLES}, floor_of(messages) if messages is not None else 0
