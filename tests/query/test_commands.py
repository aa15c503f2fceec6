"""The reading commands, as a user calls them: what they print, where, and their exit codes."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from pipeline.cli import main
from tests.query import small_lake

CONFIGURATION = """
[domains]
own = ["example.org", "example.net"]
mx = ["mx1.example.org", "mx2.example.org"]

[trust]
dkim = "verify"

[[mailbox]]
name = "rua"
host = "imap.example.org"
user = "x"
folders = ["Junk"]
"""


@pytest.fixture
def tlsrpt(tmp_path, lake_folder, capsysbinary):
    """Run the command line; returns the exit code, standard output and standard error."""
    (tmp_path / "tlsrpt.toml").write_text(CONFIGURATION)

    def run(*arguments, lake=lake_folder):
        code = main(["--config", str(tmp_path / "tlsrpt.toml"), "--lake", str(lake), *map(str, arguments)])
        said = capsysbinary.readouterr()
        return code, said.out, said.err.decode()

    return run


PERIOD = ("--since", "2026-04-30", "--until", "2026-05-31", "--as-of", small_lake.AS_OF)


def test_sql_prints_json_alone_on_standard_output(tlsrpt):
    code, out, err = tlsrpt(
        "sql", "--format", "json", "select sum(sessions)::bigint as sessions from sessions where report_day <= '2026-05-10'"
    )
    assert (code, json.loads(out), err) == (0, [{"sessions": 368}], "")


def test_sql_takes_parameters_a_file_and_an_output_file(tlsrpt, tmp_path):
    (tmp_path / "q.sql").write_text("-- Domains\nselect distinct report_domain from sessions where report_domain <> $not order by 1;\n")
    code, out, _ = tlsrpt("sql", "--file", tmp_path / "q.sql", "--param", "not=example.edu", "--format", "csv")
    assert (code, out.decode().split()) == (0, ["report_domain", "example.net", "example.org"])
    code, out, _ = tlsrpt("sql", "--format", "parquet", "--output", tmp_path / "x.parquet", "select * from policies")
    assert (code, out) == (0, b"")
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 20


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("sql", "selec 1"), 65, "the SQL does not parse"),
        (("sql", "select nope from sessions"), 65, "the SQL cannot be run"),
        (("sql", "copy (select 1) to 'x'"), 2, "this is COPY"),
        (("sql", "select * from read_csv('/etc/passwd')"), 2, "only the lake can be read"),
        (("sql",), 2, "give a QUERY, or a file with --file"),
        (("sql", "select 1", "--file", "x"), 2, "give a QUERY, or a file with --file"),
        (("sql", "--file", "/nowhere/q.sql"), 66, "cannot be read: No such file"),
        (("sql", "select 1", "--param", "x"), 2, "--param is NAME=VALUE"),
        (("sql", "select 1", "--output", "/nowhere/x"), 66, "cannot be written: No such file"),
        (("questions", "run"), 2, "needs the NAME of a question"),
        (("questions", "run", "nope"), 2, "there is no question nope"),
        (("questions", "run", "success_rate", "--param", "since=2026-05-01", "--since", "2026-05-01"), 2, "since is given twice"),
        (("schema", "nope"), 2, "there is no view nope"),
        (("rejects", "show"), 2, "needs the ID of a message"),
        (("rejects", "show", "abc"), 2, "too short"),
        (("rejects", "show", "abcdefabcdef"), 66, "no message whose sha256 begins with abcdefabcdef is kept"),
        (("rejects", "--since", "soon"), 2, "since is a day"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(tlsrpt, arguments, code, sentence):
    got, out, err = tlsrpt(*arguments)
    assert (got, out) == (code, b"")
    assert sentence in err
    assert err.count("\n") == 1


def test_questions_are_listed_shown_and_run(tlsrpt):
    code, out, _ = tlsrpt("questions", "--format", "json")
    names = [row["question"] for row in json.loads(out)]
    assert code == 0
    assert {"sessions_by_day", "failures_by_mx", "rejects"} <= set(names)
    assert names == sorted(names)
    assert b"from settings.session_sums('reporter', 'named')" in tlsrpt("questions", "show", "sessions_by_day")[1]
    code, out, _ = tlsrpt("questions", "run", "worst_domains", *PERIOD, "--param", "at_most=1", "--format", "json")
    assert (code, [(row["report_domain"], row["failed"]) for row in json.loads(out)]) == (0, [("example.org", 19)])
    attested = tlsrpt("questions", "run", "success_rate", *PERIOD, "--param", "tiers=attested,vouched", "--format", "json")[1]
    assert json.loads(attested)[0]["sessions"] == 10


def test_the_schema_is_the_same_as_a_table_json_and_markdown(tlsrpt):
    rows = json.loads(tlsrpt("schema", "--format", "json")[1])
    assert {row["view"] for row in rows} >= {"messages", "policies", "sessions", "mentions"}
    assert next(row for row in rows if (row["view"], row["name"]) == ("policies", "success_count")) == {
        "view": "policies",
        "name": "success_count",
        "type": "BIGINT",
        "meaning": "total-successful-session-count",
        "unit": "sessions",
        "source": "RFC 8460 §4.2",
    }
    markdown = tlsrpt("schema", "sessions", "--format", "markdown")[1].decode()
    assert "| `authenticated` | BIGINT | Sessions with TLS as the policy asks | sessions | RFC 8460 §4.2 |" in markdown
    assert len(rows) == len([line for line in tlsrpt("schema", "--format", "markdown")[1].decode().splitlines() if line.startswith("| `")])


def test_status_tells_what_is_in_the_lake_and_what_was_forged(tlsrpt):
    code, out, err = tlsrpt("status", "--format", "json")
    status = json.loads(out)
    assert (code, err) == (0, "")
    assert list(status) == [
        "mailboxes",
        "tables",
        "last_run",
        "outcomes",
        "tiers",
        "forged",
        "left_out",
        "schema",
        "rests_on",
        "looks",
        "channels",
    ]
    assert [(box["account"], box["folder"], box["messages"], box["configured"]) for box in status["mailboxes"]] == [
        ("rua", "INBOX", 17, True),
        ("second", "INBOX", 1, False),
        ("rua", "Junk", 0, True),
    ]
    assert status["tables"] == {"failures": 9, "messages": 18, "policies": 20, "raw": 16, "reports": 15, "superseded": 2}
    assert status["outcomes"] == {"stored": 13, "conflict": 2, "duplicate": 1, "quarantined": 1, "not_tlsrpt": 1}
    assert status["tiers"]["verified"] == {"reports": 11, "counted": 10}
    assert (status["last_run"]["run_id"], status["last_run"]["messages"]) == ("run-1", 18)
    assert (status["forged"]["reports"], status["forged"]["keys_gone"], status["schema"]) == (1, 1, 2)


def test_status_names_the_ways_out_where_keys_have_gone(tlsrpt):
    code, out, err = tlsrpt("status")
    assert code == 0
    assert "18 rows" in out.decode()
    assert "Left out: " in err
    assert "1 whose key is no longer published (no_key)" in err
    assert "authserv_ids" in err
    assert "--vouch-before" in err


def test_an_empty_lake_has_a_status_and_no_rejects(tlsrpt, tmp_path):
    (none := tmp_path / "none").mkdir()
    code, out, _ = tlsrpt("status", "--format", "json", lake=none)
    status = json.loads(out)
    assert (code, status["last_run"], status["outcomes"], status["tables"]["messages"]) == (0, None, {}, 0)
    assert tlsrpt("status", lake=none)[0] == 0
    assert tlsrpt("rejects", "--format", "json", lake=none) == (0, b"[]\n", "")


def test_rejects_are_listed_and_their_bytes_shown(tlsrpt, tmp_path):
    code, out, _ = tlsrpt("rejects", "--format", "json")
    (row,) = json.loads(out)
    assert (code, row["uid"], row["outcome"]) == (0, 16, "quarantined")
    code, out, _ = tlsrpt("rejects", "show", row["message_sha256"][:12])
    assert (code, out) == (0, small_lake.BROKEN.replace(b"H4sI", b"AAAA"))
    assert tlsrpt("rejects", "show", row["message_sha256"], "--output", tmp_path / "x.eml")[0] == 0
    assert (tmp_path / "x.eml").read_bytes() == out
    assert tlsrpt("rejects", "--code", "other", "--format", "json")[1] == b"[]\n"


def test_a_hostile_reason_does_nothing_to_a_spreadsheet_or_a_terminal(tlsrpt):
    out = tlsrpt("questions", "run", "failures_by_reason", *PERIOD, "--format", "csv")[1].decode()
    reasons = [row["failure_reason_code"] for row in csv.DictReader(io.StringIO(out))]
    assert "'=cmd|'/c calc'!A1" in reasons
    echoed = tlsrpt("sql", "--format", "table", "select chr(27) || '[2J' as text")[1]
    assert b"\x1b" not in echoed
    assert b"\\x1b[2J" in echoed
    assert "\x1b" not in tlsrpt("sql", 'select "\x1b[2J"')[2]
