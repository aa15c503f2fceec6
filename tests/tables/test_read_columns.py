"""Rows of a chunk as columns, and back: nothing is lost on the way through JSON."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from pipeline.lake.delta.data_files import to_arrow
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.report import content
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.chunk_columns import chunk_columns, message_rows, with_batch
from pipeline.workers.reading_task import Job, read_chunk
from tests.report.samples import mail, policy, report, text_of

RECEIVED = datetime(2026, 5, 13, 6, tzinfo=UTC)
JOB = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(dkim="off"), RunStamp("run", RECEIVED, "0"))
GOLDEN = sorted(path for path in (Path(__file__).parent.parent / "golden").iterdir() if ".expected." not in path.name)


def file_of(text: bytes, name: str = "r.json.gz", **changes) -> Fetched:
    """Return a report file as the import hands it over."""
    ref = MessageRef("file", "reports", item=name)
    return Fetched(ref, text, RECEIVED, len(text), bare=True)._replace(**changes)


def mail_of(text: bytes, uid: int = 1, **changes) -> Fetched:
    """Return a mail as a mailbox hands it over."""
    return Fetched(MessageRef("rua", "INBOX", 1, uid), text, RECEIVED, len(text))._replace(**changes)


def packed(document) -> Fetched:
    """Return a report document as a gzipped file."""
    return file_of(gzip.compress(text_of(document), mtime=0))


@contextmanager
def only_careful():
    """Take the short way away."""
    short = content.plain_report
    content.plain_report = lambda *_: None
    try:
        yield
    finally:
        content.plain_report = short


def hold_together(chunk, job=JOB) -> list:
    """Both parsers must give the same rows, and columns that are the same rows; return them."""
    with only_careful():
        rows = read_chunk(chunk, job)
    assert read_chunk(chunk, job) == rows
    columns = chunk_columns(rows)
    for table in columns[:4]:
        table.validate(full=True)
    assert message_rows(columns) == rows
    return rows


def golden_chunk() -> list[Fetched]:
    """Every golden report; as a file, and where it is a JSON text as a gzipped one, too."""
    chunk = []
    for path in GOLDEN:
        text = path.read_bytes()
        if path.suffix == ".eml":
            chunk.append(mail_of(text, len(chunk)))
        else:
            chunk += [file_of(text, path.name), file_of(gzip.compress(text, mtime=0), path.name + ".gz")]
    return chunk


def test_the_golden_reports_become_the_same_rows():
    rows = hold_together(golden_chunk())
    assert {each.message.outcome for each in rows} == {"stored", "quarantined", "not_tlsrpt"}


def test_an_empty_chunk_has_no_rows():
    columns = chunk_columns([])
    assert [table.num_rows for table in columns[:4]] == [0, 0, 0, 0]
    assert columns.contents == []


def test_the_order_is_that_of_the_chunk_whatever_stands_between_plain_files():
    plain = [packed(report(policy(n), report_id=f"r{n}")) for n in range(4)]
    moved = [each._replace(received_at=RECEIVED + timedelta(days=40 * n)) for n, each in enumerate(plain)]
    odd = [file_of(b"no report"), file_of(b"{"), packed({"policies": 1}), mail_of(mail())]
    gone = Fetched(MessageRef("file", "x", item="y"), None, RECEIVED, 10**9, bare=True)
    rows = hold_together([*chain.from_iterable(zip(moved, odd, strict=True)), gone, moved[0]])
    assert [each.message.outcome for each in rows[::2]] == ["stored"] * 4 + ["too_large"]


def test_rows_of_a_message_are_found_by_counting():
    chunk = [packed(report(policy(n), policy(n), report_id=str(n))) for n in range(3)] + [file_of(b"nothing")]
    columns = chunk_columns(read_chunk(chunk, JOB))
    assert [len(keys) for keys in columns.messages.column("report_keys").to_pylist()] == [1, 1, 1, 0]
    assert columns.reports.column("policy_count").to_pylist() == [2, 2, 2]
    assert columns.policies.column("success_count").to_pylist() == [0, 0, 1, 1, 2, 2]


def test_the_batch_in_front_makes_the_table_of_the_lake():
    rows = read_chunk(golden_chunk(), JOB)
    columns = chunk_columns(rows)
    wanted = to_arrow("reports", [each.report for message in rows for each in message.reports], 7)
    assert with_batch("reports", columns.reports, 7).equals(wanted)
    assert json.loads(json.dumps(wanted.column("batch").to_pylist())) == [7] * wanted.num_rows
