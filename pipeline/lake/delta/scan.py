"""Reading rows back for the writer's own needs: few columns, few files, only rows of the present generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from pipeline.tables.schema import TABLES, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.lake.storage.location import Location


def dataset(location: Location, name: str, paths: Iterable[str]) -> pads.Dataset:
    """Return data files of a table as a dataset with all columns of its schema, the partition from the path.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table.
    """
    partition = TABLES[name].partition
    return pads.dataset(
        [location.path_of(f"{name}/{path}") for path in paths],
        schema=arrow_schema(name),
        format="parquet",
        filesystem=location.filesystem,
        partitioning=pads.partitioning(pa.schema([(partition, pa.string())]), flavor="hive"),
        partition_base_dir=location.path_of(name),
    )


def read(
    location: Location, name: str, paths: Sequence[str], columns: Sequence[str] | None = None, *, where: pc.Expression | None = None
) -> pa.Table:
    """Return columns of the rows that satisfy `where`, from these data files of a table.

    With a condition one row group is read after the other: mostly few rows satisfy it, and the hashes it is about do not compress.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table; none gives no rows.
        columns: Their names; None: all of the schema.
        where: The condition on rows; None: all.
    """
    schema = arrow_schema(name)
    empty = pa.Table.from_batches([], schema=schema if columns is None else pa.schema([schema.field(column) for column in columns]))
    if not paths:
        return empty
    wanted = list(columns) if columns is not None else list(TABLES[name].column_names)
    whole = dataset(location, name, paths)
    if where is None:
        return whole.to_table(columns=wanted)
    pieces = (piece for file in whole.get_fragments(filter=where) for piece in file.split_by_row_group(filter=where, schema=whole.schema))
    return pa.concat_tables([empty, *(piece.to_table(columns=wanted, filter=where, schema=whole.schema) for piece in pieces)])


def count_rows(location: Location, name: str, paths: Sequence[str], where: pc.Expression) -> int:
    """Return how many rows of these data files satisfy `where`.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table.
        where: The condition on rows.
    """
    return dataset(location, name, paths).count_rows(filter=where) if paths else 0


def batches(
    location: Location, name: str, paths: Sequence[str], columns: Sequence[str], *, where: pc.Expression | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield columns of the rows that satisfy `where`, piece by piece, in the order of the files.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table.
        columns: Their names.
        where: The condition on rows; None: all.
    """
    if paths:
        yield from dataset(location, name, paths).to_batches(columns=list(columns), filter=where, batch_size=65_536)


def numbers(
    location: Location, name: str, paths: Sequence[str], column: str, *, same: Mapping[str, str | int], floor: int
) -> Iterator[NDArray[np.int64]]:
    """Yield a column of whole numbers of the rows of the present generation that have these values in other columns; nulls are left out.

    Where the statistics of a row group say that all of its rows have them, as in the ledger of a lake with one mailbox, no other column is
    read: of ten million rows that takes a tenth of the time. Where they say that they have one number only, it is yielded once.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table.
        column: The column of whole numbers.
        same: The values that the rows have, by the names of the other columns.
        floor: The first batch of the present generation.
    """
    where = since(floor)
    for other, value in same.items():
        where &= pc.field(other) == value
    for fragment in dataset(location, name, paths).get_fragments(filter=where) if paths else ():
        groups: dict[bool, list[int]] = {True: [], False: []}
        for group in fragment.row_groups:
            statistics = group.statistics or {}
            all_satisfy = _all_satisfy(statistics, same, floor)
            ends = statistics.get(column)
            if all_satisfy and ends is not None and ends["min"] == ends["max"]:
                yield np.array([ends["min"]], np.int64)
            else:
                groups[all_satisfy].append(group.id)
        for all_satisfy, ids in groups.items():
            if ids:
                rows = fragment.subset(row_group_ids=ids).to_table(columns=[column], filter=None if all_satisfy else where)
                yield rows.column(0).drop_null().to_numpy().astype(np.int64, copy=False)


def combinations(location: Location, name: str, paths: Sequence[str], columns: Sequence[str], *, floor: int) -> Iterator[tuple[Any, ...]]:
    """Yield the combinations of values in some columns without nulls, of the rows of the present generation; some more than once.

    Row groups of which the statistics say that every column has one value are not read.

    Args:
        location: Where the lake lies.
        name: Of the table, as in `schema.TABLES`.
        paths: Of the data files, relative to the folder of the table.
        columns: Their names; the values come in this order.
        floor: The first batch of the present generation.
    """
    for fragment in dataset(location, name, paths).get_fragments(filter=since(floor)) if paths else ():
        mixed = []
        for group in fragment.row_groups:
            ends = [(group.statistics or {}).get(column, {}) for column in columns]
            if _all_satisfy(group.statistics or {}, {}, floor) and all(end and end["min"] == end["max"] for end in ends):
                yield tuple(end["min"] for end in ends)
            else:
                mixed.append(group.id)
        if mixed:
            rows = fragment.subset(row_group_ids=mixed).to_table(columns=list(columns), filter=since(floor))
            yield from zip(*(column.to_pylist() for column in rows.group_by(list(columns)).aggregate([]).columns), strict=True)


def _all_satisfy(statistics: Mapping[str, Mapping[str, object]], same: Mapping[str, str | int], floor: int) -> bool:
    constant = all(statistics.get(name) == {"min": value, "max": value} for name, value in same.items())
    least = statistics.get("batch", {}).get("min")
    return constant and isinstance(least, int) and least >= floor


def since(floor: int) -> pc.Expression:
    """The rows of the present generation."""
    return pc.field("batch") >= floor


def among(column: str, values: Collection[str]) -> pc.Expression:
    """The rows whose column is one of the values."""
    return pc.field(column).isin(pa.array(sorted(values), pa.string()))
