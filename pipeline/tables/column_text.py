"""The rows of a chunk of messages as JSON values, column by column: what a worker process sends.

Columns that a row has of the row it belongs to are left out (`pipeline.tables.schema.INHERITED`); one value for all rows is sent once;
lists of texts are sent as their lengths and all their texts. `pipeline.tables.chunk_columns` makes the typed columns of it.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.tables.schema import INHERITED, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.tables.row_types import MessageRows

SAME, LENGTHS, TEXTS = "same", "lengths", "texts"
DETAILS = "details"
"""Beside the tables: how many failure details each policy has."""
CHUNK_TABLES = ("messages", "reports", "policies", "failures")


@cache
def own_columns(table: str) -> tuple[tuple[int, bool], ...]:
    """Return the columns of a table that are sent: the place in a row, and whether it is a list of texts."""
    _, inherited = INHERITED.get(table, ("", ()))
    columns = enumerate(TABLES[table].columns[1:])
    return tuple((place, column.type == "strings") for place, column in columns if column.name not in inherited)


def chunk_as_values(chunk: Sequence[MessageRows]) -> dict[str, list[Any]]:
    """Return the rows of messages as values for JSON: by table a list of columns."""
    reports = list(chain.from_iterable([each.reports for each in chunk]))
    policies = list(chain.from_iterable([each.policies for each in reports]))
    failures = list(chain.from_iterable([each.failures for each in reports]))
    counts: list[int] = []
    if failures:
        for report in reports:
            of = Counter([row.policy_ix for row in report.failures])
            counts += [of[ix] for ix in range(len(report.policies))]
    rows: tuple[Sequence[tuple[Any, ...]], ...] = ([each.message for each in chunk], [each.report for each in reports], policies, failures)
    return {DETAILS: counts} | {name: _columns(name, some) for name, some in zip(CHUNK_TABLES, rows, strict=True)}


def _columns(table: str, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    return [_column(columns[place], are_lists=are_lists) for place, are_lists in own_columns(table)]


def _column(values: tuple[Any, ...], *, are_lists: bool) -> Any:
    if values.count(values[0]) == len(values):
        return {SAME: values[0]}
    return {LENGTHS: list(map(len, values)), TEXTS: list(chain.from_iterable(values))} if are_lists else values
