"""Files with some of their rows left out: how the lake deletes and replaces rows.

`deltalake` can delete by predicate; done here instead because the predicate would stay in the log (an erased domain's name), and because
its delete leaves string columns in a type that pyarrow's filters refuse. The untouched rows keep their batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.failpoint import reach
from pipeline.lake.delta.data_file_list import present
from pipeline.lake.delta.data_files import describe, encode
from pipeline.lake.delta.delta_tables import commit_parts, floor_of
from pipeline.lake.delta.scan import count_rows, read
from pipeline.tables.schema import OUTLIVE_REBUILD

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from pipeline.lake.delta.data_file_list import Present
    from pipeline.lake.delta.delta_tables import AddedFile, Gone, LakeTable
    from pipeline.lake.storage.location import Location


def without(location: Location, name: str, files: Iterable[Present], unwanted: pc.Expression) -> tuple[list[AddedFile], list[Gone]]:
    """Write the files again without the rows that satisfy `unwanted` (null does not); a file without such rows is left alone.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: Of the table, as in `schema.TABLES`.
        files: Those of its data files that may hold such rows.
        unwanted: The condition, over columns of the table.

    Returns:
        What to add and what to remove in one commit. Files that nobody commits are swept by `maintain`.
    """
    adds: list[AddedFile] = []
    removes: list[Gone] = []
    for file in files:
        if not count_rows(location, name, [file.path], unwanted):
            continue
        kept = read(location, name, [file.path]).filter(~unwanted | unwanted.is_null())
        removes.append(file.gone)
        if kept.num_rows:
            adds.append(put_part(location, name, kept, file.month, prefix="r"))
    return adds, removes


def put_part(location: Location, name: str, rows: pa.Table, month: str, *, prefix: str) -> AddedFile:
    """Write rows of one month as a data file in the folder of its table; no log names it yet.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: Of the table, as in `schema.TABLES`.
        rows: All columns of its schema.
        month: The partition of all rows, like 2026-05.
        prefix: Begins the name of the file and says what wrote it, see `describe`.
    """
    content = encode(name, rows)
    part = describe(name, rows, month=month, size_bytes=content.size, prefix=prefix)
    location.store.put(f"{name}/{part.path}", memoryview(content))
    return part


def drop_generation(location: Location, tables: dict[str, LakeTable]) -> None:
    """Remove the files of the generation that a rebuild replaced; those of `schema.OUTLIVE_REBUILD` have no generations."""
    floor = floor_of(tables["messages"])
    for name, table in tables.items():
        if floor == 0 or name in OUTLIVE_REBUILD:
            continue
        old = [file.gone for file in present(table, name) if file.last_batch is not None and file.last_batch < floor]
        if old:
            commit_parts(location, name, table, removes=old)
            reach("generation-dropped")


def drop_rows_beyond(location: Location, name: str, table: LakeTable, last: int) -> None:
    """Delete the rows of batches after `last`.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: Of the table, as in `schema.TABLES`.
        table: The same, open; brought to the new version.
        last: The last batch whose rows stay.

    Raises:
        TryAgainError: Another writer has taken the lake over since `table` came to its version.
    """
    touched = [file for file in present(table, name) if file.last_batch is None or file.last_batch > last]
    adds, removes = without(location, name, touched, pc.field("batch") > last)
    if removes:
        commit_parts(location, name, table, adds=adds, removes=removes)
