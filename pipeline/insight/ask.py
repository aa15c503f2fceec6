"""The one way insight gets at numbers: a callable that answers a named question with an Arrow table.

`pipeline.query.Lake.ask` is one; tests pass others. Nothing here opens a file, reads a clock or the environment.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

_Row = TypeVar("_Row", bound=NamedTuple)


_EPOCH = date(1970, 1, 1).toordinal()
Ask: TypeAlias = "Callable[..., pa.Table]"
"""Answers a question of `pipeline/query/sql` by name, with its parameters by keyword."""


def between(ask: Ask, name: str, *, since: date, until: date, **parameters: Any) -> pa.Table:
    """Ask about some days, both ends inclusive, whatever day it is today.

    Args:
        ask: Answers the named questions; what it raises is passed on.
        name: The question, a name in `pipeline/query/sql`.
        since: First day, UTC.
        until: Last day, UTC; the question is asked as of this day.
        parameters: What else the question takes.
    """
    return ask(name, since=since, until=until, as_of=until, **parameters)


def rows_of(table: pa.Table, kind: type[_Row]) -> Iterator[_Row]:
    """Yield the rows of an answer as named tuples; the fields are looked up by name, so that a question may answer more."""
    columns = [_values_of(table.column(name)) for name in kind._fields]
    return map(kind._make, zip(*columns, strict=True))


def _values_of(column: pa.ChunkedArray[Any]) -> list[Any]:
    import pyarrow as pa

    if str(column.type) != "date32[day]":
        return column.to_pylist()
    # Python takes longer to make a date than to look one up, and few are different.
    known = {day.toordinal() - _EPOCH: day for day in column.unique().to_pylist() if day is not None}
    return [known.get(number) for number in column.cast(pa.int32()).to_pylist()]
