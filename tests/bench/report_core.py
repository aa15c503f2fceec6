"""The cost of the report core: microseconds per report, each stage beside the floor that no program can go below, in one run.

* gz → columns (a chunk of files to the Arrow tables that are committed) and gz → rows (what ingestion settles), against gunzip +
  orjson.loads alone: what any reader of gzipped JSON has to pay.
* .eml → rows against the standard library's MIME parser alone (policy compat32), which reads no report.
* The Arrow tables against making them of columns that are ready as Python lists.
* Parquet as the lake writes it (zstd, Bloom filters) against `pyarrow.parquet.write_table` as it comes.

What is compared takes turns, round by round, and the best round of each counts: on a shared machine only the ratios mean something.
"""

from __future__ import annotations

import base64
import email
import gzip
import random
import time
import zlib
from datetime import UTC, date, datetime
from email.policy import compat32
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.lake.delta.data_files import encode
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import VOUCHED
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.read import read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.chunk_columns import chunk_columns, column_schema, with_batch
from pipeline.workers.reading_task import Job, read_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.tables.chunk_columns import ChunkColumns
from tests.bench.figures import Figure, Pair
from tests.bench.memory import with_peak

RECEIVED = datetime(2026, 5, 12, 16, tzinfo=UTC)
DAY = date(2026, 5, 11)
RUN = RunStamp("bench", RECEIVED, "bench")
JOB = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(dkim="off"), RUN)
ROUNDS = 9
DOMAINS = 500
"""Recipient domains, each with a policy of its own."""
POLICY = ["version: STSv1", "mode: enforce", "mx: mx1.example.com", "mx: mx2.example.com", "max_age: 604800"]
TYPES = ("certificate-expired", "starttls-not-supported", "validation-failure", "certificate-host-mismatch")


def report(policies: int, details: int, rng: random.Random, day: date = DAY) -> bytes:
    """Return a report document on a day in the form Google sends, with this many policies and details per policy."""
    entries = []
    for n in range(policies):
        domain = f"d{rng.randrange(DOMAINS)}-{n}.example.com"
        lines = [line.replace("example.com", domain) for line in POLICY]
        entry: dict[str, object] = {
            "policy": {"policy-type": "sts", "policy-string": lines, "policy-domain": domain, "mx-host": [lines[2][4:]]},
            "summary": {"total-successful-session-count": rng.randrange(10_000), "total-failure-session-count": details},
        }
        if details:
            entry["failure-details"] = [detail(rng) for _ in range(details)]
        entries.append(entry)
    whole = {
        "organization-name": "Example Inc.",
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "tls-reports@example.net",
        "report-id": f"{day}T00:00:00Z_{rng.randrange(10**9)}",
        "policies": entries,
    }
    return orjson.dumps(whole)


def detail(rng: random.Random) -> dict[str, object]:
    """Return one failure detail, with one of a few thousand sending addresses."""
    return {
        "result-type": rng.choice(TYPES),
        "sending-mta-ip": f"192.0.2.{rng.randrange(256)}" if rng.random() < 0.5 else f"2001:db8::{rng.randrange(4096):x}",
        "receiving-mx-hostname": f"mx{rng.randrange(4)}.example.com",
        "receiving-ip": f"198.51.100.{rng.randrange(256)}",
        "failed-session-count": rng.randrange(1, 50),
    }


