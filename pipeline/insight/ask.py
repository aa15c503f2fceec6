"""The one way insight gets at numbers: a callable that answers a named question with an Arrow table.

`pipeline.query.Lake.ask` is one; tests pass others. Nothing here opens a file, reads a clock or the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_Row = TypeVar("_Row", bound=NamedTuple)


class Ask(Protocol):
    """Answers a question of `pipeline/query/sql` with its parameters bound."""

    def __call__(self, name: str, /, **params: Any) -> pa.Table:
        """Return the answer of the question."""


def rows_of(table: pa.Table, kind: type[_Row]) -> Iterator[_Row]:
    """Yield the rows of an answer as named tuples; the fields are looked up by name, so that a question may answer more."""
    columns = [table.column(name).to_pylist() for name in kind._fields]
    return map(kind._make, zip(*columns, strict=True))
