"""Which data files of a snapshot a question reads: those of its months, apart where something in a month is superseded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.query.engine import CONTESTED
from pipeline.query.month_sums import MADE_OF
from pipeline.query.scope import Scope
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from pipeline.lake.delta.snapshot import Snapshot

EVERY_MONTH = ("0000-00", "9999-99")
_ENOUGH_ROWS = 1_000_000
"""So many policies are read to learn how submitters report."""


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
