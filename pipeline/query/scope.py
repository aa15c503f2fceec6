"""What one statement may see of a lake: the files of its months, and what was learned of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pipeline.query.month_sums import MADE_OF
from pipeline.query.submitter_habits import Habits
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from pipeline.lake.delta.snapshot import Snapshot

CONTESTED = ("reports", "policies", "failures")
"""The tables whose rows a better report can supersede."""
EVERY_MONTH = ("0000-00", "9999-99")
_ENOUGH_ROWS = 1_000_000
"""So many policies are read to learn how submitters report."""


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


def files_of(snapshot: Snapshot, months: tuple[str, str], *, without: Collection[str] = ()) -> Scope:
    """Return the files of some months.

    Args:
        snapshot: Says which data files the lake consists of.
        months: The first and the last month, like 2026-05, both inclusive.
        without: Months whose files of the tables in `MADE_OF` are left out, because sums stand for them.
    """
    chosen = {table: [entry for entry in snapshot.files.get(table, ()) if months[0] <= entry.month <= months[1]] for table in TABLES}
    chosen |= {table: [entry for entry in chosen[table] if entry.month not in without] for table in MADE_OF}
    superseded = {entry.month for entry in chosen["superseded"] if entry.rows}
    files = {
        table: [entry.path for entry in entries if table not in CONTESTED or entry.month not in superseded]
        for table, entries in chosen.items()
    }
    contested = {table: [entry.path for entry in chosen[table] if entry.month in superseded] for table in CONTESTED}
    rows = sum(entry.rows for entry in chosen["policies"])
    return Scope(files, snapshot.floor, snapshot.batch, contested, policies=rows)


def months_of(since: date | None, until: date | None) -> tuple[str, str]:
    """Return the first and the last month whose files may hold an answer; the catalogue opens no others."""
    return since.isoformat()[:7] if since else EVERY_MONTH[0], until.isoformat()[:7] if until else EVERY_MONTH[1]


def newest_months(snapshot: Snapshot) -> tuple[str, str]:
    """Return the newest months that have enough policies to learn from; all of most lakes."""
    first, rows = EVERY_MONTH[1], 0
    for entry in sorted(snapshot.files.get("policies", ()), key=lambda entry: entry.month, reverse=True):
        if rows >= _ENOUGH_ROWS and entry.month != first:
            return first, EVERY_MONTH[1]
        first, rows = entry.month, rows + entry.rows
    return EVERY_MONTH
