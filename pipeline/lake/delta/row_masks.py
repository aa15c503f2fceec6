"""Questions about whole columns, answered as one boolean a row, and rows with other values in some columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

Column = Any
"""An Arrow array or chunked array; the stubs of pyarrow tell the two apart where its functions do not."""
Mask = Any
"""The same with one boolean a row."""


def is_one_of(column: Column, values: Collection[str] | Column) -> Mask:
    """Say which strings are among the values; null is not."""
    return pc.is_in(column, value_set=values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(list(values), pa.string()))


def before(column: Column, moment: datetime) -> Mask:
    """Say which times are earlier."""
    return pc.less(column, pa.scalar(moment, pa.timestamp("us", tz="UTC")))


def any_within(lists: Column, values: Collection[str] | Column) -> Mask:
    """Say which lists of strings have an element among the values."""
    return _parents(lists, lambda elements: is_one_of(elements, values))


def all_within(lists: Column, values: Collection[str] | Column) -> Mask:
    """Say which lists of strings have elements, all of them among the values."""
    outside = _parents(lists, lambda elements: pc.invert(is_one_of(elements, values)))
    return pc.and_(pc.greater(pc.list_value_length(lists), pa.scalar(0)), pc.invert(outside))


def negated(mask: Mask) -> Mask:
    """Say the opposite."""
    return pc.invert(mask)


def names_domain(column: Column, domain: str, *, below: bool = True) -> Mask:
    """Say which texts name a domain as a whole name: `example.org` is not in `example.org.uk` or `anexample.org`.

    With `below`, it is in `mx.example.org`.

    Args:
        column: Texts; a null names no domain.
        domain: As A-label, in any case of letters.
        below: Whether a name below the domain counts, too.
    """
    return pc.coalesce(pc.match_substring_regex(column, pattern=pattern_of(domain, below=below)), pa.scalar(False))


def pattern_of(domain: str, *, below: bool = True) -> str:
    """Return the regular expression (RE2) that finds a domain in text; its groups are what stands before and after."""
    return f"(?i)(^|[^a-z0-9{'' if below else '.'}-])" + domain.replace(".", r"\.") + r"($|[^a-z0-9.-]|\.$|\.[^a-z0-9])"


def put_where(rows: pa.Table, name: str, mask: Mask, value: pa.Scalar[Any]) -> pa.Table:
    """Return the rows with a value in a column where the mask is true.

    Args:
        rows: With that column already.
        name: Of the column that gets the value.
        mask: One boolean a row; null puts null.
        value: Of the type of the column; may be null.
    """
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(name), pc.if_else(mask, value, rows.column(name)))


def with_columns(rows: pa.Table, changes: dict[str, list[Any]]) -> pa.Table:
    """Return rows with other values in some columns."""
    for name, values in changes.items():
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.array(values, rows.schema.field(place).type))
    return rows


def _parents(lists: Column, condition: Any) -> Mask:
    """Say which lists have an element for which the condition is true."""
    whole: Column = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    parents: Column = pc.list_parent_indices(whole)
    found = parents.filter(condition(whole.flatten()))
    return pc.is_in(pa.array(range(len(whole)), found.type), value_set=pc.unique(found))
