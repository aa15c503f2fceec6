"""A lake whose rows have every column at and beyond every bound: what one stored is there, whatever the program would refuse today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.lake.delta.data_files import to_arrow
from pipeline.lake.writer import LakeWriter
from pipeline.tables.row_types import CheckRow, RawRow, SupersededRow
from pipeline.tables.schema import TABLES
from tests.lake import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.tables.row_types import MessageRows

DAY = date(2026, 3, 30)
DAYS = 40
DOMAIN = "example.org"
INTEGERS = (-(2**63), -(2**31), -1, 0, 1, 10**9, 10**9 + 1, 10**10, 10**10 + 1, 2**53 - 1, 2**62, 2**63 - 1)
SMALL = {"int16": (-(2**15), -1, 0, 2**15 - 1), "int32": (-(2**31), -1, 0, 2**31 - 1)}
TEXTS = (
    "",
    " ",
    "\0",
    "\x1b[31m",
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "x" * 70_000,
    "\u202etxt",
    "😀",
    "null",
    "-1",
    "a,b;c\n\"d'",
)
MOMENTS = (datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
LISTS = ((), ("",), ("x" * 70_000,), ("a",) * 1_000, ("\0", "'"))
BYTES = (b"", b"\0", b"\x1f\x8b\x08", b"From: a\r\n\r\n", b"\xff" * 70_000)
FIXED = {
    "report_month",
    "report_key",
    "report_day",
    "trust_tier",
    "policy_ix",
    "failure_ix",
    "identity",
    "content_sha256",
    "message_sha256",
    "batch",
    "policy_count",
    "failure_detail_count",
}
"""What holds rows together, and the partition: a row with another one is another row, or in no file that is read."""
COUNTS = ("success_count", "failure_count", "failure_detail_sum", "failed_session_count")


def extremes(kind: str, *, nullable: bool) -> tuple[Any, ...]:
    """The values of a type of column that are at its ends."""
    values: tuple[Any, ...] = {
        "int64": INTEGERS, "string": TEXTS, "timestamp": MOMENTS, "bool": (False, True), "strings": LISTS, "date": (date.min, date.max),
        "binary": BYTES, **SMALL,
    }[kind]  # fmt: skip
    return (*values, None) if nullable else values


def build_lake(where: Path) -> int:
    """Make it, and return how many rows are at an end."""
    with LakeWriter(where, run_id="bounds") as writer:
        writer.commit(list(_plain()))
        odd = list(_odd())
        writer.commit(odd)
        writer.commit(list(_many()))
        others = list(_others())
        writer.store_checks([row for row in others if isinstance(row, CheckRow)])
        stage = writer._lake.stage()
        for table, kind in (("raw", RawRow), ("superseded", SupersededRow)):
            stage.add(table, to_arrow(table, [row for row in others if isinstance(row, kind)], stage.batch))
        writer._lake.commit(stage)
    return len(odd) + len(others)


def _plain() -> Iterator[MessageRows]:
    """A quiet month of two reporters, with failures on its last days."""
    for number in range(DAYS):
        for who in ("google.com", "microsoft.com"):
            bad = 60 if number < 5 else 0
            day = DAY - timedelta(days=number)
            yield build.message(
                f"p{number}{who}", build.report(f"p{number}", day=day, good=400, bad=bad, submitter=who), uid=len(who) * 1000 + number
            )


def _odd() -> Iterator[MessageRows]:
    """For each column of each table and each end of its type one report that has it."""
    number = 0
    for table in ("reports", "policies", "failures", "messages"):
        for column in TABLES[table].columns:
            if column.name in FIXED or column.name == TABLES[table].partition:
                continue
            for value in extremes(column.type, nullable=column.nullable):
                number += 1
                rows = build.report(f"odd{number}", submitter="odd.example", day=DAY - timedelta(days=number % 3))
                report, policy, failure = rows.report, rows.policies[0], rows.failures[0]
                if table == "reports":
                    report = report._replace(**{column.name: value})
                elif table == "policies":
                    policy = policy._replace(**{column.name: value})
                elif table == "failures":
                    failure = failure._replace(**{column.name: value})
                mail = build.message(
                    f"odd{number}", rows._replace(report=report, policies=(policy,), failures=(failure,)), uid=10_000 + number
                )
                if table == "messages" and column.name not in ("account", "folder", "uid", "uidvalidity", "outcome", "report_keys"):
                    mail = mail._replace(message=mail.message._replace(**{column.name: value}))
                yield mail


def _others() -> Iterator[RawRow | SupersededRow | CheckRow]:
    """The same of the tables that no report writes by itself: one row for each column and end of its type."""
    moment = datetime(2026, 3, 29, 12, tzinfo=UTC)
    texts = ("tlsrpt-record", "no-record", "bad", "_smtp._tls.example.org", "what", "why", "fix", "publish")
    plain = {
        "raw": RawRow("2026-03", "0" * 64, 1, b"x"),
        "superseded": SupersededRow("2026-03", "0" * 64, "identity", "1" * 64, "better_tier"),
        "checks": CheckRow(
            "2026-03", moment, DOMAIN, 0, *texts, "v=TLSRPTv1", "1", ("version: STSv1",), ("mx.example.org",), (), moment, "ab"
        ),
    }
    number = 0
    for table, row in plain.items():
        for column in TABLES[table].columns:
            if column.name in FIXED or column.name == TABLES[table].partition:
                continue
            for value in extremes(column.type, nullable=column.nullable):
                number += 1
                own = {"raw": "message_sha256", "superseded": "report_key"}.get(table)
                at = {own: f"{number:064x}"} if own else {"checked_at": moment + timedelta(seconds=number)}
                yield row._replace(**{**at, column.name: value})


def _many() -> Iterator[MessageRows]:
    """Reports of a thousand policies, each with both counts at the same end: what overflows only when it is summed."""
    for number, count in enumerate((10**9, 2**53 - 1, 2**62, 2**63 - 1)):
        rows = build.report(f"many{number}", submitter="many.example", good=count, bad=count, day=DAY - timedelta(days=3))
        policies = tuple(rows.policies[0]._replace(policy_ix=place) for place in range(1000))
        yield build.message(
            f"many{number}", rows._replace(report=rows.report._replace(policy_count=1000), policies=policies), uid=20_000 + number
        )
