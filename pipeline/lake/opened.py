"""A lake opened for writing: locked, of the right schema, recovered. What the writer, rebuild and maintenance work on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.lake.commit import commit_stage, next_batch, recover
from pipeline.lake.known import Files
from pipeline.lake.location import Location
from pipeline.lake.repair import repair_log
from pipeline.lake.rewrite import Present, drop_generation, present
from pipeline.lake.stage import StageWriter
from pipeline.lake.tables import create_tables, floor_of
from pipeline.lake.upgrade import upgrade
from pipeline.schema import APPEND_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deltalake import DeltaTable


@dataclass(frozen=True, slots=True)
class OpenLake:
    """The tables of a lake, and the right to write to them."""

    location: Location
    tables: dict[str, DeltaTable]
    files: dict[str, Files]

    @property
    def floor(self) -> int:
        """The first batch of the present generation."""
        return floor_of(self.tables["messages"])

    def present(self, name: str) -> list[Present]:
        """Return the data files of a table."""
        return present(self.tables[name], name)

    def stage(self) -> StageWriter:
        """Begin the next batch."""
        return StageWriter(self.location, next_batch(self.tables))

    def commit(self, stage: StageWriter, transactions: Mapping[str, int] | None = None) -> int:
        """Seal a stage, commit it, and return its batch."""
        commit_stage(self.location, self.tables, stage.seal(transactions))
        return stage.batch


@contextmanager
def open_for_writing(where: str | Path | Location) -> Iterator[OpenLake]:
    """Lock a lake, create it where there is none, bring its schema up to date, and finish or take back what a dead writer left.

    Raises:
        TryAgainError: Another process is writing.
        ConfigError: The lake was written by a newer version of this program.
        LakeError: It cannot be read or written.
    """
    location = Location(where)
    location.create()
    with location.errors("write"), location.writer_lock():
        for name in APPEND_ORDER:
            for torn in repair_log(location, name):
                log.warning("lake-log-repaired", removed=torn)
        tables = create_tables(location)
        for step in upgrade(location, tables):
            log.info("lake-upgraded", step=step)
        recover(location, tables)
        drop_generation(location, tables)
        yield OpenLake(location, tables, {name: Files(location, name, table) for name, table in tables.items()})
