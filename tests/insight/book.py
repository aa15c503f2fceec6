"""Reports written by hand: who counted what for which domain on which day, as rows of the lake behind the real questions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pipeline.config import Settings
from pipeline.insight.thresholds import InsightSettings
from pipeline.lake.writer import LakeWriter
from pipeline.report.result_types import GROUPS
from pipeline.report.session_overlap import mark_repeats
from pipeline.report.sts_policy import parse_policy, policy_hash
from pipeline.tables.row_types import FailureRow, MessageRow, MessageRows, PolicyRow, ReportRow, ReportRows
from tests.score.world_lake import ReportLake

DAY_ONE = date(2026, 3, 2)
"""A Monday."""
DOMAIN = "example.org"
GOOGLE, MICROSOFT, MAILRU, CAMPUS = "google.com", "microsoft.com", "mail.ru", "campus.example"
KNOWN = frozenset({GOOGLE, MICROSOFT, MAILRU, CAMPUS})
SETTINGS: InsightSettings = Settings().insight
MX1, MX2, MX3 = "mx1.example.org", "mx2.example.org", "mx3.example.org"
POLICY = ("version: STSv1", "mode: testing", f"mx: {MX1}", f"mx: {MX2}", f"mx: {MX3}", "max_age: 604800")


def day(number: int) -> date:
    """The n-th day, counted from 0."""
    return DAY_ONE + timedelta(days=number)


class Fail(NamedTuple):
    """One failure detail."""

    result_type: str
    count: int
    host: str | None = MX1
    address: str | None = None
    reason: str | None = None
    sender: str | None = None


class Row(NamedTuple):
    """One element of `policies`."""

    policy_type: str
    good: int
    bad: int = 0
    fails: tuple[Fail, ...] = ()
    lines: tuple[str, ...] = POLICY
    policy_domain: str | None = None


def sts(good: int, *fails: Fail, bad: int | None = None, lines: tuple[str, ...] = POLICY) -> Row:
    """An sts row; failures add up to its details unless said otherwise."""
    return Row("sts", good, sum(fail.count for fail in fails) if bad is None else bad, fails, lines)


def tlsa(good: int, *fails: Fail, bad: int | None = None, host: str | None = MX1) -> Row:
    """A tlsa row."""
    return Row("tlsa", good, sum(fail.count for fail in fails) if bad is None else bad, fails, ("3 1 1 " + "ab" * 32,), host)


def unprotected(good: int, *fails: Fail) -> Row:
    """A no-policy-found row."""
    return Row("no-policy-found", good, sum(fail.count for fail in fails), fails, ())


class Book:
    """Collects reports."""

    def __init__(self) -> None:
        self.reports: list[ReportRows] = []

    def add(self, reporter: str, number: int, *rows: Row, domain: str = DOMAIN, tier: str = "verified", hours: float = 30) -> Book:
        """Add the report of a sender about the n-th day, received so many hours after its beginning."""
        on = day(number)
        key = sha256(f"{reporter} {on} {domain} {len(self.reports)}".encode()).hexdigest()
        policies = mark_repeats([self._policy(key, index, on, row, of=(domain, reporter, tier)) for index, row in enumerate(rows)])
        failures = [
            self._failure(policy, index, fail) for policy, row in zip(policies, rows, strict=True) for index, fail in enumerate(row.fails)
        ]
        report = self._report(key, on, domain, reporter, tier=tier, hours=hours)
        report = report._replace(policy_count=len(policies), failure_detail_count=len(failures))
        self.reports.append(ReportRows(report, policies, tuple(failures)))
        return self

    def every_day(self, reporter: str, first: int, last: int, *rows: Row, domain: str = DOMAIN, tier: str = "verified") -> Book:
        """Add the same report for every day from the first to the last."""
        for number in range(first, last + 1):
            self.add(reporter, number, *rows, domain=domain, tier=tier)
        return self

    def lake(self) -> ReportLake:
        """The lake of what was written."""
        return ReportLake(self.reports)

    def write(self, folder: Path) -> Path:
        """Commit it to a real lake; what is there already falls out as duplicates."""
        with LakeWriter(folder, run_id="book") as writer:
            writer.commit([self._message(number, rows) for number, rows in enumerate(self.reports)])
        return folder

    def _message(self, number: int, rows: ReportRows) -> MessageRows:
        report = rows.report
        nothing = dict.fromkeys(MessageRow._fields)
        given = {
            "received_month": f"{report.received_at:%Y-%m}",
            "message_sha256": report.message_sha256,
            "account": "book",
            "folder": "INBOX",
            "uidvalidity": 1,
            "uid": number + 1,
            "received_at": report.received_at,
            "size_bytes": 1,
            "auth_method": "dkim",
            "dkim_result": "none" if report.trust_tier == "unverified" else "pass",
            "dkim_signed_headers": (),
            "trust_tier": report.trust_tier,
            "outcome": "stored",
            "report_keys": (report.report_key,),
            "run_id": "book",
            "ingested_at": report.received_at,
            "parser_version": "test",
        }
        return MessageRows(MessageRow(**{**nothing, **given}), (rows,), b"mail")

    def _report(self, key: str, on: date, domain: str, reporter: str, *, tier: str, hours: float) -> ReportRow:
        start = datetime.combine(on, time(), UTC)
        end = start + timedelta(days=1)
        received = start + timedelta(hours=hours)
        texts = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")
        return ReportRow(
            f"{on:%Y-%m}", key, key, key, key, on, (domain,), reporter, "dkim", tier, reporter, None, key, start, end, *texts,
            received, 1, 0, (), (), 0, received, "test",
        )  # fmt: skip

    def _policy(self, key: str, index: int, on: date, row: Row, *, of: tuple[str, str, str]) -> PolicyRow:
        domain, reporter, tier = of
        policy = parse_policy(row.lines if row.policy_type == "sts" else ())
        told = sum(fail.count for fail in row.fails)
        return PolicyRow(
            f"{on:%Y-%m}", key, index, on, domain, "policy", reporter, tier, row.policy_type, None, row.policy_domain or domain, False,
            row.lines, policy_hash(row.lines) if row.lines else None, policy.version, policy.mode, policy.max_age_seconds, policy.mx, (),
            row.lines if row.policy_type == "tlsa" else (), row.good, row.bad, told, told != row.bad,
        )  # fmt: skip

    def _failure(self, policy: PolicyRow, index: int, fail: Fail) -> FailureRow:
        return FailureRow(
            policy.report_month, policy.report_key, policy.policy_ix, index, policy.report_day, policy.report_domain,
            policy.submitter_domain, policy.trust_tier, policy.policy_type, policy.policy_domain, policy.policy_hash, fail.result_type,
            None, GROUPS.get(fail.result_type, "other"), fail.sender, None, fail.address, None, fail.host, None, fail.count, None,
            fail.reason,
        )  # fmt: skip
