"""A lake opened for writing: locked, of the right schema, recovered. What the writer, rebuild and maintenance work on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import LakeError
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

    from pipeline.lake.tables import LakeTable


@dataclass(slots=True)
class OpenLake:
    """The tables of a lake, and the right to write to them.

    Raises:
        LakeError: On beginning another batch after one that ended in the middle: what that left is for the next writer to recover.
    """

    location: Location
    tables: dict[str, LakeTable]
    files: dict[str, Files]
    _unfinished: bool = False

    @property
    def floor(self) -> int:
        """The first batch of the present generation."""
        return floor_of(self.tables["messages"])

    def present(self, name: str) -> list[Present]:
        """Return the data files of a table."""
        return present(self.tables[name], name)

    def stage(self) -> StageWriter:
        """Begin the next batch."""
        if self._unfinished:
            raise LakeError(f"a batch could not be written to the lake {self.location.uri}; the next run takes it up again")
        return StageWriter(self.location, next_batch(self.tables))

    def commit(self, stage: StageWriter, transactions: Mapping[str, int] | None = None) -> int:
        """Seal a stage, commit it, and return its batch."""
        self._unfinished = True
        commit_stage(self.location, self.tables, stage.seal(transactions))
        self._unfinished = False
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
