"""`tlsrpt maintain` on a copy of a large lake, whose rows lie as a daily ingest leaves them: a file a day and table.

First a dry run, then the whole of it (merging, vacuum, checkpoint, log), then once more with nothing to do, then the erasure of one
domain. It holds one merged file in memory at a time, so its peak should not grow with the lake. The copy lies beside the lakes of the
other benchmarks and goes afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.lake.delta.data_files import describe, encode
from pipeline.lake.delta.delta_tables import BATCH, add_version, create_tables
from pipeline.lake.delta.scan import read
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.storage.locate import locate
from pipeline.tables.schema import APPEND_ORDER
from tests.bench.figures import Figure
from tests.bench.make_lake import cached
from tests.bench.process import tlsrpt

if TYPE_CHECKING:
    import pyarrow as pa

DAY_OF = {"messages": "received_at"}
STEPS = {
    "dry run": ("maintain", "--dry-run"),
    "maintain": ("maintain",),
    "maintain again, nothing to do": ("maintain",),
    "erase one domain": ("maintain", "--erase", "domain00012.example"),
}


def main(*, full: bool) -> list[dict]:
    """Maintain a lake of a million policy rows, or of ten million."""
    source = cached(policies=10_000_000 if full else 1_000_000)
    with tempfile.TemporaryDirectory(prefix="maintenance-", dir=source.parent) as folder:
        lake = Path(folder, "lake")
        by_day(source, lake)
        rows = [line("as ingest leaves it", lake)]
        for step, arguments in STEPS.items():
            done = tlsrpt(lake, *arguments)
            rows.append(line(step, lake) | {"seconds": done.wall_seconds, "cpu_seconds": done.cpu_seconds, "peak_mib": done.peak_mib})
        shutil.rmtree(lake)
    return rows


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    at = {row["step"]: row for row in rows}
    size = f"{at['maintain']['rows'] / 1e6:,.0f} million rows in {at['as ingest leaves it']['files']:,} files"
    return [
        Figure(f"`tlsrpt maintain`, {size}", "CPU s", at["maintain"]["cpu_seconds"], mib=at["maintain"]["peak_mib"]),
        Figure(
            "erasure of one domain, the same lake",
            "CPU s",
            at["erase one domain"]["cpu_seconds"],
            mib=at["erase one domain"]["peak_mib"],
        ),
    ]


def line(step: str, lake: Path) -> dict:
    """What the lake looks like after a step: files that the tables name, and files on disk."""
    files = [entry for entries in open_snapshot(lake).files.values() for entry in entries]
    on_disk = [path.stat().st_size for path in lake.rglob("*.parquet") if "_delta_log" not in path.parts]
    return {"step": step, "files": len(files), "rows": sum(each.rows for each in files), "mib_on_disk": sum(on_disk) / 2**20}


def by_day(source: Path, lake: Path) -> None:
    """Copy a lake, with a file for every day."""
    location = locate(lake)
    location.create()
    tables = create_tables(location)
    snapshot = open_snapshot(source)
    for name in APPEND_ORDER:
        for entry in snapshot.files[name]:
            rows = read(locate(source), name, [str(Path(entry.path).relative_to(source.resolve() / name))])
            parts = []
            for number, some in enumerate(_days(name, rows)):
                content = encode(name, some)
                part = describe(name, some, month=entry.month, size_bytes=content.size, prefix=f"b{number}")
                (lake / name / part.path).parent.mkdir(parents=True, exist_ok=True)
                (lake / name / part.path).write_bytes(content)
                parts.append(part)
            add_version(name, tables[name], adds=parts)
        add_version(name, tables[name], transactions={BATCH: snapshot.batch})


def _days(name: str, rows: pa.Table) -> list[pa.Table]:
    column = DAY_OF.get(name, "report_day")
    if column not in rows.column_names:
        return [rows]
    days = pc.day(rows.column(column))
    return [rows.filter(pc.equal(days, day)) for day in pc.unique(days).sort()]
