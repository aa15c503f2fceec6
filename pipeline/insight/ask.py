"""The one way insight gets at numbers: a callable that answers a named question with an Arrow table.

`pipeline.query.Lake.ask` is one; tests pass others. Nothing here opens a file, reads a clock or the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    import pyarrow as pa

_Row = TypeVar("_Row", bound=NamedTuple)


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
    columns = [table.column(name).to_pylist() for name in kind._fields]
    return map(kind._make, zip(*columns, strict=True))
