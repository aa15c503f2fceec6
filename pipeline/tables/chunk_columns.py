"""Rows as Arrow columns, before they have a batch: what a chunk of messages becomes on its way into the lake.

Beside `pipeline.tables.row_types` the other form of the same rows: the tables here have the columns of `pipeline.tables.schema` without
`batch`, in storage order. What a worker process sent is taken for nothing but JSON: here every value gets the type of its column, or is
refused.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.column_text import CHUNK_TABLES, DETAILS, LENGTHS, SAME, TEXTS, chunk_as_values, own_columns
from pipeline.tables.row_types import FailureRow, MessageRow, MessageRows, PolicyRow, ReportRow, ReportRows
from pipeline.tables.schema import INHERITED, Arrival, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


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


_of_arrival = attrgetter(*Arrival._fields)


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
    """Return columns as the table that the lake keeps: with their batch in front.

    Args:
        name: Of the table, as in `schema.TABLES`.
        columns: Its columns without `batch`, in the order of the schema.
        batch: The number that every row gets.
    """
    first = pa.repeat(pa.scalar(batch, pa.int64()), columns.num_rows)
    return pa.Table.from_arrays([first, *columns.columns], schema=arrow_schema(name))


class MalformedChunkError(Exception):
    """Values that are not rows of our tables."""


def typed_chunk(values: dict[str, list[Any]], arrivals: Sequence[Arrival], contents: list[bytes]) -> ChunkColumns:
    """Return what `chunk_as_values` gave, parsed from JSON, with every value of the type its column has.

    Args:
        values: What the process that read the messages sent.
        arrivals: For each message what is known of it without reading it, in which that process has no say.
        contents: The bytes of each message.

    Raises:
        MalformedChunkError: They are not the rows of as many messages as there are contents.
    """
    try:
        messages = _table("messages", values["messages"], _arrived(arrivals), np.arange(len(contents)))
        reports = _table("reports", values["reports"], messages, _of(pc.list_value_length(messages.column("report_keys"))))
        policies = _table("policies", values["policies"], reports, _of(reports.column("policy_count")))
        details = np.asarray(values[DETAILS] if values["failures"] else [0] * policies.num_rows, dtype=np.int64)
        failures = _table("failures", values["failures"], policies, _of(details))
        of_reports = np.bincount(_of(reports.column("policy_count")), details, reports.num_rows)
        fits = of_reports.tolist() == reports.column("failure_detail_count").to_pylist()
    except (TypeError, ValueError, KeyError, IndexError, OverflowError, pa.ArrowException) as err:
        raise MalformedChunkError(f"no rows: {err}") from err
    if not fits:
        raise MalformedChunkError("no rows: fewer failure details than stated")
    return ChunkColumns(messages, reports, policies, failures, contents)


def chunk_columns(chunk: Iterable[MessageRows]) -> ChunkColumns:
    """Return the rows of messages as columns."""
    rows = list(chunk)
    arrivals = [Arrival._make(_of_arrival(each.message)) for each in rows]
    return typed_chunk(orjson.loads(orjson.dumps(chunk_as_values(rows))), arrivals, [each.content for each in rows])


def as_columns(messages: ChunkColumns | Sequence[MessageRows]) -> ChunkColumns:
    """Return messages as columns, whichever form they have."""
    return messages if isinstance(messages, ChunkColumns) else chunk_columns(messages)


def concat(chunks: Sequence[ChunkColumns]) -> ChunkColumns:
    """Return the rows of several chunks as those of one."""
    if len(chunks) == 1:
        return chunks[0]
    tables = [pa.concat_tables([getattr(each, name) for each in chunks]) for name in CHUNK_TABLES]
    return ChunkColumns._make((*tables, [content for each in chunks for content in each.contents]))


def choose(columns: ChunkColumns, places: Sequence[int]) -> ChunkColumns:
    """Return the rows of some messages, given by ascending places in the chunk."""
    if len(places) == len(columns.contents):
        return columns
    owners = owners_of(columns)
    kept = [getattr(columns, name).filter(pa.array(np.isin(owners[name], places))) for name in CHUNK_TABLES]
    return ChunkColumns._make((*kept, [columns.contents[place] for place in places]))


def owners_of(columns: ChunkColumns) -> dict[str, NDArray[np.int64]]:
    """Return for each row of each table the place of its message."""
    of_report = _of(pc.list_value_length(columns.messages.column("report_keys")))
    return {
        "messages": np.arange(columns.messages.num_rows),
        "reports": of_report,
        "policies": of_report[_of(columns.reports.column("policy_count"))],
        "failures": of_report[_of(columns.reports.column("failure_detail_count"))],
    }


def message_rows(columns: ChunkColumns) -> list[MessageRows]:
    """Return the rows of a chunk as rows: for a few messages of which somebody wants to see the fields."""
    failures, policies, reports = (
        iter(rows_of(make, table))
        for make, table in ((FailureRow, columns.failures), (PolicyRow, columns.policies), (ReportRow, columns.reports))
    )
    taken = []
    for message, content in zip(rows_of(MessageRow, columns.messages), columns.contents, strict=True):
        mine = []
        for _ in message.report_keys:
            head = next(reports)
            parts = (
                tuple([next(policies) for _ in range(head.policy_count)]),
                tuple([next(failures) for _ in range(head.failure_detail_count)]),
            )
            mine.append(ReportRows(head, *parts))
        taken.append(MessageRows(message, tuple(mine), content))
    return taken


def rows_of(make: Any, table: pa.Table) -> list[Any]:
    """Return columns of a table as rows of its type."""
    columns: list[list[Any]] = []
    for name in make._fields:
        values: list[Any] = table.column(name).to_pylist()
        columns.append([tuple(value) for value in values] if pa.types.is_list(table.schema.field(name).type) else values)
    return [make(*values) for values in zip(*columns, strict=True)]


def _of(counts: Any) -> NDArray[np.int64]:
    """Return the place of the parent of each row, given how many each parent has."""
    many = counts if isinstance(counts, np.ndarray) else counts.to_numpy()
    return np.repeat(np.arange(len(many)), many)


def _arrived(arrivals: Sequence[Arrival]) -> pa.Table:
    schema = pa.schema([column_schema("messages").field(name) for name in Arrival._fields])
    columns = zip(*arrivals, strict=True) if arrivals else ((),) * len(Arrival._fields)
    return pa.Table.from_arrays([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


def _table(name: str, values: list[Any], parents: pa.Table | None, of: NDArray[np.int64]) -> pa.Table:
    """Return a table of the columns sent; those it shares with the rows it belongs to are taken from there."""
    schema = column_schema(name)
    if not values:
        if len(of):
            raise ValueError(f"{name} are missing")
        return schema.empty_table()
    own = own_columns(name)
    arrays: dict[str, Any] = {}
    for (place, _), column in zip(own, values, strict=True):
        arrays[schema.names[place]] = _array(column, schema.field(place), len(of))
    if parents is not None:
        for column in INHERITED[name][1]:
            arrays[column] = parents.column(column).take(of)
    return pa.Table.from_arrays([arrays[column] for column in schema.names], schema=schema)


def _array(column: Any, field: pa.Field[Any], rows: int) -> Any:
    made: Any
    if not isinstance(column, dict):
        made = _of_type(column, field.type)
    elif SAME in column:
        made = pa.repeat(_of_type([column[SAME]], field.type)[0], rows)
    else:
        offsets = np.concatenate([[0], np.cumsum(np.asarray(column[LENGTHS], dtype=np.int64))])
        texts = pa.array(column[TEXTS], pa.string())
        if offsets[-1] != len(texts) or texts.null_count or (len(offsets) > 1 and min(column[LENGTHS]) < 0):
            raise ValueError(f"{field.name} is not a column of lists")
        made = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts)
    if len(made) != rows or (made.null_count and not field.nullable):
        raise ValueError(f"{field.name} has {len(made)} values and {made.null_count} nulls for {rows} rows")
    return made


def _of_type(values: list[Any], kind: pa.DataType) -> Any:
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)
