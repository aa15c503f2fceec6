"""What one statement may see of a lake: the files, and what was learned of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pipeline.query.submitter_habits import Habits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Marks(NamedTuple):
    """Marked rows as a Parquet file."""

    name: str
    """A digest of the content."""
    content: bytes


class Scope(NamedTuple):
    """What one cursor may see."""

    files: Mapping[str, Sequence[str]]
    """The Parquet files of each table."""
    floor: int
    batch: int
    contested: Mapping[str, Sequence[str]] = MappingProxyType({})
    """Those of `reports`, `policies` and `failures` in whose month something was superseded; they are not among `files`."""
    habits: Habits = Habits()
    runs: str = "[]"
    """The looks into mailboxes, as JSON."""
    marks: Sequence[Marks] = ()
    """The rows of contested files that are not simply counted (see `marked_rows`)."""
    marked: Sequence[str] = ()
    """The files of one table of which these are learned."""
    policies: int = 0
    """How many rows the files of policies have."""
    once_bounded: bool = False
    """Whether all of them are known to be within the bounds in the columns that may be null."""
    sums_whole: Sequence[str] = ()
    """Sums of months that the period covers, instead of their files (see `month_sums`)."""
    sums_part: Sequence[str] = ()
