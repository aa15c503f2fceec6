"""Rows as Arrow columns, before they have a batch: what a chunk of messages becomes on its way into the lake.

Beside `pipeline.row_types` the other form of the same rows: the tables here have the columns of `pipeline.schema` without `batch`, in
storage order, and `rows_to_columns` makes the one of the other.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


def interleave(*parts: tuple[Sequence[int], ChunkColumns]) -> ChunkColumns:
    """Return the rows of several parts of a chunk in the order of the chunk.

    Args:
        parts: The places of the messages in the chunk, and their rows.
    """
    messages, reports, policies, failures = (
        pa.concat_tables(tables) for tables in zip(*(columns[:4] for _, columns in parts), strict=True)
    )
    # each row with the place of its message: stable, so that the order within a message stays
    of_message = np.concatenate([np.asarray(places, dtype=np.int64) for places, _ in parts])
    of_report = np.repeat(of_message, pc.list_value_length(messages.column("report_keys")).to_numpy())
    of_policy = np.repeat(of_report, reports.column("policy_count").to_numpy())
    of_failure = np.repeat(of_report, reports.column("failure_detail_count").to_numpy())
    contents = [content for _, columns in parts for content in columns.contents]
    return ChunkColumns(
        _in_order(messages, of_message),
        _in_order(reports, of_report),
        _in_order(policies, of_policy),
        _in_order(failures, of_failure),
        [contents[at] for at in np.argsort(of_message, kind="stable")],
    )


def _in_order(rows: pa.Table, places: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Table:
    return rows.take(np.argsort(places, kind="stable"))
