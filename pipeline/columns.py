"""Rows as Arrow columns, before they have a batch: what a chunk of messages becomes on its way into the lake.

Beside `pipeline.row_types` the other form of the same rows: the tables here have the columns of `pipeline.schema` without `batch`, in
storage order, and `rows_to_columns` makes the one of the other.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.schema import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.row_types import MessageRows


class ChunkColumns(NamedTuple):
    """The rows of a chunk of messages, before the lake has settled which of their reports are new.

    Rows stand in the order of the messages, and nothing is left out: row `n` of `messages` is message `n` of the chunk; its reports are
    the next `len(report_keys)` rows of `reports`; the policies of a report are the next `policy_count` rows of `policies`, its failures
    the next `failure_detail_count` rows of `failures`. So the rows of any choice of messages can be taken out by counting.
    """

    messages: pa.Table
    reports: pa.Table
    policies: pa.Table
    failures: pa.Table
    contents: list[bytes]
    """One for each message: its bytes, should they be kept in `raw`; empty where they were not fetched."""


@cache
def column_schema(name: str) -> pa.Schema:
    """Return the schema of a table without `batch`."""
    return arrow_schema(name).remove(0)


def rows_to_columns(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return typed rows of a table as columns."""
    schema = column_schema(name)
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def with_batch(name: str, columns: pa.Table, batch: int) -> pa.Table:
    """Return columns as the table that the lake keeps: with their batch in front."""
    first = pa.repeat(pa.scalar(batch, pa.int64()), columns.num_rows)
    return pa.Table.from_arrays([first, *columns.columns], schema=arrow_schema(name))


def chunk_columns(chunk: Iterable[MessageRows]) -> ChunkColumns:
    """Return the rows of messages as columns."""
    rows = list(chunk)
    reports = list(chain.from_iterable([each.reports for each in rows]))
    return ChunkColumns(
        rows_to_columns("messages", [each.message for each in rows]),
        rows_to_columns("reports", [each.report for each in reports]),
        rows_to_columns("policies", list(chain.from_iterable([each.policies for each in reports]))),
        rows_to_columns("failures", list(chain.from_iterable([each.failures for each in reports]))),
        [each.content for each in rows],
    )
