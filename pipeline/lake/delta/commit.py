"""Committing a staged batch, and recovering after a death: exactly once, whatever step it came at.

The tables are committed in `schema.APPEND_ORDER`; each commit carries the application transaction (`tlsrpt`, batch), and a table that has
it already is passed over. `messages` is last: with it the batch is there for readers, before it for nobody. Before it, the other tables are
made durable, and before the stage is dropped, `messages` is: a power cut takes a batch back or leaves it, never a part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.failpoint import reach
from pipeline.lake.delta.delta_tables import BATCH, add_version, batch_of, sync_logs
from pipeline.lake.delta.rewrite import drop_rows_beyond
from pipeline.lake.delta.stage import Stage, TableChange, drop_stage, read_stage, stages
from pipeline.lake.delta.whole import seen
from pipeline.tables.schema import APPEND_ORDER

if TYPE_CHECKING:
    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location


def commit_stage(location: Location, tables: dict[str, LakeTable], stage: Stage) -> None:
    """Bring a complete stage into the tables, from wherever an earlier try ended, and drop it.

    Args:
        location: Where the lake lies; the caller holds its lock.
        tables: All tables, open; brought to their new versions.
        stage: Sealed: with its manifest written.

    Raises:
        TryAgainError: Another writer has taken the lake over since the tables came to their versions.
    """
    before = {name: table.version() for name, table in tables.items()}

    def append(name: str) -> None:
        change = stage.changes.get(name, TableChange())
        if batch_of(tables[name]) >= stage.batch or not (change.adds or change.removes or name == "messages"):
            return
        for staged, part in change.adds:
            location.store.move(staged, f"{name}/{part.path}")
            reach(f"moved-{name}")
        transactions = {BATCH: stage.batch, **({**stage.transactions, **seen(tables)} if name == "messages" else {})}
        adds = [part for _, part in change.adds]
        add_version(name, tables[name], adds=adds, removes=change.removes, transactions=transactions)
        reach(f"committed-{name}")

    *others, last = APPEND_ORDER
    location.together(append, others)
    sync_logs(location, tables, before)
    append(last)
    sync_logs(location, tables, before)
    drop_stage(location, stage.name)
    reach("stage-dropped")


def recover(location: Location, tables: dict[str, LakeTable]) -> None:
    """Finish what a dead writer left: a complete stage is committed, all else of it is taken back."""
    for name in stages(location):
        stage = read_stage(location, name) if name.batch > batch_of(tables["messages"]) else None
        if stage is not None:
            commit_stage(location, tables, stage)
        else:
            drop_stage(location, name)
    last = batch_of(tables["messages"])
    for table_name, table in tables.items():
        if batch_of(table) > last:
            # Only a lake that lost its stage comes here, one restored from a copy made while somebody wrote.
            drop_rows_beyond(location, table_name, table, last)


def next_batch(tables: dict[str, LakeTable]) -> int:
    """Return a number that no table has seen."""
    return 1 + max(batch_of(table) for table in tables.values())
