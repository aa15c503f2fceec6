"""What it costs to commit rows, beside a bare Parquet write of the same rows, and what they take on disk, beside the reports as they came.

The commit settles what is known and what is a duplicate, writes every table, and has all of it durable before it returns; the bare write is
one `pyarrow.parquet.write_table` a table, with the compression of the lake, of rows that are Arrow tables already. Bytes on disk are those
of the tables after `tlsrpt maintain`; the gzipped JSON is what came, at gzip's level 9, and the mails are what carried it.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pyarrow.parquet as pq

from pipeline.ingest.sink import COMMIT_MESSAGES
from pipeline.lake.delta.data_files import COMPRESSION_LEVEL, to_arrow
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.writer import LakeWriter
from pipeline.query.raw_report_text import report_texts
from pipeline.tables.row_types import RawRow
from tests.bench.figures import Figure, Pair
from tests.bench.mails import rows_of, world_mails
from tests.bench.memory import with_peak

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.tables.row_types import MessageRows

ROUNDS = 3


def main(*, full: bool) -> list[dict]:
    """Measure on the rows of 4,000 mails, or of 20,000."""
    mails, _ = world_mails(20_000 if full else 4_000)
    contents = [mail.content for mail in mails]
    rows = [rows_of(mail, uid) for uid, mail in enumerate(mails, start=1)]
    batches = [rows[start : start + COMMIT_MESSAGES] for start in range(0, len(rows), COMMIT_MESSAGES)]
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder:
        tables = [_tables(batch) for batch in batches]
        bare = least(lambda: _bare(Path(tempfile.mkdtemp(dir=folder)), tables))
        begin = least(lambda: _commit(Path(tempfile.mkdtemp(dir=folder)), []))
        whole = least(lambda: _commit(Path(folder, f"lake-{time.monotonic_ns()}"), batches))
        lake = Path(folder, "kept")
        _commit(lake, batches)
        return [
            line("Parquet alone, from Arrow", len(rows), bare),
            line("Parquet alone, from rows", len(rows), least(lambda: _bare(Path(tempfile.mkdtemp(dir=folder)), map(_tables, batches)))),
            line("committed to a new lake", len(rows), (whole[0] - begin[0], whole[1] - begin[1], whole[2])),
            *_sizes(lake, contents),
        ]


def line(what: str, reports: int, spent: tuple[float, float, float]) -> dict:
    """One line about time and memory."""
    return {
        "what": what,
        "reports": reports,
        "cpu_us_per_report": spent[0] / reports * 1e6,
        "wall_us_per_report": spent[1] / reports * 1e6,
        "peak_mib": spent[2],
    }


def least(work: Callable[[], object]) -> tuple[float, float, float]:
    """CPU seconds of this process and seconds by the clock, the best of some rounds, and the most MiB it had."""
    best, peak = (float("inf"), float("inf")), 0.0
    for _ in range(ROUNDS):
        cpu, wall = time.process_time(), time.perf_counter()
        peak = max(peak, with_peak(work)[1])
        best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
    return *best, peak


def _tables(batch: Sequence[MessageRows]) -> dict:
    raw = [RawRow(each.message.received_month, each.message.message_sha256, len(each.content), each.content) for each in batch]
    rows = {
        "raw": raw,
        "failures": [row for each in batch for report in each.reports for row in report.failures],
        "policies": [row for each in batch for report in each.reports for row in report.policies],
        "reports": [report.report for each in batch for report in each.reports],
        "messages": [each.message for each in batch],
    }
    return {name: to_arrow(name, some, 1) for name, some in rows.items()}


def _bare(folder: Path, batches) -> None:
    for number, tables in enumerate(batches):
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}-{number}.parquet", compression="zstd", compression_level=COMPRESSION_LEVEL)


def _commit(lake: Path, batches: list) -> None:
    with LakeWriter(lake, run_id="bench") as writer:
        for batch in batches:
            writer.commit(batch)


def _sizes(where: Path, contents: list[bytes]) -> list[dict]:
    with open_for_writing(where) as lake:
        maintain(lake, today=datetime.now(UTC).date())
    snapshot = open_snapshot(where)
    size = {name: sum(Path(file.path).stat().st_size for file in files) for name, files in snapshot.files.items()}
    reports = sum(file.rows for file in snapshot.files["reports"])
    texts = [orjson.dumps(orjson.loads(text)) for content in contents for text in report_texts(content)]
    zipped = sum(len(gzip.compress(text, 9, mtime=0)) for text in texts) / len(texts)
    rows = {
        "the gzipped JSON": zipped,
        "the mails": sum(map(len, contents)) / len(contents),
        "rows of reports": sum(size[name] for name in ("reports", "policies", "failures", "superseded")) / reports,
        "the ledger": size["messages"] / reports,
        "the mails, kept": size["raw"] / reports,
        "the whole lake": sum(size.values()) / reports,
    }
    return [{"what": what, "reports": reports, "bytes_per_report": value} for what, value in rows.items()]


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    at = {row["what"]: row for row in rows}
    commit = Pair(at["committed to a new lake"], at["Parquet alone, from Arrow"], "cpu_us_per_report", "CPU µs/report")
    stored = Pair(at["rows of reports"], at["the gzipped JSON"], "bytes_per_report", "bytes/report")
    return [
        commit.figure("rows → committed, durable, each once", "a bare Parquet write of the same Arrow tables", aim="0.4 ×"),
        stored.figure("bytes on disk, rows of reports", "the same reports as gzipped JSON"),
        stored._replace(ours=at["the whole lake"], theirs=at["the mails"]).figure(
            "bytes on disk, everything: rows, ledger, mails as received", "the same mails as files"
        ),
    ]
