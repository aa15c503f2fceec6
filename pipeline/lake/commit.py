"""Committing a staged batch, and recovering after a death: exactly once, whatever step it came at.

The tables are committed in `schema.APPEND_ORDER`; each commit carries the application transaction (`tlsrpt`, batch), and a table that has
it already is passed over. `messages` is last: with it the batch is there for readers, before it for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.failpoint import reach
from pipeline.lake.rewrite import drop_rows_beyond
from pipeline.lake.stage import Stage, drop_stage, read_stage, staged_batches
from pipeline.lake.tables import BATCH, batch_of, commit_parts
from pipeline.schema import APPEND_ORDER

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from pipeline.lake.location import Location


def commit_stage(location: Location, tables: dict[str, DeltaTable], stage: Stage) -> None:
    """Bring a complete stage into the tables, from wherever an earlier try ended, and drop it."""
    for name in APPEND_ORDER:
        change = stage.changes.get(name)
        if batch_of(tables[name]) >= stage.batch or (change is None and name != "messages"):
            continue
        for staged, part in change.adds if change else ():
            location.store.move(staged, f"{name}/{part.path}")
            reach(f"moved-{name}")
        transactions = {BATCH: stage.batch, **(stage.transactions if name == "messages" else {})}
        adds = [part for _, part in change.adds] if change else []
        commit_parts(location, name, tables[name], adds=adds, removes=change.removes if change else (), transactions=transactions)
        reach(f"committed-{name}")
    drop_stage(location, stage.batch)
    reach("stage-dropped")


def recover(location: Location, tables: dict[str, DeltaTable]) -> None:
    """Finish what a dead writer left: a complete stage is committed, all else of it is taken back."""
    for batch in staged_batches(location):
        stage = read_stage(location, batch) if batch > batch_of(tables["messages"]) else None
        if stage is not None:
            commit_stage(location, tables, stage)
        else:
            drop_stage(location, batch)
    last = batch_of(tables["messages"])
    for name, table in tables.items():
        if batch_of(table) > last:
            # Only a lake that lost its stage comes here, one restored from a copy made while somebody wrote.
            drop_rows_beyond(location, name, table, last)


def next_batch(tables: dict[str, DeltaTable]) -> int:
    """Return a number that no table has seen."""
    return 1 + max(batch_of(table) for table in tables.values())
