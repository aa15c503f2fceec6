"""A worker's second task: the rows of one table that a batch takes of its chunks become data files, a file for each month."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.bulk.reading import MESSAGE_IX, REPORT_IX
from pipeline.bulk.spool import Spool
from pipeline.columns import with_batch
from pipeline.lake.location import Location
from pipeline.lake.parts import by_month, describe, encode
from pipeline.lake.settle import NAMING_COLUMNS
from pipeline.lake.stage import StagedPart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.bulk.tasks import Kept, Write


def write(task: Write) -> list[StagedPart]:
    """Write the data files of one table, durably, where the batch expects them; no table names them yet.

    Raises:
        LakeError: They cannot be written, or the spool is gone.
    """
    rows = pa.concat_tables([_taken(task, each) for each in task.kept])
    if not rows.num_rows:
        return []
    location = Location(task.lake)
    parts = []
    with location.errors("write"):
        for month, some in by_month(task.table, with_batch(task.table, rows, task.batch)).items():
            content = encode(task.table, some)
            part = describe(task.table, some, month=month, size_bytes=content.size, prefix=f"b{task.batch}")
            staged = location.staged(task.stage, f"{task.table}-{secrets.token_hex(8)}.parquet", f"{task.table}/{part.path}")
            location.store.put(staged, memoryview(content))
            parts.append(StagedPart(staged, part))
    return parts


def _taken(task: Write, kept: Kept) -> pa.Table:
    """Return the rows that a batch takes of a chunk."""
    rows = Spool(task.lake, kept.folder).read(kept.token, task.table)
    if task.table == "messages":
        return _without(_judged(rows, kept.outcomes), np.arange(rows.num_rows), kept.dropped)
    if task.table == "reports":
        return _without(rows, np.arange(rows.num_rows), kept.old_reports)
    column, out = (MESSAGE_IX, [*kept.dropped, *kept.no_bytes]) if task.table == "raw" else (REPORT_IX, kept.old_reports)
    return _without(rows.drop_columns([column]), rows.column(column).to_numpy(), out)


def _without(rows: pa.Table, places: np.ndarray, out: Iterable[int]) -> pa.Table:
    gone = np.fromiter(out, np.int64)
    return rows.filter(pa.array(~np.isin(places, gone))) if len(gone) else rows


def _judged(messages: pa.Table, outcomes: dict[int, str]) -> pa.Table:
    """Return ledger rows with their outcomes; one that was erased loses what names a domain (see `pipeline.lake.settle.forget`)."""
    if not outcomes:
        return messages
    columns = {"outcome": [outcomes.get(place, old) for place, old in enumerate(messages.column("outcome").to_pylist())]}
    erased = {place for place, outcome in outcomes.items() if outcome == "erased"}
    if erased:
        for name, blank in (*((name, None) for name in NAMING_COLUMNS), ("folder", "")):
            columns[name] = [blank if place in erased else old for place, old in enumerate(messages.column(name).to_pylist())]
    for name, values in columns.items():
        place = messages.column_names.index(name)
        messages = messages.set_column(place, messages.schema.field(place), pa.array(values, messages.schema.field(place).type))
    return messages
