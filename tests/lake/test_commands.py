"""`tlsrpt rebuild`, `maintain` and `export-raw`, on reports that really were read."""

from __future__ import annotations

import hashlib
import json

import pytest

from pipeline.cli import main
from tests.lake.content import content, rows


def document(number: int, domain: str = "example.org") -> bytes:
    return json.dumps(
        {
            "organization-name": "Reporter Example",
            "date-range": {"start-datetime": "2026-03-09T00:00:00Z", "end-datetime": "2026-03-09T23:59:59Z"},
            "contact-info": "tls@reporter.example",
            "report-id": f"{number}@reporter.example",
            "policies": [
                {
                    "policy": {"policy-type": "no-policy-found", "policy-domain": domain},
                    "summary": {"total-successful-session-count": 10 * number, "total-failure-session-count": 1},
                    "failure-details": [{"result-type": "starttls-not-supported", "failed-session-count": 1}],
                }
            ],
        }
    ).encode()


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mails").mkdir()
    for number, domain in ((1, "example.org"), (2, "example.org"), (3, "victim.example")):
        (tmp_path / "mails" / f"{number}.json").write_bytes(document(number, domain))
    (tmp_path / "mails" / "broken.json").write_bytes(document(-1))
    assert main(["--lake", "lake", "ingest", "--workers", "0", "mails"]) == 0
    return tmp_path / "lake"


def test_rebuild_reads_real_reports_again_and_nothing_changes(lake, capsys):
    before = content(lake)
    assert len(before["reports"]) == 3
    assert main(["--lake", "lake", "rebuild", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: told[name] for name in ("messages", "read_again", "outcomes_changed", "reports_after")} == {
        "messages": 4, "read_again": 4, "outcomes_changed": 0, "reports_after": 3,
    }  # fmt: skip
    assert content(lake) == before


def test_rebuild_says_what_it_did_in_a_sentence(lake, capsys):
    assert main(["--lake", "lake", "rebuild"]) == 0
    assert capsys.readouterr().out.startswith("4 of 4 messages read again; 0 with another outcome; 3 reports (before: 3)")


def test_maintain_answers_as_json_what_a_dry_run_would_do(lake, capsys, monkeypatch):
    main(["--lake", "lake", "rebuild"])
    monkeypatch.setenv("TLSRPT_RETENTION__REPORT_MONTHS", "1")
    capsys.readouterr()
    assert main(["--lake", "lake", "maintain", "--dry-run", "--format", "json"]) == 0
    told = {(row["step"], row["table"]): row["rows"] for row in json.loads(capsys.readouterr().out)}
    assert told[("retention", "reports")] == 3
    assert told[("retention", "messages")] == 3
    assert len(rows(lake, "reports")) == 3
    assert main(["--lake", "lake", "maintain", "--format", "json"]) == 0
    assert rows(lake, "reports") == []


def test_maintain_with_nothing_to_do_says_so(lake, capsys):
    main(["--lake", "lake", "maintain"])
    capsys.readouterr()
    assert main(["--lake", "lake", "maintain"]) == 0
    assert capsys.readouterr() == ("", "tlsrpt: nothing to do\n")


def test_maintain_erases_a_domain_however_it_is_written(lake, capsys):
    assert main(["--lake", "lake", "maintain", "--erase", "Victim.Example.", "--format", "json"]) == 0
    assert {row["report_domain"] for row in rows(lake, "policies")} == {"example.org"}
    assert main(["--lake", "lake", "maintain", "--erase", "no domain"]) == 2
    assert "is not a domain" in capsys.readouterr().err


def test_export_raw_writes_the_bytes_as_received(lake, capfdbinary, tmp_path):
    digest = hashlib.sha256(document(2)).hexdigest()
    assert main(["--lake", "lake", "export-raw", digest]) == 0
    assert capfdbinary.readouterr().out == document(2)
    assert main(["--lake", "lake", "export-raw", digest[:8].upper(), "-o", "out.json"]) == 0
    assert (tmp_path / "out.json").read_bytes() == document(2)


def test_export_raw_of_what_is_not_kept_is_one_sentence(lake, capsys):
    assert main(["--lake", "lake", "export-raw", "0" * 64]) == 66
    assert main(["--lake", "nowhere", "export-raw", "0" * 64]) == 66
    assert main(["--lake", "lake", "export-raw", "xyz"]) == 2
    assert capsys.readouterr().err.count("\n") == 3
