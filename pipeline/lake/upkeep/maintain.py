"""Maintenance of a lake, in one go: retention, merging, sorting, vacuum, clean-up of the logs. Safe under readers; writers wait.

`ingest` merges small files by itself; this does more, and is worth a nightly run once a lake has some years or some millions of reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.failpoint import reach
from pipeline.lake.upkeep.compact import merge, merges, sort_month, unsorted_months
from pipeline.lake.upkeep.retention import expire, keep_from
from pipeline.lake.upkeep.vacuum import clean_log, vacuum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.lake.open_lake import OpenLake


class Done(NamedTuple):
    """One thing that was done, or would be."""

    step: str
    """retention, erasure, repair, merge, sort, vacuum, log or sums."""
    table: str
    rows: int = 0
    """Rows that went; in `messages`, rows that keep their place and lose their content."""
    files: int = 0
    """Files replaced or removed."""
    bytes: int = 0
    """Bytes on disk set free."""


def maintain(lake: OpenLake, *, today: date, raw_days: int = 0, report_months: int = 0, dry_run: bool = False) -> list[Done]:
    """Do what there is to do.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        today: The day from which retention counts back, and whose month is not closed yet (UTC).
        raw_days: Days to keep bytes; 0 for ever.
        report_months: Months to keep rows of reports; 0 for ever.
        dry_run: Whether to tell only.
    """
    done = list(_retention(lake, today, raw_days, report_months, dry_run=dry_run))
    done += _merge(lake, dry_run=dry_run)
    done += _sort(lake, f"{today:%Y-%m}", dry_run=dry_run)
    done += [Done("vacuum", removed.table, 0, removed.files, removed.size_bytes) for removed in vacuum(lake, dry_run=dry_run)]
    if not dry_run:
        clean_log(lake)
        reach("maintained")
    return [each for each in done if each.rows or each.files]


def _retention(lake: OpenLake, today: date, raw_days: int, report_months: int, *, dry_run: bool) -> Iterator[Done]:
    if not raw_days and not report_months:
        return
    went = expire(lake, keep_from(today, raw_days=raw_days, report_months=report_months), dry_run=dry_run)
    yield from (Done("retention", name, rows) for name, rows in went.items() if rows)
    if went.total() and not dry_run:
        # Readers that cached an answer between the steps ask again.
        lake.commit(lake.stage())


def _merge(lake: OpenLake, *, dry_run: bool) -> Iterator[Done]:
    for name in lake.tables:
        works = list(merges(lake, name))
        for work in works if not dry_run else ():
            merge(lake, work)
        if works:
            yield Done("merge", name, files=sum(len(work.files) for work in works))


def _sort(lake: OpenLake, present_month: str, *, dry_run: bool) -> Iterator[Done]:
    for name in lake.tables:
        months = unsorted_months(lake, name, present_month)
        for month in months if not dry_run else ():
            sort_month(lake, name, month)
            reach("sorted")
        if months:
            yield Done("sort", name, files=len(months))
