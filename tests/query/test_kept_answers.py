"""The answers a morning begins with are kept by `maintain`, are those that would be given, and are used for nothing else."""

from __future__ import annotations

import errno
import os
from datetime import date, timedelta
from shutil import copytree

import pytest

from pipeline import cli
from pipeline.config import Settings
from pipeline.errors import TryAgainError
from pipeline.groups import GroupSettings
from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.store import FolderStore
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.writer import LakeWriter
from pipeline.query import month_sums, open_lake
from pipeline.query.engine import Engine
from pipeline.query.kept import FIRST_DRAWN, ask_morning
from pipeline.query.reader import Lake
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.lake.build import message, report

AS_OF = date(2026, 6, 20)
MAILS = [
    message(
        f"m{number}",
        report(
            f"r{number}",
            domain=f"{'ab'[number % 2]}.example",
            submitter=f"s{number % 3}.example",
            day=AS_OF - timedelta(days=number % 30),
            good=100 + number,
            bad=5 * (number % 4),
            result_type="certificate-expired",
        ),
    )
    for number in range(90)
]
OWN = Settings(domains=DomainSettings(own=["a.example"]))


@pytest.fixture(autouse=True)
def large(monkeypatch):
    monkeypatch.setattr(month_sums, "LEAST_ROWS", 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("kept") / "lake"
    with LakeWriter(root, run_id="run") as writer:
        writer.commit(MAILS)
    return root


@pytest.fixture
def lake(written, tmp_path):
    return copytree(written, tmp_path / "lake")


@pytest.fixture
def asked(monkeypatch):
    """The statements that reached DuckDB."""
    statements = []
    run = Engine.run
    monkeypatch.setattr(Engine, "run", lambda self, sql, *rest, **more: statements.append(sql) or run(self, sql, *rest, **more))
    return statements


def keep(root, settings=None, today=AS_OF):
    with open_for_writing(root) as opened, open_lake(opened.location.uri, settings=settings or Settings()) as reader:
        return reader.keep_answers(today)


def files(root):
    return {path.name: path for path in (root / SUMS_FOLDER).glob("answers-*")}


def morning(root, settings=None, today=AS_OF, group=None):
    """All answers of a morning, in the order in which they are asked for."""
    answers = []
    with open_lake(root, settings=settings or Settings(), group=group) as reader:
        ask = reader.ask
        reader.ask = lambda name, **parameters: answers.append((name, parameters, ask(name, **parameters))) or answers[-1][2]
        ask_morning(reader, today, usual=90, own=("a.example",))
    return answers


def test_what_is_kept_is_what_would_be_answered_and_duckdb_is_not_asked(lake, asked):
    assert keep(lake, OWN) == len({(name, repr(parameters)) for name, parameters, _ in morning(lake, OWN)})
    asked.clear()
    kept = morning(lake, OWN)
    assert all(any(table.num_rows for name, _, table in kept if name == each) for each in FIRST_DRAWN)
    assert not asked
    for path in files(lake).values():
        path.unlink()
    fresh = morning(lake, OWN)
    assert asked
    assert [(name, table.schema, table.to_pylist()) for name, _, table in kept] == [
        (name, table.schema, table.to_pylist()) for name, _, table in fresh
    ]


def test_another_day_configuration_or_group_finds_none(lake, asked):
    keep(lake)
    for settings, today, group in (
        (None, AS_OF + timedelta(days=1), None),
        (Settings(trust=TrustSettings(count=["verified"])), AS_OF, None),
        (Settings(group=(GroupSettings(name="a", domains=("a.example",)),)), AS_OF, "a"),
    ):
        asked.clear()
        morning(lake, settings, today, group)
        assert asked


def test_after_a_commit_they_are_asked_anew_and_the_next_keeping_removes_the_old(lake):
    before = keep(lake) and files(lake)
    with LakeWriter(lake, run_id="run") as writer:
        writer.commit([message("m900", report("r900", domain="a.example", day=AS_OF - timedelta(days=3), good=7_000))])
    sessions = {name: table.to_pylist() for name, _, table in morning(lake)}["success_rate"]
    assert keep(lake)
    assert not before.keys() & files(lake).keys()
    assert {name: table.to_pylist() for name, _, table in morning(lake)}["success_rate"] == sessions


def test_keeping_twice_writes_nothing_and_a_new_day_replaces_the_old(lake):
    keep(lake)
    times = {name: path.stat().st_mtime_ns for name, path in files(lake).items()}
    keep(lake)
    assert {name: path.stat().st_mtime_ns for name, path in files(lake).items()} == times
    keep(lake, today=AS_OF + timedelta(days=1))
    assert len(times.keys() & files(lake).keys()) == 1  # how far the lake reaches is asked without a day


@pytest.mark.parametrize("damage", [b"", b"ARROW1", None])
def test_one_that_is_damaged_is_asked_anew(lake, asked, damage):
    keep(lake, OWN)
    whole = morning(lake, OWN)
    for path in files(lake).values():
        path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    asked.clear()
    assert [(name, table.to_pylist()) for name, _, table in morning(lake, OWN)] == [(name, table.to_pylist()) for name, _, table in whole]
    assert asked
    keep(lake, OWN)
    asked.clear()
    morning(lake, OWN)
    assert not asked


def test_where_they_may_not_be_read_it_is_asked(lake, asked, monkeypatch):
    def closed(self, path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    keep(lake)
    monkeypatch.setattr(FolderStore, "get", closed)
    asked.clear()
    with open_lake(lake, settings=Settings()) as reader:
        assert reader.ask("success_rate", since=AS_OF - timedelta(days=27), until=AS_OF, as_of=AS_OF).num_rows == 1
    assert asked


def test_maintain_says_where_a_question_takes_too_much_and_is_done_all_the_same(lake, monkeypatch, capsys):
    def too_long(self, today):
        raise TryAgainError("the query takes longer than 1 seconds")

    monkeypatch.setattr(Lake, "keep_answers", too_long)
    assert cli.main(["--lake", str(lake), "maintain"]) == 0
    assert "were not kept for the page and the other commands: the query takes longer" in capsys.readouterr().err


def test_erasure_takes_them_with_it(lake):
    keep(lake)
    with open_for_writing(lake) as opened:
        erase_domain(opened, "b.example")
    assert not files(lake)
    keep(lake)
    assert files(lake)
    assert not any("b.example" in str(table.to_pylist()) for _, _, table in morning(lake))


def test_of_a_lake_that_is_quickly_asked_nothing_is_kept(lake, monkeypatch):
    monkeypatch.setattr(month_sums, "LEAST_ROWS", len(MAILS) + 1)
    assert keep(lake) == 0
    assert not files(lake)
