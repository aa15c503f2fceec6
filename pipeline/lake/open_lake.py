"""A lake opened for writing: locked, of the right schema, recovered. What the writer, rebuild and maintenance work on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import LakeError
from pipeline.failpoint import reach
from pipeline.lake.delta.commit import commit_stage, next_batch, recover
from pipeline.lake.delta.data_file_list import Files, Present
from pipeline.lake.delta.delta_tables import add_version, create_tables, fence_of, floor_of
from pipeline.lake.delta.log_repair import repair_log
from pipeline.lake.delta.rewrite import drop_generation
from pipeline.lake.delta.stage import StageWriter
from pipeline.lake.delta.upgrade import upgrade
from pipeline.lake.delta.whole import OTHERS, lacking, refuse_lacking
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.tables.schema import APPEND_ORDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import HeldLock


@dataclass(slots=True)
class OpenLake:
    """The tables of a lake, and the right to write to them.

    Raises:
        LakeError: On beginning another batch after one that ended in the middle: what that left is for the next writer to recover.
    """

    location: Location
    tables: dict[str, LakeTable]
    files: dict[str, Files]
    epoch: int | None = None
    """That of the lease, in a bucket."""
    _unfinished: bool = False

    @property
    def floor(self) -> int:
        """The first batch of the present generation."""
        return floor_of(self.tables["messages"])

    def present(self, name: str) -> list[Present]:
        """Return the data files of a table."""
        return self.files[name].listed()

    def stage(self) -> StageWriter:
        """Begin the next batch.

        Raises:
            LakeError: A batch before it ended in the middle.
        """
        if self._unfinished:
            raise LakeError(f"a batch could not be written to the lake {self.location.uri}; the next run retries it")
        return StageWriter(self.location, next_batch(self.tables), epoch=self.epoch)

    def commit(self, stage: StageWriter, transactions: Mapping[str, int] | None = None) -> int:
        """Seal a stage, commit it, and return its batch."""
        self._unfinished = True
        commit_stage(self.location, self.tables, stage.seal(transactions))
        self._unfinished = False
        return stage.batch


@contextmanager
def open_for_writing(where: str | Path | Location, *, mending: Collection[str] = ()) -> Iterator[OpenLake]:
    """Lock a lake, create it where there is none, bring its schema up to date, and finish or take back what a dead writer left.

    Args:
        where: The lake.
        mending: Tables that may have lost something, because whoever opens the lake mends them.

    Raises:
        TryAgainError: Another process is writing.
        ConfigError: The lake was written by a newer version of this program.
        LakeError: It cannot be read or written.
    """
    location = locate(where)
    location.create()
    with location.errors("write"), location.writer_lock() as held:
        for name in () if location.far else APPEND_ORDER:
            for torn in repair_log(location, name):
                log.warning("lake-log-repaired", removed=torn)
        tables = create_tables(location, lambda found: _refuse_torn(location, found, mending=mending))
        epoch = fence(location, tables, held)
        for step in upgrade(location, tables):
            log.info("lake-upgraded", step=step)
        recover(location, tables)
        drop_generation(location, tables)
        yield OpenLake(location, tables, {name: Files(location, name, table, keeps_state=True) for name, table in tables.items()}, epoch)


def _refuse_torn(location: Location, found: dict[str, LakeTable | None], *, mending: Collection[str]) -> None:
    """Refuse a lake that has lost a table or a part of its log, before an empty table stands in its place.

    Raises:
        LakeError: It has.
    """
    messages = found["messages"]
    if messages is not None:
        refuse_lacking(location, set(lacking(messages, {name: found[name] for name in OTHERS})).difference(mending))


def fence(location: Location, tables: dict[str, LakeTable], held: HeldLock) -> int | None:
    """Give the tables the epoch of a lease, and shut out a former holder who may still be alive; return the epoch.

    It is beyond that of every table even where the lease object was lost: then every former holder is shut out.

    Args:
        location: Where the lake lies.
        tables: All tables, open; brought to their new versions where somebody is shut out.
        held: The lock of the lake; without an epoch, as in a folder, there is nothing to do and None is returned.
    """
    if held.epoch is None:
        return None
    last = max(fence_of(table) for table in tables.values())
    epoch = max(held.epoch, last + 1)
    for table in tables.values():
        table.epoch = epoch
    if held.taken_over or epoch != held.epoch:
        reach("fence")
        location.together(lambda name: add_version(name, tables[name]), tables)
    return epoch
