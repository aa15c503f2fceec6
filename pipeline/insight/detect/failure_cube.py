"""Failures as a cube of columns: what failed, when, for whom, where, with the cause each row speaks of.

A year of a large provider has a million failure rows, so the cube stays in arrays until few are left: texts are numbers that stand for an
entry of a list, days are ordinals. Sessions are additive once weighed (`weights`): whatever rows belong to a run, the sum of their weights
is the number of sessions that failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.insight.ask import between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_EPOCH = date(1970, 1, 1).toordinal()


class Cell(NamedTuple):
    """Failed sessions that agree in everything that is told about them: one row of the cube, as it comes from the lake."""

    report_domain: str
    report_day: date
    submitter_domain: str
    policy_type: str
    policy_hash: str | None
    result_type: str
    """Empty: the sender counted failures and detailed none."""
    failure_reason_code: str | None
    receiving_mx_hostname: str | None
    receiving_ip: str | None
    mentions: int
    """Details may overlap, so mentions may be more than sessions (RFC 8460 §4)."""
    policy_failures: int
    """Sessions the reporter counts as failed under this policy type, for this domain and day: no cause can have more."""
    apart: int = 0
    """1 where the sender reports each session under the one policy that applied, so that sts and tlsa tell of different sessions."""


class Texts(NamedTuple):
    """A column of texts: for each row a place in the list of distinct values; -1 where there is none."""

    at: Ints
    values: list[str]

    def where(self, keep: Ints | Flags) -> Texts:
        """Return some rows."""
        return Texts(self.at[keep], self.values)

    def value(self, place: int) -> str | None:
        """Return the text at a place of the list."""
        return self.values[place] if place >= 0 else None


@dataclass(frozen=True, slots=True)
class Cube:
    """Rows of failures, column by column, all of one length."""

    domain: Texts
    day: Ints
    """Ordinals, as `date.toordinal`."""
    reporter: Texts
    policy_type: Texts
    policy_hash: Texts
    result_type: Texts
    reason: Texts
    host: Texts
    address: Texts
    mentions: Ints
    ceiling: Ints
    """Failures the reporter counts under that policy type, for that domain and day."""
    apart: Ints
    """Whether the sender reports each session under one policy type only."""

    def __len__(self) -> int:
        return len(self.day)

    def where(self, keep: Ints | Flags) -> Cube:
        """Return some rows."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in Cube.__dataclass_fields__}
        kept: dict[str, Any] = {name: each.where(keep) if isinstance(each, Texts) else each[keep] for name, each in columns.items()}
        return Cube(**kept)


def read_cube(ask: Ask, *, since: date, until: date, domain: str | None = None, domains: Sequence[str] | None = None) -> Cube:
    """Ask for what failed between two days, both inclusive.

    Args:
        ask: Answers the named questions.
        since: First day, UTC.
        until: Last day, UTC.
        domain: One domain only; None: all.
        domains: Several domains only; None: all.
    """
    given = None if domains is None else list(domains)
    return cube_of(between(ask, "insight_failures", since=since, until=until, domain=domain, domains=given))


def with_cells(cube: Cube, cells: Sequence[Cell]) -> Cube:
    """Return the rows of a cube and some more."""
    if not cells:
        return cube
    more = cube_of_cells(cells)
    columns: dict[str, Any] = {}
    for name in Cube.__dataclass_fields__:
        one, other = getattr(cube, name), getattr(more, name)
        columns[name] = _joined(one, other) if isinstance(one, Texts) else np.concatenate([one, other])
    return Cube(**columns)


def _joined(one: Texts, other: Texts) -> Texts:
    places = {value: place for place, value in enumerate(one.values)}
    moved = np.array([places.setdefault(value, len(places)) for value in other.values] + [-1], dtype=np.int64)
    return Texts(np.concatenate([one.at, moved[other.at]]), list(places))


def cube_of(table: pa.Table) -> Cube:
    """Return the answer of `insight_failures` as a cube."""
    return Cube(
        domain=texts_of(table, "report_domain"),
        day=column_of(table, "report_day") + _EPOCH,
        reporter=texts_of(table, "submitter_domain"),
        policy_type=texts_of(table, "policy_type"),
        policy_hash=texts_of(table, "policy_hash"),
        result_type=texts_of(table, "result_type"),
        reason=texts_of(table, "failure_reason_code"),
        host=texts_of(table, "receiving_mx_hostname"),
        address=texts_of(table, "receiving_ip"),
        mentions=column_of(table, "mentions"),
        ceiling=column_of(table, "policy_failures"),
        apart=column_of(table, "apart"),
    )


