"""An open lake: versions, refreshing, threads, months, files that go, and what it tells a notebook."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from pipeline.config import Settings
from pipeline.errors import LakeError, SqlError, TryAgainError, UsageError
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from pipeline.query.describe import GRAINS
from pipeline.query.engine import Engine
from pipeline.query.scope import files_of
from pipeline.settings.single_tables import DomainSettings, QuerySettings
from pipeline.tables.schema import TABLES
from tests.query import small_lake
from tests.query.small_lake import PERIOD, RUN, SETTINGS
from tests.some import some


def test_eight_threads_ask_one_lake_and_every_answer_is_right(lake):
    right = {
        name: lake.ask(name, **PERIOD)
        for name in ("sessions_by_day", "sessions_by_domain", "failures_by_mx", "success_rate", "reports_found", "policies_seen")
    }
    questions = list(right) * 20
    random.Random(7).shuffle(questions)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: lake.ask(name, **PERIOD), questions))
    assert all(answer.equals(right[name]) for name, answer in zip(some(questions), answers, strict=True))


def test_a_refresh_shows_what_was_written_since_and_changes_the_version(tmp_path):
    mails = small_lake.messages()
    with LakeWriter(tmp_path / "lake", run_id=RUN.run_id) as writer:
        writer.commit(mails[:2])
    with open_lake(tmp_path / "lake", settings=SETTINGS) as opened:
        before = opened.version
        assert opened.ask("success_rate", **PERIOD).column("sessions").to_pylist() == [111]
        assert opened.refresh() is False
        with LakeWriter(tmp_path / "lake", run_id=RUN.run_id) as writer:
            writer.commit(mails[2:])
        assert opened.ask("success_rate", **PERIOD).column("sessions").to_pylist() == [111], "one snapshot until it is asked to look again"
        assert opened.refresh() is True
        assert opened.version != before
        assert opened.ask("success_rate", **PERIOD).column("sessions").to_pylist() == [368]


def test_rows_beyond_the_snapshot_or_before_the_floor_are_not_seen(lake):
    snapshot = lake.snapshot
    scope = lake._scope("select 1")
    counts = [
        lake._engine.run("select count(*) as n from reports", {}, scope._replace(floor=floor, batch=batch)).to_pylist()[0]["n"]
        for floor, batch in ((snapshot.floor, snapshot.batch), (0, 1), (2, 2), (0, 0), (99, 99))
    ]
    assert counts[0] == 15
    assert counts[1] == 5
    assert counts[1] + counts[2] < 15
    assert counts[3:] == [0, 0]


def test_the_version_depends_on_what_counts(lake_folder, lake):
    with open_lake(lake_folder, settings=Settings(domains=DomainSettings(own=("example.org",)))) as other:
        assert other.version != lake.version
    with open_lake(lake_folder, settings=SETTINGS) as same:
        assert same.version == lake.version


def test_a_question_opens_the_files_of_its_months_only(lake):
    files = files_of(lake.snapshot, ("2026-05", "2026-05"))
    opened = [path for table in (*files.files.values(), *files.contested.values()) for path in table]
    assert opened
    assert not [path for path in opened if "2026-04" in path]
    everything = lake._scope("select 1")
    assert [path for path in everything.files["policies"] if "2026-04" in path]
    assert all("2026-05" in path for path in everything.contested["policies"]), "something was superseded in May only"


def test_a_reader_whose_file_has_gone_opens_the_lake_once_more(tmp_path, lake_folder):
    shutil.copytree(lake_folder, tmp_path / "lake")
    with open_lake(tmp_path / "lake", settings=SETTINGS) as opened:
        stale = opened.snapshot
        opened.snapshot = type(stale)(
            stale.batch,
            stale.floor,
            stale.schema_version,
            {**stale.files, "policies": [f._replace(path=f.path + "x") for f in stale.files["policies"]]},
        )
        assert opened.ask("success_rate", **PERIOD).column("sessions").to_pylist() == [368]
        shutil.rmtree(tmp_path / "lake" / "policies" / "report_month=2026-05")
        with pytest.raises(LakeError, match="cannot be read"):
            opened.ask("success_rate", **PERIOD)


@pytest.mark.parametrize("asked", ["sql", "ask"])
def test_an_engine_that_duckdb_has_given_up_is_replaced(lake_folder, monkeypatch, asked):
    def fail(*_, **__):
        raise duckdb.InternalException("INTERNAL Error: Information loss on integer cast\n\nStack Trace:\n")

    with open_lake(lake_folder, settings=SETTINGS) as opened:
        ask = (lambda: opened.sql("select 1 as x")) if asked == "sql" else lambda: opened.ask("success_rate", **PERIOD)
        ask()
        engine = opened._engine_for(guests=asked == "sql")
        monkeypatch.setattr(engine, "run", fail)
        with pytest.raises((SqlError, UsageError), match=r"^[^\n]*Information loss[^\n]*$"):
            ask()
        assert ask().num_rows > 0
        assert opened._engine_for(guests=asked == "sql") is not engine


def test_a_folder_without_anything_is_an_empty_lake_and_a_file_is_none(tmp_path):
    (tmp_path / "none").mkdir()
    with open_lake(tmp_path / "none", settings=SETTINGS) as opened:
        assert opened.ask("sessions_by_day").num_rows == 0
    assert not list((tmp_path / "none").iterdir())
    (tmp_path / "file").write_text("x")
    with pytest.raises(LakeError, match="is a file"):
        open_lake(tmp_path / "file", settings=SETTINGS)


def test_a_query_that_needs_too_much_memory_ends_with_a_sentence(lake_folder):
    with open_lake(lake_folder, settings=Settings(query=QuerySettings(memory="20 MB"))) as opened:
        with pytest.raises(TryAgainError, match=r"more than 20 MB of memory \(\[query\] memory\)"):
            opened.sql("select list(range) from range(30000000)")
        assert opened.sql("select 1 as x").to_pylist() == [{"x": 1}]


def test_an_answer_that_is_larger_than_memory_ends_with_a_sentence(lake_folder):
    with open_lake(lake_folder, settings=Settings(query=QuerySettings(memory="20 MB"))) as opened:
        with pytest.raises(
            TryAgainError, match=r"^the query needs more than 20 MB of memory \(\[query\] memory\): its answer alone is larger$"
        ):
            opened.sql("from range(1000000000000)")
        assert opened.sql("from range(2000000)").num_rows == 2_000_000


def test_what_fails_in_the_middle_of_an_answer_is_told_as_at_its_beginning(lake):
    with pytest.raises(SqlError, match=r"^the SQL cannot be run: Could not convert string 'x' to INT32"):
        lake.sql("select cast(case when range < 900000 then '1' else 'x' end as int) as x from range(1000000)")


def test_an_answer_that_takes_too_long_is_ended_in_its_middle(lake_folder):
    settings = Settings(query=QuerySettings(seconds=0.2, memory="64GB"))
    with open_lake(lake_folder, settings=settings) as opened, pytest.raises(TryAgainError, match=r"longer than 0\.2 seconds"):
        opened.sql("select repeat('x', 10) as x from range(1000000000000) where hash(range) % 1000 = 0")


def test_a_sort_larger_than_memory_spills_into_a_private_folder_that_is_removed(lake_folder):
    opened = open_lake(lake_folder, settings=Settings(query=QuerySettings(memory="60 MB")))
    sorted_rows = opened.sql(
        "select count(*) as n from (select md5(range::varchar) as digest from range(2000000) order by digest offset 10)"
    )
    assert sorted_rows.to_pylist() == [{"n": 1999990}]
    folder = opened._engine._temporary
    assert folder.exists()
    opened.close()
    assert not folder.exists()


def test_every_view_has_a_grain_and_every_column_a_meaning(lake):
    shown = set(lake.sql("select table_name from information_schema.tables where table_schema = 'main'").column("table_name").to_pylist())
    assert shown == set(GRAINS) == set(lake.tables)
    assert [f"{view.name}.{column.name}" for view in lake.tables.values() for column in view.columns if not column.meaning] == []
    assert {column.name for column in lake.tables["sessions"].columns} >= {"authenticated", "failed", "unprotected", "counted_type"}
    for name, table in TABLES.items():
        assert set(table.column_names) <= {column.name for column in lake.tables[name].columns}


def test_duckdb_knows_what_the_columns_mean(lake):
    found = lake.sql("select comment from duckdb_columns() where table_name = 'policies' and column_name = 'success_count'")
    assert found.to_pylist() == [{"comment": "total-successful-session-count [sessions] (RFC 8460 §4.2)"}]


def test_a_notebook_shows_a_lake_its_views_and_their_columns_escaped(tmp_path):
    (strange := tmp_path / "<lake onload=x>").mkdir()
    with open_lake(strange, settings=SETTINGS) as opened:
        for html in (
            opened._repr_html_(),
            opened.tables._repr_html_(),
            opened.tables["policies"]._repr_html_(),
            opened.questions._repr_html_(),
        ):
            assert html.startswith("<table>")
            assert "<lake" not in html
        assert "Sum of failed-session-count over its details" in opened.tables["policies"]._repr_html_()
        assert "2.0.0" in repr(opened)


def test_times_are_utc_whatever_the_machine_thinks(lake):
    zone = "select max(received_at) as last, current_setting('TimeZone') as zone from messages"
    answer = lake._engine_for(guests=True).run(zone, {}, lake._scope(""))
    assert answer.schema.field("last").type == pa.timestamp("us", tz="UTC")
    assert answer.to_pylist()[0]["zone"] == "UTC"


def test_importing_the_package_is_free_of_heavy_imports():
    program = "import sys, pipeline; print(*{'duckdb', 'pyarrow', 'deltalake', 'pydantic'} & set(sys.modules)); pipeline.open_lake"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "\n"


def test_an_engine_that_is_forgotten_leaves_nothing_behind(lake_folder):
    engine = Engine(str(lake_folder), SETTINGS)
    folder = engine._temporary
    del engine
    assert not folder.exists()
