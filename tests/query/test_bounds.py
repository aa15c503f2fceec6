"""No stored row makes a question fail: rows at and beyond every bound of every column, and then everything is asked."""

from __future__ import annotations

import json

import pytest

from pipeline.cli import main
from pipeline.config import Settings
from pipeline.query import open_lake
from pipeline.query.catalogue import load_questions
from tests.bounds import DAY, DAYS, DOMAIN, build_lake
from tests.kept import engines_kept

AS_OF = "2026-04-01"
SINCE = "2026-02-15"
LIMIT = 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("bounds") / "lake"
    assert build_lake(where) > 300
    return where


@pytest.fixture(scope="module")
def lake(folder):
    with engines_kept(), open_lake(folder, settings=Settings()) as opened:
        yield opened


def values(lake, question):
    """A value for each parameter that has no default."""
    row = lake.sql("select report_key, message_sha256 from reports order by report_key limit 1").to_pylist()[0]
    given = {"domain": DOMAIN, "domains": [DOMAIN], "reporter": "odd.example", "as_of": AS_OF, "since": SINCE, "until": AS_OF, **row}
    names = {p.name for p in question.parameters if p.required and p.name not in ("since", "until", "as_of")}
    periods = {p.name: given[p.name] for p in question.parameters if p.name in ("since", "until", "as_of")}
    kinds = {p.name: p.type for p in question.parameters}
    return {**periods, **{name: given.get(name, _some(name, kinds[name])) for name in names}}


def _some(name, kind):
    text = "0" if name == "incidents" else f"{DAY}" if "first" in name or "last" in name else "x"
    return {"VARCHAR[]": [text], "DATE[]": [DAY], "BIGINT": 5, "DOUBLE": 0.5, "DATE": DAY, "BOOLEAN": True}.get(kind, text)


@pytest.mark.parametrize("name", sorted(load_questions()))
def test_every_question_is_answered(lake, name):
    lake.ask(name, **values(lake, lake.question(name)))


@pytest.mark.parametrize(
    "view",
    [
        "messages",
        "reports",
        "policies",
        "failures",
        "sessions",
        "session_parts",
        "mentions",
        "counted_policies",
        "raw",
        "superseded",
        "checks",
    ],
)
def test_every_view_can_be_read_and_summed(lake, view):
    lake.sql(f"from {view}")
    assert lake.sql(f"summarize {view}").num_rows


def test_sums_are_of_what_may_be_claimed(lake):
    sums = lake.sql(
        "select max(sessions) as most, min(sessions) as least, sum(sessions) as total, min(failed) as none from sessions"
    ).to_pylist()[0]
    assert sums["none"] >= 0
    assert sums["least"] >= 0
    assert sums["most"] <= 2 * LIMIT * 1000
    assert sums["total"] < 2**63
    plain = lake.ask("sessions_by_reporter", since=SINCE, until=AS_OF, as_of=AS_OF).to_pylist()
    assert {row["submitter_domain"]: row["sessions"] for row in plain if row["submitter_domain"] == "google.com"} == {
        "google.com": 400 * DAYS + 5 * 60
    }


def test_what_is_left_out_is_counted_and_told(lake, folder, capsys):
    left_out = {row["table_name"]: row["row_count"] for row in lake.ask("left_out_rows").to_pylist()}
    assert left_out["policies"] > 3000
    assert left_out["failures"] > 5
    stored = {row["table_name"]: row["row_count"] for row in lake.ask("table_rows").to_pylist()}
    shown = lake.sql("select count(*) as n from policies").to_pylist()[0]["n"]
    assert shown + left_out["policies"] == stored["policies"]
    assert main(["--lake", str(folder), "status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == left_out
    main(["--lake", str(folder), "status"])
    assert "stored rows claim more sessions than [limits] allows" in capsys.readouterr().err


COMMANDS = (
    "status",
    "incidents --as-of 2026-04-01",
    "readiness example.org --as-of 2026-04-01",
    "coverage --as-of 2026-04-01",
    "rejects",
    "schema",
    "questions run reports_found --since 2026-02-15 --until 2026-04-01",
)


@pytest.mark.parametrize(
    "words",
    [
        *(f"{words} --format {format}" for format in ("table", "json") for words in COMMANDS),
        "report example.org --output {out}/r.html",
        "export {out}/e.duckdb",
    ],
)
def test_every_command_says_something(folder, tmp_path, words, capsys):
    code = main(["--lake", str(folder), *words.format(out=tmp_path).split()])
    told = capsys.readouterr()
    assert code in (0, 1), told.err
    assert "cannot" not in told.err


@pytest.mark.parametrize(
    "words", ["digest", "digest --format html", "metrics", "notify --dry-run", "plan example.org enforce", "plan example.org retire"]
)
def test_what_is_sent_scraped_and_planned_is_made(folder, tmp_path, words, capsys, monkeypatch):
    (tmp_path / "hook").write_text("http://127.0.0.1:1/")
    (tmp_path / "tlsrpt.toml").write_text(
        f'[[notify.channel]]\nname = "all"\nkind = "webhook"\nurl_file = "{tmp_path}/hook"\n\n[trust]\nresolver = "127.0.0.1:1"\n\n'
    )
    monkeypatch.chdir(tmp_path)
    code = main(["--lake", str(folder), *words.split(), "--as-of", AS_OF])
    told = capsys.readouterr()
    assert code in (0, 1), told.err
    assert len(told.out) > 100


@pytest.mark.parametrize("words", ["incidents", "readiness example.org", "coverage", "digest", "metrics"])
def test_a_day_without_reports_can_be_asked_and_one_before_any_is_refused(folder, words, capsys):
    asked = ["--lake", str(folder), *words.split(), "--as-of"]
    assert main([*asked, "0001-01-01"]) == 2
    assert "--as-of cannot be 0001-01-01: no report is older than 2016" in capsys.readouterr().err
    for day in ("2016-01-01", "9999-12-31"):
        assert main([*asked, day]) in (0, 1), capsys.readouterr().err


def test_every_conclusion_is_drawn(lake):
    lake.incidents(as_of=AS_OF, evidence=None)
    lake.incidents(as_of=AS_OF, days=10**12)
    assert lake.readiness(DOMAIN, as_of=AS_OF) is not None
    lake.coverage(as_of=AS_OF)
