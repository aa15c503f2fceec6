"""What is handed over: the same sums, explained, harmless, and never over something else."""

from __future__ import annotations

import csv
import io
import zipfile

import duckdb
import polars
import pyarrow.parquet as pq
import pytest

PERIOD = ("--since", "2026-04-30", "--until", "2026-05-10")
TABLES = ("failures", "policies", "reports", "sessions")


def test_a_duckdb_file_holds_the_tables_of_the_period_with_the_meaning_of_every_column(tlsrpt, tmp_path):
    file = tmp_path / "may.duckdb"
    code, out, err = tlsrpt("export", file, *PERIOD)
    assert (code, out) == (0, b"")
    assert err.endswith("2026-04-30 to 2026-05-10\n")
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select sum(sessions), sum(failed) from sessions").fetchone() == (368, 20)
        assert connection.execute("select sum(failed_session_count) from failures").fetchone() == (23,)
        names = connection.execute("select table_name from duckdb_tables() where comment is not null order by 1").fetchall()
        assert tuple(name for (name,) in names) == TABLES
        bare = "select table_name, column_name from duckdb_columns() where not internal and table_name <> 'about' and comment is null"
        assert connection.execute(bare).fetchall() == []
        assert ("domain", "all") in connection.execute("from about").fetchall()


def test_a_file_about_one_domain_names_no_other(tlsrpt, tmp_path):
    code, _, _ = tlsrpt("export", tmp_path / "net.duckdb", *PERIOD, "--domain", "Example.NET.")
    assert code == 0
    with duckdb.connect(str(tmp_path / "net.duckdb"), read_only=True) as connection:
        assert connection.execute("select sum(sessions) from sessions").fetchone() == (36,)  # 30 without a policy, 6 of Microsoft
        assert connection.execute("select distinct report_domains from reports").fetchall() == [(["example.net"],)]
        for table in ("sessions", "policies", "failures"):
            assert connection.table(table).unique("report_domain").fetchall() == [("example.net",)]


def test_spreadsheets_get_text_that_is_no_formula_and_one_header(tlsrpt, tmp_path):
    file = tmp_path / "all.csv.zip"
    assert tlsrpt("export", file)[0] == 0
    with zipfile.ZipFile(file) as archive:
        read = {name: list(csv.reader(io.TextIOWrapper(archive.open(name), encoding="utf-8"))) for name in archive.namelist()}
    assert set(read) == {*(f"{name}.csv" for name in TABLES), "columns.csv", "about.csv"}
    head, *failures = read["failures.csv"]
    assert [row[head.index("failure_reason_code")] for row in failures if "cmd" in ",".join(row)] == ["'=cmd|'/c calc'!A1"]
    assert sum(row == head for row in read["failures.csv"]) == 1  # the period is several months
    described = {(row[0], row[1]) for row in read["columns.csv"][1:] if row[3]}
    assert described == {(name[:-4], column) for name in read if name[:-4] in TABLES for column in read[name][0]}


def test_the_same_rows_make_the_same_archive(tlsrpt, tmp_path):
    for name in ("a.csv.zip", "b.csv.zip"):
        assert tlsrpt("export", tmp_path / name, *PERIOD)[0] == 0
    assert (tmp_path / "a.csv.zip").read_bytes() == (tmp_path / "b.csv.zip").read_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_a_parquet_file_holds_one_table_and_what_its_columns_mean(tlsrpt, tmp_path, table):
    file = tmp_path / "one.parquet"
    assert tlsrpt("export", file, *PERIOD, "--table", table)[0] == 0
    schema = pq.read_schema(file)
    assert all(field.metadata and field.metadata[b"meaning"] for field in schema)
    assert schema.metadata[b"since"] == b"2026-04-30"
    if table == "sessions":
        assert polars.read_parquet(file)["sessions"].sum() == 368


def test_nothing_is_overwritten_unasked_and_nothing_half_written_stays(tlsrpt, tmp_path):
    file = tmp_path / "mine.parquet"
    file.write_text("mine")
    code, _, err = tlsrpt("export", file)
    assert (code, err) == (2, f"tlsrpt: {file} already exists; use --force to replace it\n")
    assert file.read_text() == "mine"
    assert tlsrpt("export", file, "--force")[0] == 0
    assert pq.read_metadata(file).num_rows > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.parquet", "tlsrpt.toml"]


def test_a_name_that_says_no_kind_and_a_folder_that_is_not_there_are_one_sentence_each(tlsrpt, tmp_path):
    code, _, err = tlsrpt("export", tmp_path / "lake.xlsx")
    assert (code, err) == (2, "tlsrpt: the file name decides the format: .duckdb, .parquet, .csv.zip, which 'lake.xlsx' does not\n")
    code, _, err = tlsrpt("export", tmp_path / "nowhere" / "x.duckdb")
    assert (code, err) == (66, f"tlsrpt: {tmp_path}/nowhere/x.duckdb cannot be written: No such file or directory\n")


@pytest.mark.parametrize("name", ["x.duckdb", "x.parquet", "x.csv.zip"])
def test_an_empty_lake_makes_empty_tables(tlsrpt, tmp_path, name):
    (tmp_path / "empty").mkdir()
    code, _, err = tlsrpt("--lake", tmp_path / "empty", "export", tmp_path / name)
    assert code == 0
    assert ": 0 rows" in err