def cube_of_cells(cells: Iterable[Cell]) -> Cube:
    """Return rows written by hand as a cube."""
    rows = list(cells)
    kinds: dict[str, pa.DataType] = {"report_day": pa.date32(), "mentions": pa.int64(), "policy_failures": pa.int64(), "apart": pa.int32()}
    columns = {name: pa.array([getattr(row, name) for row in rows], kinds.get(name, pa.string())) for name in Cell._fields}
    return cube_of(pa.table(columns))


def texts_of(table: pa.Table, name: str) -> Texts:
    """Return a column of texts of an answer."""
    column = table.column(name).dictionary_encode().unify_dictionaries()
    chunks: list[Any] = column.chunks
    if not chunks:
        return Texts(np.zeros(0, dtype=np.int64), [])
    return Texts(np.concatenate([_numbers(chunk.indices, nothing=-1) for chunk in chunks]), chunks[0].dictionary.to_pylist())


def column_of(table: pa.Table, name: str) -> Ints:
    """Return a column of whole numbers of an answer."""
    chunks = table.column(name).chunks
    return np.concatenate([_numbers(chunk) for chunk in chunks]) if chunks else np.zeros(0, dtype=np.int64)


def _numbers(array: Any, *, nothing: int = 0) -> Ints:
    """Return whole numbers or days of an Arrow array, with a number in place of nulls.

    Arrow's own `to_numpy` imports pandas to see whether it is wanted: a quarter of a second for every command.
    """
    validity, values = array.buffers()
    kind = np.dtype(f"i{array.type.bit_width // 8}")
    numbers = np.frombuffer(values, dtype=kind, count=len(array), offset=array.offset * kind.itemsize).astype(np.int64)
    if array.null_count:
        valid = np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[array.offset : array.offset + len(array)]
        numbers[valid == 0] = nothing
    return numbers


def grouped(*keys: Ints) -> tuple[Ints, Ints]:
    """Number the groups of rows that agree in all keys, ordered by the keys, the first key first.

    Returns:
        The row at which each group is first met, and the group of each row.
    """
    number = np.zeros(len(keys[0]), dtype=np.int64)
    first = np.zeros(0, dtype=np.int64)
    for key in keys:
        low = int(key.min(initial=0))
        width = int(key.max(initial=0)) - low + 1
        # After each key the groups are numbered from 0 again, so that the product stays far below 2**63.
        _, first, number = np.unique(number * width + (key - low), return_index=True, return_inverse=True)
    return first, number


def summed(groups: Ints, values: Floats | Ints, count: int) -> Floats:
    """Add up values by group.

    Args:
        groups: The group of each row, numbered from 0.
        values: The value of each row.
        count: How many groups there are; one without rows has the sum 0.
    """
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64)


def weights(cube: Cube, cause: Ints) -> Floats:
    """Return for each row how many failed sessions it stands for, within its cause.

    Details of one cause, sender, domain, day and policy type add up to at most what the sender counts as failed there (RFC 8460 §4: they
    may overlap). Where sts and tlsa tell the same sessions, only the type with more failures weighs; those without a policy are others.
    """
    _, per_type = grouped(cube.domain.at, cause, cube.day, cube.reporter.at, cube.policy_type.at)
    said = summed(per_type, cube.mentions, len(cube))[per_type]
    # A summary of zero beside details is the sender's mistake; then the details are all there is.
    ceiling = np.where(cube.ceiling > 0, cube.ceiling, said)
    weight = cube.mentions * np.minimum(1.0, ceiling / np.maximum(said, 1))
    is_sts, is_tlsa = _of_type(cube, "sts"), _of_type(cube, "tlsa")
    _, per_day = grouped(cube.domain.at, cause, cube.day, cube.reporter.at)
    type_total = summed(per_type, weight, len(cube))[per_type]
    sts, tlsa = np.zeros(len(cube)), np.zeros(len(cube))
    np.maximum.at(sts, per_day[is_sts], type_total[is_sts])
    np.maximum.at(tlsa, per_day[is_tlsa], type_total[is_tlsa])
    # A tie counts as sts.
    lesser = (is_sts & (sts < tlsa)[per_day]) | (is_tlsa & (tlsa <= sts)[per_day])
    return np.where(lesser & (cube.apart == 0), 0.0, weight)


def _of_type(cube: Cube, name: str) -> Flags:
    place = cube.policy_type.values.index(name) if name in cube.policy_type.values else -2
    return np.asarray(cube.policy_type.at == place)
