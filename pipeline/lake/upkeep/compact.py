"""Compaction: the small files that batches leave become few, sorted by what questions filter by. Rows never change, readers never notice.

Files that were replaced stay on disk until no reader can have them open (`delta.deletedFileRetentionDuration`, a day).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from deltalake import BloomFilterProperties, ColumnProperties, WriterProperties

from pipeline.failpoint import reach
from pipeline.lake.delta.data_file_list import Present, present
from pipeline.lake.delta.data_files import BLOOM, COMPRESSION_LEVEL, ORDER, ROW_GROUP_ROWS
from pipeline.lake.delta.delta_tables import QUIET, commit_parts, commit_properties, sync_logs
from pipeline.lake.delta.rewrite import put_part
from pipeline.lake.delta.scan import read
from pipeline.lake.upkeep.vacuum import vacuum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.lake.open_lake import OpenLake

SMALL_BYTES = 32 * 1024 * 1024
"""A file below this is merged with others of its month."""
MERGED_BYTES = 96 * 1024 * 1024
MERGED_ROWS = 500_000
"""No merged file is made larger than this: it is held in memory while it is written."""
MANY_FILES = 64
"""Small files in a month from which `ingest` merges by itself: some hours of five-minute runs."""
_RESORT_SHARE = 0.05
"""Share of a closed month's bytes that may lie outside its sort order before it is sorted anew."""
_SORTED_BY_ENGINE = "part-"


class Merge(NamedTuple):
    """Files of one month that become one."""

    table: str
    month: str
    files: tuple[Present, ...]


def merges(lake: OpenLake, name: str, *, at_least: int = 2) -> Iterator[Merge]:
    """Yield what can be merged in a table: months with `at_least` small files, cut so that each result has a bounded size.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        name: Of the table, as in `schema.TABLES`.
        at_least: Small files that a month must have.
    """
    by_month: dict[str, list[Present]] = defaultdict(list)
    for file in lake.present(name):
        if file.size_bytes < SMALL_BYTES:
            by_month[file.month].append(file)
    for month, files in sorted(by_month.items()):
        if len(files) >= at_least:
            yield from (Merge(name, month, some) for some in _cut(files) if len(some) > 1)


def _cut(files: Iterable[Present]) -> Iterator[tuple[Present, ...]]:
    some: list[Present] = []
    for file in sorted(files, key=lambda file: (file.first_batch or 0, file.path)):
        size, rows = sum(each.size_bytes for each in some), sum(each.rows for each in some)
        if some and (size + file.size_bytes > MERGED_BYTES or rows + file.rows > MERGED_ROWS):
            yield tuple(some)
            some = []
        some.append(file)
    yield tuple(some)


def merge(lake: OpenLake, work: Merge) -> None:
    """Write the rows of some files into one, and let it take their place."""
    rows = read(lake.location, work.table, [file.path for file in work.files])
    if work.table in ORDER:
        rows = rows.sort_by([(column, "ascending") for column in ORDER[work.table]])
    part = put_part(lake.location, work.table, rows, work.month, prefix="c")
    reach("compact-written")
    removes = [file.gone for file in work.files]
    commit_parts(lake.location, work.table, lake.tables[work.table], adds=[part], removes=removes, rows_change=False)
    reach("compacted")


def compact_small_files(lake: OpenLake) -> int:
    """Merge where a month has gathered many small files, and vacuum what earlier merges left; return the number of files merged."""
    merged = 0
    for name in lake.tables:
        for work in list(merges(lake, name, at_least=MANY_FILES)):
            merge(lake, work)
            merged += len(work.files)
    if merged:
        vacuum(lake)
    return merged


def unsorted_months(lake: OpenLake, name: str, before: str) -> list[str]:
    """Return the closed months of a table that are too large for one merge and whose rows are not in one order.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        name: Of the table, as in `schema.TABLES`.
        before: The first month that is not closed.
    """
    if name not in ORDER:
        return []
    size: dict[str, int] = defaultdict(int)
    unsorted: dict[str, int] = defaultdict(int)
    rows: dict[str, int] = defaultdict(int)
    for file in lake.present(name):
        size[file.month] += file.size_bytes
        rows[file.month] += file.rows
        if not file.path.rpartition("/")[2].startswith(_SORTED_BY_ENGINE):
            unsorted[file.month] += file.size_bytes
    large = (month for month in size if month < before and (size[month] > MERGED_BYTES or rows[month] > MERGED_ROWS))
    return sorted(month for month in large if unsorted[month] > _RESORT_SHARE * size[month])


def sort_month(lake: OpenLake, name: str, month: str) -> None:
    """Sort a whole month of a table along a Z-order curve; for months larger than memory, so `deltalake` does it.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        name: The table, one of `ORDER`.
        month: The month of report, like 2026-05.

    Raises:
        TryAgainError: Another writer has taken the lake over since the table came to its version.
    """
    table = lake.tables[name]
    before = table.version()
    blooms = {column: ColumnProperties(bloom_filter_properties=BloomFilterProperties(True, 0.01)) for column in BLOOM.get(name, ())}
    table.delta.optimize.z_order(
        ORDER[name][:1],
        partition_filters=[("report_month", "=", month)],
        target_size=MERGED_BYTES,
        writer_properties=WriterProperties(
            compression="ZSTD", compression_level=COMPRESSION_LEVEL, max_row_group_size=ROW_GROUP_ROWS, column_properties=blooms
        ),
        commit_properties=commit_properties(table, {}),
        post_commithook_properties=QUIET,
    )
    table.refresh()
    lake.location.store.sync(f"{name}/{file.path}" for file in present(table, name) if file.month == month)
    sync_logs(lake.location, {name: table}, {name: before})
