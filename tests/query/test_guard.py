"""What a stranger's SQL may do: read the lake, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress

import duckdb
import pytest

from pipeline.config import Settings
from pipeline.errors import SqlError, TryAgainError, UsageError
from pipeline.query import guard, open_lake
from pipeline.query.guest_files import LocalFile
from pipeline.settings.single_tables import QuerySettings
from tests.query import small_lake


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) as n from sessions",
        "with a as (select 1 as x) select x from a union all select 2;",
        "from policies select report_domain limit 1",
        "values (1), (2)",
        "table superseded",
        "describe sessions",
        "describe select 1",
        "show tables",
        "summarize sessions",
        "explain select 1",
        "EXPLAIN ANALYZE select count(*) from reports",
        "explain (analyze, format json) select 1",
        "-- a comment; with a semicolon\nselect 1 /* ; */",
        "with recursive t as (select 1 as n union all select n + 1 from t where n < 3) select n from t",
        "select * from (pivot (select report_domain, sessions from sessions) on report_domain in ('example.org') using sum(sessions))",
        "select 'it''s; copy to' as text",
        "select network_of('192.0.2.77') as network, tier_counts('verified') as counts",
    ],
)
def test_a_statement_that_reads_is_run(lake, sql):
    assert lake.sql(sql).num_rows > 0


WRITES = [
    ("copy (select 1) to '{lake}/x.csv'", "COPY"),
    ("copy policies to '{lake}/policies/x.parquet'", "COPY"),
    ("with x as (copy (select 1) to '{lake}/x.csv') select 1", "COPY QUERY"),
    ("with x as materialized (copy (select 1) to '{lake}/x.csv') select 1", "COPY QUERY"),
    ("select (with y as (copy (select 1) to '{lake}/x.csv') select 1)", "COPY QUERY"),
    ("select * from (with y as (copy (select 1) to '{lake}/x.csv') select 1)", "COPY QUERY"),
    ("explain analyze copy (select 1) to '{lake}/x.csv'", "COPY"),
    ("explain (analyze) copy (select 1) to '{lake}/x.csv'", "COPY"),
    ("explain analyze with x as (copy (select 1) to '{lake}/x.csv') select 1", "COPY QUERY"),
    ("/* explain */ explain analyze copy (select 1) to '{lake}/x.csv'", "EXPLAIN"),
    ("/* /* */ explain (*/ explain analyze copy sessions to '{lake}/x.csv' /*)*/", "EXPLAIN"),
    ("insert into settings.own values ('example.com')", "INSERT"),
    ("with x as (insert into settings.own values ('example.com') returning domain) select domain from x", "INSERT QUERY"),
    ("with x as (delete from settings.own returning domain) select domain from x", "DELETE QUERY"),
    ("update settings.own set domain = 'x'", "UPDATE"),
    ("create table x as select 1", "CREATE"),
    ("create or replace view sessions as select 1", "CREATE"),
    ("drop view sessions", "DROP"),
    ("attach '{lake}/x.db'", "ATTACH"),
    ("install httpfs", "LOAD"),
    ("load httpfs", "LOAD"),
    ("set threads = 1", "SET"),
    ("set variable lake = 1", "SET"),
    ("reset lock_configuration", "SET"),
    ("pragma version", "PRAGMA"),
    ("call pragma_version()", "CALL"),
    ("prepare p as select 1", "PREPARE"),
    ("export database '{lake}/x'", "EXPORT"),
    ("begin", "TRANSACTION"),
    ("update extensions", "something else"),
    ("checkpoint", "CALL"),
    ("vacuum", "VACUUM"),
    ("pivot sessions on report_domain using sum(sessions)", "MULTI"),
    ("select 1; select 2", "2 statements"),
    ("select 1; copy (select 1) to '{lake}/x.csv'", "2 statements"),
    ("", "none"),
    (" ; -- nothing", "none"),
]


@pytest.mark.parametrize(("sql", "kind"), WRITES, ids=[sql for sql, _ in WRITES])
def test_everything_else_is_refused_before_it_runs(lake, lake_folder, sql, kind):
    before = sorted(path for path in lake_folder.rglob("*"))
    with pytest.raises(UsageError, match=f"^one SELECT, EXPLAIN of a SELECT, or DESCRIBE is run; this (is|has) {kind}"):
        lake.sql(sql.format(lake=lake_folder))
    assert sorted(path for path in lake_folder.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_csv_auto('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('/etc/passwd')",
        "select * from read_text('file:///etc/passwd')",
        "select * from read_text('{lake}/../../../../../../../../etc/passwd')",
        "select * from read_blob('/proc/self/environ')",
        "select * from glob('/etc/*')",
        "select * from sniff_csv('/etc/passwd')",
        "select * from read_json('/etc/passwd')",
        "select * from parquet_metadata('/tmp/x.parquet')",
        "select * from read_text('http://127.0.0.1:1/')",
        "select * from read_duckdb('/tmp/x.db')",
        "select * from duckdb_secrets()",
    ],
)
def test_nothing_outside_the_lake_is_read(lake, lake_folder, sql):
    with pytest.raises((UsageError, SqlError)):
        lake.sql(sql.format(lake=lake_folder))


@pytest.mark.parametrize(
    "sql",
    [
        "select getenv('HOME')",
        "select * from lake",
        "select * from arrow_scan(1, 2, 3)",
        "select * from query('select 1')",
        "select * from query_table('reports')",
        "select * from histogram('reports', 'tls_only')",
        "select current_setting('temp_directory')",
        "select getvariable('lake')",
        "from duckdb_settings",
        "from duckdb_variables()",
        "from pg_catalog.pg_settings",
    ],
)
def test_neither_the_environment_nor_the_program_is_read(lake, sql):
    with pytest.raises((UsageError, SqlError)):
        lake.sql(sql)


def test_a_function_that_does_not_exist_gets_a_suggestion_and_one_that_may_not_be_called_a_sentence(lake):
    with pytest.raises(SqlError, match=r"there is no function reverze; did you mean reverse\?"):
        lake.sql("select reverze('x')")
    with pytest.raises(UsageError, match="write_log is not allowed here"):
        lake.sql("select write_log('x')")
    with pytest.raises(UsageError, match="read_text is not allowed here"):
        lake.sql("select * from system.main.\"READ_TEXT\"('/etc/passwd')")


COPY = "with x as (copy (select 'owned' as a) to '{file}' (format csv)) from x"
RUNS_TEXT = [
    "from json_execute_serialized_sql(json_serialize_sql('" + COPY.replace("'", "''") + "'))",
    "select * from json_execute_serialized_sql(json_serialize_sql('insert into settings.own values (''example.com'')'))",
    "select json_serialize_plan('" + COPY.replace("'", "''") + "')",
    "pragma json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "from query('" + COPY.replace("'", "''") + "')",
]
ENGINE_ALONE = [
    *RUNS_TEXT,
    COPY,
    "copy (select 1) to '{file}'",
    "copy (select 1) to '{lake}/x.csv'",
    "copy (select 1) to '{lake}' (format parquet, partition_by (a))",
    "copy reports to 'tlsrpt://lake/reports/report_month=2026-05/x.parquet' (format parquet)",
    "export database '{lake}/x'",
    "attach '{lake}/x.db'",
    "attach '{home}/x.db' as x (type duckdb)",
    "select * from read_text('{file}')",
    "select * from read_parquet('{file}')",
    "select * from '{file}'",
    "select * from read_text('/etc/passwd')",
    "select * from glob('{lake}/**')",
    "select * from glob('tlsrpt://lake/**')",
    "select * from read_text('tlsrpt://lake/reports/../_delta_log/00000000000000000000.json')",
    "select * from read_blob('tlsrpt://lake/../../../../../etc/passwd.parquet')",
    "install httpfs",
    "load '{lake}/x.duckdb_extension'",
    "set temp_directory = '{home}'",
    "set enable_external_access = true",
    "create secret (type s3, key_id 'x', secret 'y')",
    "call enable_logging(storage = 'file', storage_path = '{home}')",
    "copy (select 1) to '/dev/shm/tlsrpt-x.csv'",
]


def everything(*folders):
    """The content of every file below."""
    return {path: path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def shut(tmp_path_factory, lake_folder):
    """A lake of its own, open, and a folder beside it; with all that is in both."""
    place = tmp_path_factory.mktemp("shut")
    shutil.copytree(lake_folder, place / "lake")
    (place / "home").mkdir()
    with open_lake(place / "lake", settings=small_lake.SETTINGS) as opened:
        yield opened, place, everything(place)


@pytest.mark.parametrize("sql", ENGINE_ALONE, ids=[sql[:60] for sql in ENGINE_ALONE])
def test_what_the_check_misses_still_writes_nothing_and_reads_no_file(shut, sql):
    opened, place, before = shut
    text = sql.format(lake=place / "lake", home=place / "home", file=next((place / "lake" / "reports").rglob("*.parquet")))
    engine = opened._engine_for(guests=True)
    with suppress(duckdb.Error):  # without the check: the engine has to refuse it, or has nothing that could be harmed
        answer = engine.run(text, {}, opened._scope(""))
        assert "root:" not in str(answer.to_pylist())
        assert "PAR1" not in str(answer.to_pylist())
    with pytest.raises((UsageError, SqlError)):
        opened.sql(text)
    assert opened._engine_for(guests=True) is engine
    assert opened.ask("success_rate", **small_lake.PERIOD).column("sessions").to_pylist() == [368]
    assert opened.sql("select count(*) as n from reports").to_pylist() == [{"n": 15}]
    assert everything(place) == before


def test_every_function_is_either_on_the_list_or_refused(lake):
    allowed = guard.allowed_functions()
    names = lake._engine.run("select distinct function_name as name, function_type as kind from duckdb_functions()", {}, lake._scope(""))
    tables = {row["name"] for row in names.to_pylist() if row["kind"].startswith("table")} - allowed.as_tables
    assert {"read_csv", "json_execute_serialized_sql", "query", "glob", "histogram", "arrow_scan"} <= tables
    for name in sorted(tables):
        with pytest.raises((UsageError, SqlError)):
            lake.sql(f"from {name}('x')")
    values = {row["name"] for row in names.to_pylist() if row["kind"] not in ("table", "table_macro")} - allowed.anywhere
    assert {"getvariable", "write_log", "nextval", "setseed", "sleep_ms", "current_setting", "json_serialize_sql"} <= values
    for name in sorted(name for name in values if name.isidentifier()):
        with pytest.raises((UsageError, SqlError)):
            lake.sql(f"select {name}('x')")


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from range(1000000000000)",
        "with recursive t as (select 1 as n union all select n + 1 from t) select count(*) from t",
        "select count(*) from reports a, reports b, reports c, reports d, reports e, range(100000)",
    ],
)
def test_what_takes_too_long_is_ended(lake_folder, sql):
    with open_lake(lake_folder, settings=Settings(query=QuerySettings(seconds=0.3))) as opened:
        begun = time.monotonic()
        with pytest.raises(TryAgainError, match=r"longer than 0\.3 seconds \(\[query\] seconds\)"):
            opened.sql(sql)
        assert time.monotonic() - begun < 20
        assert opened.sql("select 1 as x").to_pylist() == [{"x": 1}]


def test_what_may_be_spilled_to_the_disk_is_limited(lake_folder):
    with open_lake(lake_folder, settings=Settings(query=QuerySettings(spill="7 GB"))) as opened:
        for guests in (False, True):
            asked = "select value from duckdb_settings() where name = 'max_temp_directory_size'"
            assert opened._engine_for(guests=guests).run(asked, {}, opened._scope("")).to_pylist() == [{"value": "6.5 GiB"}]


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_a_command_ends_whatever_its_function_does(lake_folder, tmp_path, format):
    slow = "select length(regexp_replace(x, '(a.)*b', 'x', 'g')) as n from (select repeat('ab', 100000000) as x)"
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TLSRPT_QUERY__SECONDS": "1", "TMPDIR": str(tmp_path / "temporary"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pipeline.cli", "--lake", str(lake_folder), "sql", "--format", format, slow]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr == "tlsrpt: the query takes longer than 1 seconds ([query] seconds), and was ended\n"
    assert time.monotonic() - begun < 30
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_text_larger_than_memory_ends_with_a_sentence(lake_folder):
    environment = {**os.environ, "TLSRPT_QUERY__MEMORY": "100 MB"}
    command = [sys.executable, "-m", "pipeline.cli", "--lake", str(lake_folder), "sql", "select length(repeat('a', 4000000000))"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 75, done.stderr
    assert "more than 100 MB of memory" in done.stderr


CUT_IN_A_CHARACTER = (
    "select 'select distinct array_position(''infinity'', ''😀'') from counted_policies positional join superseded on true "
    "order by all limit 8'::json::varchar"
)
"""DuckDB quotes the text it cannot read and cuts the quotation in the middle of a character."""


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("selec 1", 'the SQL does not parse: syntax error at or near "selec"'),
        ("select nope from sessions", 'the SQL cannot be run: Referenced column "nope" not found in FROM clause! Candidate bindings: '),
        ("select * from nope", "the SQL cannot be run: Table with name nope does not exist!"),
        ("select cast('x' as int)", "the SQL cannot be run: Could not convert string 'x' to INT32"),
        ("select $a", "the SQL cannot be run: "),
        (CUT_IN_A_CHARACTER, "the SQL cannot be run: "),
        ("select '\udc80'", "the SQL does not parse: it is not valid Unicode"),
        ("select 'unfinished", "the SQL does not parse: unterminated "),
    ],
)
def test_sql_that_cannot_be_run_is_explained_in_one_sentence(lake, sql, sentence):
    with pytest.raises(SqlError) as refused:
        lake.sql(sql)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 65


@pytest.mark.parametrize(
    "deep",
    ["select " + "(" * 5000 + "1" + ")" * 5000, "select " + " + ".join(["1"] * 20_000), "select " + "(select " * 900 + "1" + ")" * 900],
    ids=["brackets", "sum", "subqueries"],
)
def test_a_statement_nested_without_end_is_refused_and_harms_nothing(lake, deep):
    try:
        assert lake.sql(deep).num_rows == 1, "a DuckDB that reads it does no harm by that"
    except (UsageError, SqlError) as refused:
        assert len(str(refused)) < 700  # noqa: PT017 -- either is right
    assert lake.sql("select " + " + ".join(["1"] * 200) + " as sum").to_pylist() == [{"sum": 200}]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from failures where '{lake}/reports/x.parquet'",
        "select cast('No magic bytes found in x.parquet' as int)",
        "select 'copy (select 1) to ''x.parquet'''::json::varchar",
        "from json_each(1, 'thrift.parquet')",
        "select columns('zstd.parquet') from reports",
        "select mismatches(true), 'x.parquet' from raw",
        "from generate_series('s3://bucket/x.parquet', '-1', null)",
        'select "decompress.parquet" from reports',
    ],
)
def test_a_statement_that_names_a_file_is_not_taken_for_a_broken_lake(lake, lake_folder, sql):
    with pytest.raises(SqlError, match=r"^the SQL cannot be run: "):
        lake.sql(sql.replace("{lake}", str(lake_folder)))


@pytest.mark.parametrize(
    "name", ["tlsrpt://lake/reports/x.parquet", "tlsrpt://lake/reports", "/etc/passwd", "x.csv", "reports/*.parquet", "C:\\x", "..\\x.db"]
)
def test_a_file_is_no_table(lake, name):
    for sql in (f"from '{name}'", f'select 1 from reports, (from "{name}")', f"explain select (select 1 from '{name}')"):  # noqa: S608
        with pytest.raises(UsageError, match="is no view; only the lake can be read, and only by its views"):
            lake.sql(sql)


def test_what_duckdb_itself_fails_on_stops_nobody_else(lake_folder):
    """The fuzzer found it: DuckDB 2.0.0 gives its whole engine up over this; where a later one does not, it is an answer."""
    with open_lake(lake_folder, settings=Settings()) as opened:
        for _ in range(2):
            with suppress(SqlError):
                opened.sql("select cast(-1 as json), [1, 2] from (values (1, 'a'), (null, '')) t(x, y) order by 1 collate nocase limit 2")
            assert opened.sql("select 1 as x").to_pylist() == [{"x": 1}]


def test_parameters_are_bound_and_never_text(lake):
    hostile = "example.org' or 1=1; copy (select 1) to '/tmp/x'; --"
    assert lake.sql("select count(*) as n from sessions where report_domain = $d", {"d": hostile}).to_pylist() == [{"n": 0}]
    assert lake.sql("select $d as echo", {"d": hostile}).to_pylist() == [{"echo": hostile}]
    assert lake.sql("select count(*) as n from sessions where report_day >= $day", {"day": "2026-05-09"}).to_pylist() == [{"n": 2}]
    assert lake.ask("success_rate", since="2026-04-30", domain=hostile).column("sessions").to_pylist() == [0]
    with pytest.raises(SqlError):
        lake.sql("select 1", {"unused": 1})


@pytest.mark.parametrize("name", ["it's a 'lake', [*] {x} %s", "env=prod; report_month=x"])
def test_a_strange_name_of_a_lake_stays_a_name(tmp_path, name):
    folder = tmp_path / name / "lake"
    small_lake.build(folder)
    with open_lake(folder, settings=small_lake.SETTINGS) as opened:
        assert opened.ask("success_rate", **small_lake.PERIOD).column("sessions").to_pylist() == [368]
        with pytest.raises(UsageError):
            opened.sql("select * from read_text('/etc/passwd')")


def test_a_file_that_could_not_be_opened_closes_without_a_word(tmp_path):
    """On Python 3.13 what its end raises is printed as a traceback."""
    file = LocalFile.__new__(LocalFile)
    with pytest.raises(FileNotFoundError):
        file.__init__(tmp_path / "gone")
    file.close()
