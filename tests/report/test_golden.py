"""Every golden report reads as written down beside it; see tests/golden/README.md."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import VOUCHED
from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.tables.row_types import MessageRows
from tests.some import some

FOLDER = Path(__file__).parent.parent / "golden"
GOLDEN = sorted(path for path in FOLDER.iterdir() if path.suffix in {".json", ".eml"} and not path.name.endswith(".expected.json"))
RECEIVED = datetime(2026, 5, 13, 6, tzinfo=UTC)
NOT_SHOWN = {
    "account", "folder", "uidvalidity", "uid", "item", "received_at", "run_id", "ingested_at", "changed_at", "parser_version",
    "report_month", "received_month", "size_bytes", "message_sha256", "auth_method", "authserv_id", "trust_tier", "tls_headers_signed",
}  # fmt: skip
"""Columns that say nothing about the report."""


def read_golden(path: Path) -> MessageRows:
    """Read a golden file as the pipeline would, vouched for by the operator."""
    content = path.read_bytes()
    bare = path.suffix == ".json"
    reading = read_file(content, name=path.name, received_at=RECEIVED) if bare else read_mail(content, received_at=RECEIVED)
    fetched = Fetched(MessageRef("file", "golden", item=path.name), content, RECEIVED, len(content), bare)
    run = RunStamp("golden", RECEIVED, "golden")
    return build_rows(fetched=fetched, reading=reading, verdicts=[VOUCHED] * len(reading.parts), own=Ownership(), run=run)


def shown(value: object) -> object:
    """Return rows as JSON, without what says nothing about the report and what is empty."""
    if hasattr(value, "_asdict"):
        fields = {name: shown(field) for name, field in value._asdict().items() if name not in NOT_SHOWN and not name.startswith("dkim")}
        return {name: field for name, field in fields.items() if field not in (None, [], False)}
    if isinstance(value, tuple | list):
        return [shown(element) for element in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_report_reads_as_expected(path):
    rows = read_golden(path)
    got = {"message": shown(rows.message), "reports": [shown(report) for report in rows.reports]}
    expected = path.with_name(path.name + ".expected.json") if path.suffix == ".eml" else path.with_suffix(".expected.json")
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert got == json.loads(expected.read_text(encoding="utf-8"))


def test_the_example_of_the_standard_is_the_first_golden_report_and_loses_nothing():
    rows = read_golden(FOLDER / "rfc8460-appendix-b.json")
    report, policies, failures = rows.reports[0]
    assert (report.organization_name, report.report_id) == ("Company-X", "5065427c-23d3-47ca-b6e0-946ea0e8c4be")
    assert (policies[0].success_count, policies[0].failure_count, policies[0].failure_detail_sum) == (5326, 303, 303)
    assert policies[0].mx_host == ("*.mail.company-y.example",)
    assert [failure.failed_session_count for failure in failures] == [100, 200, 3]
    assert failures[0].sending_mta_ip == "2001:db8:abcd:12::1"
    assert failures[1].additional_information.startswith("https://reports.company-x.example/report_info")
    assert failures[2].failure_reason_code == "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
    assert set(report.quirks) == {"mx_host_scalar", "uri_invalid"}


def test_the_expected_files_belong_to_golden_reports():
    orphans = {path.name for path in FOLDER.glob("*.expected.json")} - {
        (path.name if path.suffix == ".eml" else path.stem) + ".expected.json" for path in GOLDEN
    }
    assert orphans == set()


def test_golden_reports_name_nobody_real():
    """Only the names that are set aside for examples."""
    for name, report in some((path.name, report) for path in GOLDEN for report in read_golden(path).reports):
        names = {*report.report.report_domains, report.report.submitter_domain, *(f.receiving_mx_hostname for f in report.failures)}
        real = {each for each in names if each and "." in each and not each.endswith((".example", "example.com", "]"))}
        assert real == set(), name
