"""What a lake says to a reader, in a form that two lakes can be compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as pads

from pipeline.lake.delta.snapshot import Snapshot, open_snapshot
from pipeline.lake.storage.locate import locate
from pipeline.tables.schema import OUTLIVE_REBUILD, TABLES, arrow_schema

if TYPE_CHECKING:
    from pathlib import Path

_OF_THE_RUN = {"batch", "changed_at"}


def rows(root: Path | str, name: str, snapshot: Snapshot | None = None) -> list[dict[str, Any]]:
    """The rows of a table that a reader sees, each as a dict."""
    seen = snapshot or open_snapshot(root)
    if not seen.files[name]:
        return []
    partition = TABLES[name].partition
    location = locate(root)
    data = pads.dataset(
        [location.path_of(file.path.removeprefix(f"{location.uri}/")) for file in seen.files[name]],
        schema=arrow_schema(name),
        format="parquet",
        filesystem=location.filesystem,
        partitioning=pads.partitioning(pa.schema([(partition, pa.string())]), flavor="hive"),
        partition_base_dir=location.path_of(name),
    ).to_table()
    floor = 0 if name in OUTLIVE_REBUILD else seen.floor
    return [row for row in data.to_pylist() if floor <= row["batch"] <= seen.batch]


def content(root: Path | str) -> dict[str, list[str]]:
    """All rows of all tables as sorted text, without what differs from run to run."""
    snapshot = open_snapshot(root)
    return {
        name: sorted(repr({k: v for k, v in row.items() if k not in _OF_THE_RUN}) for row in rows(root, name, snapshot)) for name in TABLES
    }


def counted(root: Path | str) -> set[str]:
    """The keys of the reports that count: all that are not superseded."""
    return {row["report_key"] for row in rows(root, "reports")} - {row["report_key"] for row in rows(root, "superseded")}


def sums(root: Path | str) -> tuple[int, int, int]:
    """Successful and failed sessions of all policies of counted reports, and the policies."""
    keys = counted(root)
    mine = [row for row in rows(root, "policies") if row["report_key"] in keys]
    return sum(row["success_count"] for row in mine), sum(row["failure_count"] for row in mine), len(mine)
