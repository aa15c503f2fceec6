"""A lake looked at without a lock, for a dry run; also one that is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.dedup.data_file_list import Files, Listed
from pipeline.lake.delta.delta_tables import floor_of, open_table
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.lake.storage.location import Location


class _NoFiles(Files):
    """The data files of a table that is not there."""

    def __init__(self, location: Location, name: str) -> None:
        self.location, self.name, self.keeps_state = location, name, False

    def months(self) -> list[str]:
        return []

    def listed(self, months: Iterable[str] | None = None) -> list[Listed]:  # noqa: ARG002 -- none in any
        return []


def looked_at(location: Location) -> tuple[dict[str, Files], int]:
    """Return the data files of each table, and the first batch of the present generation.

    Raises:
        LakeError: The lake cannot be read.
    """
    with location.errors("read"):
        tables = {name: open_table(location, name) for name in TABLES} if location.exists() else {}
        messages = tables.get("messages")
        files = {name: Files(location, name, table) if (table := tables.get(name)) else _NoFiles(location, name) for name in TABLES}
        return files, floor_of(messages) if messages is not None else 0
