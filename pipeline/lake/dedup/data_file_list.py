"""Which data files a table has, month by month."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pipeline.lake.delta.delta_tables import parts_of
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location


class Listed(NamedTuple):
    """One data file."""

    path: str
    rows: int
    first_batch: int | None

    @property
    def name(self) -> str:
        """Its own, without folders; used once only."""
        return self.path.rpartition("/")[2]


class Files:
    """The data files of one table by month, kept until the table has a new version."""

    def __init__(self, location: Location, name: str, table: LakeTable, *, keeps_state: bool = False) -> None:
        """Take an open table, and whether what was worked out about its files may be kept in the lake: whoever asks holds the lock."""
        self.location, self.name, self._table, self.keeps_state = location, name, table, keeps_state
        self._version = -1
        self._by_month: dict[str, list[Listed]] = {}

    def months(self) -> list[str]:
        """Return the months that have files, in order."""
        return sorted(self._found())

    def of(self, months: Iterable[str] | None = None) -> list[str]:
        """Return the paths of some months, or of all."""
        return [file.path for file in self.listed(months)]

    def listed(self, months: Iterable[str] | None = None) -> list[Listed]:
        """Return the files of some months, or of all."""
        found = self._found()
        wanted = sorted(found) if months is None else sorted(set(months))
        return [file for month in wanted for file in found.get(month, ())]

    def _found(self) -> dict[str, list[Listed]]:
        if self._version != self._table.version():
            found: dict[str, list[Listed]] = defaultdict(list)
            parts = parts_of(self._table, TABLES[self.name].partition)
            for part in parts.to_pylist():
                found[part["month"]].append(Listed(part["path"], part["rows"], part["first_batch"]))
            self._by_month, self._version = dict(found), self._table.version()
        return self._by_month
