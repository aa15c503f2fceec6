"""Removal of files that no snapshot names any more, and of what interrupted writes left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.lake.dedup.hash_files import remove_orphans
from pipeline.lake.delta.delta_tables import QUIET, check_fence, checkpoint, commit_parts

if TYPE_CHECKING:
    from pipeline.lake.open_lake import OpenLake

_DAY = 24 * 3600
_LEFT_OVER = (".part", "#")
"""Marks of half-written files: ours, and those of `deltalake` (`x.parquet#1`), which its own vacuum does not see."""


class Removed(NamedTuple):
    """Files that went, or would go."""

    table: str
    files: int
    size_bytes: int


def vacuum(lake: OpenLake, *, retention_hours: int | None = None, dry_run: bool = False) -> list[Removed]:
    """Remove the files that were replaced, or never named, longer ago than a reader may have them open.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        retention_hours: None for the setting of the tables (a day); 0 also for what readers may have open now.
        dry_run: Whether to tell only.
    """
    removed: list[Removed] = []
    there: set[str] = set()
    for name, table in lake.tables.items():
        on_disk = lake.location.store.walk(name)
        left = [file for file in on_disk if _is_left_over(file.path, file.modified_at, retention_hours)]
        gone = table.delta.vacuum(
            retention_hours, dry_run=True, enforce_retention_duration=retention_hours is None, full=True, post_commithook_properties=QUIET
        )
        paths = {f"{name}/{path}" for path in gone} | {file.path for file in left}
        there.update(file.path.rpartition("/")[2] for file in on_disk if file.path not in paths)
        removed.append(Removed(name, len(paths), sum(lake.location.store.size(path) or 0 for path in paths)))
        if dry_run or not paths:
            continue
        # In a bucket somebody may have taken over since: what he writes is younger than this list, and its files are not on it.
        table.refresh()
        check_fence(table)
        lake.location.store.remove_all(paths)
    hashes = remove_orphans(lake.location, there, dry_run=dry_run)
    return [*removed, Removed("hash files", len(hashes), sum(size for _, size in hashes))] if hashes else removed


def _is_left_over(path: str, modified_at: float, retention_hours: int | None) -> bool:
    name = path.rpartition("/")[2]
    old = _DAY if retention_hours is None else retention_hours * 3600
    return (name.endswith(_LEFT_OVER[0]) or _LEFT_OVER[1] in name) and modified_at <= time.time() - old


def clean_log(lake: OpenLake, *, everything: bool = False) -> None:
    """Write a checkpoint of each table and remove log entries older than it.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        everything: Whether to keep none, however young: the statistics in them name domains.
    """
    for name, table in lake.tables.items():
        if everything:
            # The present statistics move into a checkpoint; then no entry before it is needed.
            commit_parts(lake.location, name, table)
        checkpoint(lake.location, name, table)
        if everything:
            _drop_log_before(lake, name, table.version())
        else:
            table.delta.cleanup_metadata()
        # An open table may not have read yet what has gone now.
        table.refresh()


def _drop_log_before(lake: OpenLake, name: str, version: int) -> None:
    folder = f"{name}/_delta_log"
    for file in lake.location.store.names(folder):
        number = file.split(".")[0]
        if number.isdigit() and int(number) < version:
            lake.location.store.remove(f"{folder}/{file}")
