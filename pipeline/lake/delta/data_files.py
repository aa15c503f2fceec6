"""Data files: rows to whole Arrow columns, columns to Parquet, and the statistics that the Delta log keeps of them."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.lake.delta.delta_tables import STATISTICS, AddedFile
from pipeline.tables.chunk_columns import rows_to_columns, with_batch
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPRESSION_LEVEL = 1
"""Rows become smaller than at 3, by a twentieth, and in half the time; the bytes of mails, mostly compressed before, a thirtieth larger."""
ROW_GROUP_ROWS = 122_880
RAW_ROW_GROUP_ROWS = 256
"""Messages are fetched from `raw` one at a time: a small row group is what has to be read for one."""

BLOOM = {"reports": ("report_key",), "policies": ("report_key",), "failures": ("report_key",), "raw": ("message_sha256",)}
_HASHES = ("message_sha256", "report_key", "identity", "content_sha256")
_NO_DICTIONARY = ("content", *_HASHES, "item", "message_id", "header_date", "subject", "subject_report_id", "report_id")
"""Columns whose values hardly repeat."""
ORDER = {"policies": ("report_domain", "report_day"), "failures": ("report_domain", "report_day"), "reports": ("report_day",)}
"""Columns that the rows of a file are sorted by: what questions filter by."""


def to_arrow(name: str, rows: Sequence[tuple[Any, ...]], batch: int) -> pa.Table:
    """Return typed rows as one Arrow table of the schema of `name`, with their batch in front.

    Args:
        name: Of the table, as in `schema.TABLES`.
        rows: Its rows, without `batch`; may be empty.
        batch: The number that every row gets.
    """
    return with_batch(name, rows_to_columns(name, rows), batch)


def by_month(name: str, rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each month, sorted by what questions filter by, where there is such a column."""
    partition = TABLES[name].partition
    if name in ORDER:
        rows = rows.sort_by([(column, "ascending") for column in ORDER[name]])
    months = sorted(distinct(rows.column(partition)))
    if len(months) == 1:
        return {months[0]: rows}
    return {month: rows.filter(pc.field(partition) == month) for month in months}


def encode(name: str, rows: pa.Table) -> pa.Buffer:
    """Return the rows of one month as the bytes of a Parquet file, without the partition column: that is in the path."""
    sink = pa.BufferOutputStream()
    plain = rows.drop_columns([TABLES[name].partition])
    blooms = {column: {"ndv": max(rows.num_rows, 1), "fpp": 0.01} for column in BLOOM.get(name, ())}
    pq.write_table(
        plain,
        sink,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        row_group_size=RAW_ROW_GROUP_ROWS if name == "raw" else ROW_GROUP_ROWS,
        use_dictionary=[column for column in plain.column_names if column not in _NO_DICTIONARY],  # type: ignore[arg-type]
        write_statistics=[column for column in plain.column_names if column != "content"],
        bloom_filter_options=blooms or None,
    )
    return sink.getvalue()


def describe(name: str, rows: pa.Table, *, month: str, size_bytes: int, prefix: str) -> AddedFile:
    """Return the part that a file with these rows will be; its name is new and says nothing about its content.

    Args:
        name: Of the table, as in `schema.TABLES`.
        rows: The rows of the file, for their number and the statistics.
        month: The partition they all belong to, like 2026-05.
        size_bytes: Of the encoded file.
        prefix: Begins the name of the file and says what wrote it: `b` and a batch, `r` for a rewrite, `c` for a compaction.
    """
    path = f"{TABLES[name].partition}={month}/{prefix}-{secrets.token_hex(8)}.parquet"
    return AddedFile(path, month, rows.num_rows, size_bytes, json.dumps(statistics(rows)))


def statistics(rows: pa.Table) -> dict[str, Any]:
    """Return the statistics of a file as the Delta protocol has them."""
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for name in STATISTICS:
        if name not in rows.column_names:
            continue
        column = rows.column(name)
        nulls[name] = column.null_count
        ends: dict[str, Any] = pc.min_max(column).as_py()  # type: ignore[assignment]
        if ends["min"] is not None:
            least[name], most[name] = _plain(ends["min"]), _plain(ends["max"])
    return {"numRecords": rows.num_rows, "minValues": least, "maxValues": most, "nullCount": nulls}


def distinct(column: pa.ChunkedArray[Any] | pa.Array[Any]) -> set[Any]:
    """Return the different values of a column."""
    return set(pc.unique(column).to_pylist())


def _plain(value: object) -> object:
    return value if isinstance(value, (int, str)) else str(value)