def mail(packed: bytes) -> bytes:
    """Return a report mail with the header fields that travel with one, about six kilobytes of them."""
    received = "".join(
        f"Received: from mx{n}.example.net (mx{n}.example.net [192.0.2.{n}])\r\n\tby mx.example.com with ESMTPS id {n:032x};\r\n"
        "\tTue, 12 May 2026 08:44:48 -0700 (PDT)\r\n"
        for n in range(12)
    )
    signature = (
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1;\r\n\tb=" + "\r\n\t ".join(["A" * 68] * 5) + "\r\n"
    )
    arc = "".join(f"X-Gateway-{n}: " + "x" * 200 + "\r\n" for n in range(12))
    text = (
        received + signature + arc + "From: tls-reports@example.net\r\nTo: rua@example.com\r\nDate: Tue, 12 May 2026 08:44:48 -0700\r\n"
        "Subject: Report Domain: example.com Submitter: example.net Report-ID: <2026.05.11@example.net>\r\n"
        "Message-ID: <a@example.net>\r\nTLS-Report-Domain: example.com\r\nTLS-Report-Submitter: example.net\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; boundary="b1"; report-type=tlsrpt\r\n\r\n--b1\r\nContent-Type: text/plain; charset="UTF-8"\r\n\r\n'
        'This is an aggregate TLS report.\r\n--b1\r\nContent-Type: application/tlsrpt+gzip; name="r.json.gz"\r\n'
        'Content-Disposition: attachment; filename="example.net!example.com!1!2!001.json.gz"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return text.encode() + base64.encodebytes(packed).replace(b"\n", b"\r\n") + b"--b1--\r\n"


def file(content: bytes, n: int) -> Fetched:
    """Return a report file as an import hands it over."""
    return Fetched(MessageRef("file", "archive.tar", item=f"{n}.json.gz"), content, RECEIVED, len(content), bare=True)


def rows_of_mail(content: bytes) -> object:
    """Read one report mail into rows; its signatures are somebody else's benchmark."""
    reading = read_mail(content, received_at=RECEIVED)
    fetched = Fetched(MessageRef("rua", "INBOX", 1, 1), content, RECEIVED, len(content))
    return build_rows(fetched=fetched, reading=reading, verdicts=(VOUCHED,), own=Ownership(), run=RUN)


def microseconds(works: dict[str, Callable[[], object]], count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the best time of each work in µs of processor, divided by `count`, and the most MiB of each; they take turns."""
    best, peaks = dict.fromkeys(works, float("inf")), dict.fromkeys(works, 0.0)
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            peaks[name] = max(peaks[name], with_peak(work)[1])
            best[name] = min(best[name], time.process_time() - began)
    return {name: seconds / count * 1e6 for name, seconds in best.items()}, peaks


def arrow_floor(tables: dict[str, pa.Table]) -> Callable[[], object]:
    """Return the making of these tables from lists of values."""
    ready = [(table.schema, [column.to_pylist() for column in table.columns]) for table in tables.values()]
    return lambda: [
        pa.Table.from_arrays([pa.array(values, field.type) for field, values in zip(schema, columns, strict=True)], schema=schema)
        for schema, columns in ready
    ]


def bare_parquet(tables: dict[str, pa.Table]) -> None:
    """Write tables as pyarrow does when it is told nothing."""
    for table in tables.values():
        pq.write_table(table, pa.BufferOutputStream())


def stored_tables(columns: ChunkColumns) -> dict[str, pa.Table]:
    """Return the tables of a batch as they are written, with the bytes as received."""
    raw = [columns.messages.column(name) for name in ("received_month", "message_sha256", "size_bytes")]
    kept = pa.Table.from_arrays([*raw, pa.array(columns.contents, pa.binary())], schema=column_schema("raw"))
    tables = {"raw": kept, **{name: getattr(columns, name) for name in ("failures", "policies", "reports", "messages")}}
    return {name: with_batch(name, table, 1) for name, table in tables.items()}


def main(*, full: bool) -> list[dict]:
    """Measure each kind of report."""
    rng = random.Random(8460)
    rows = []
    for title, policies, details, copies in (
        ("1 policy, no failure", 1, 0, 2_000),
        ("1 policy, 3 failure details", 1, 3, 2_000),
        ("10 policies, 5 details each", 10, 5, 200),
        ("1 policy, 2,000 details", 1, 2_000, 8),
        ("20 policies, 2,500 details each", 20, 2_500, 1),
    ):
        packed = [gzip.compress(report(policies, details, rng)) for _ in range(copies * (4 if full else 1))]
        rows.append({"report": title, **measured(packed)})
    return rows


def measured(packed: list[bytes]) -> dict[str, float]:
    """Measure every stage on these reports."""
    chunk = [file(content, n) for n, content in enumerate(packed)]
    mails = [mail(content) for content in packed]
    columns = chunk_columns(read_chunk(chunk, JOB))
    assert columns.reports.num_rows == len(packed)
    tables = stored_tables(columns)
    best, peaks = microseconds(
        {
            "floor_us": lambda: [orjson.loads(zlib.decompress(content, 31)) for content in packed],
            "columns_us": lambda: chunk_columns(read_chunk(chunk, JOB)),
            "rows_us": lambda: read_chunk(chunk, JOB),
            "stdlib_us": lambda: [email.message_from_bytes(content, policy=compat32) for content in mails],
            "eml_us": lambda: [rows_of_mail(content) for content in mails],
            "arrow_floor_us": arrow_floor({name: table for name, table in columns._asdict().items() if name != "contents"}),
            "parquet_floor_us": lambda: bare_parquet(tables),
            "parquet_us": lambda: [encode(name, table) for name, table in tables.items()],
        },
        len(packed),
    )
    return {
        "floor_us": best["floor_us"],
        "gz_to_columns_us": best["columns_us"],
        "of_floor": best["floor_us"] / best["columns_us"],
        "gz_to_rows_us": best["rows_us"],
        "rows_of_floor": best["floor_us"] / best["rows_us"],
        "stdlib_us": best["stdlib_us"],
        "eml_to_rows_us": best["eml_us"],
        "times_stdlib": best["stdlib_us"] / best["eml_us"],
        "arrow_floor_us": best["arrow_floor_us"],
        "parquet_us": best["parquet_us"],
        "bare_parquet_us": best["parquet_floor_us"],
        **{f"{stage}_mib": peaks[f"{stage}_us"] for stage in ("floor", "columns", "stdlib", "eml")},
    }


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this: the report that most mails carry, and one with thousands of failures."""
    found = []
    for title in ("1 policy, no failure", "1 policy, 2,000 details"):
        row = next(each for each in rows if each["report"] == title)
        ours, floor = _stage(row, "gz_to_columns_us", "columns_mib"), _stage(row, "floor_us", "floor_mib")
        pair = Pair(ours, floor, "us", "CPU µs/report")
        found.append(pair.figure(f"gzipped JSON → Arrow columns, {title}", "gunzip and `orjson.loads` alone", aim="0.5 ×"))
    row = rows[0]
    ours, floor = _stage(row, "eml_to_rows_us", "eml_mib"), _stage(row, "stdlib_us", "stdlib_mib")
    mails = Pair(ours, floor, "us", "CPU µs/mail")
    found.append(mails.figure("`.eml` → rows, DKIM not checked, 1 policy", "the standard library's MIME parser alone"))
    return found


def _stage(row: dict, us: str, mib: str) -> dict:
    return {"us": row[us], "peak_mib": row[mib]}
