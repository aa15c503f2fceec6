"""Compaction, sorting and vacuum change files and never rows; retention lets go of what it should and nothing comes back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from shutil import copytree

import pytest

from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep import compact
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.writer import LakeWriter
from tests.lake.build import message, report
from tests.lake.content import content, rows, sums
from tests.lake.scenarios import BATCHES, ingest

TODAY = date(2026, 5, 15)


def day_in(month: int, day: int = 2) -> date:
    return date(2026, month, day)


def at(month: int, day: int = 3) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def many_batches(root, count=8):
    with LakeWriter(root, run_id="run") as writer:
        for number in range(count):
            writer.commit([message(f"m{number}", report(f"r{number}", domain=f"d{number % 3}.example", day=day_in(1 + number % 2)))])


@pytest.fixture(scope="module")
def batched(tmp_path_factory):
    root = tmp_path_factory.mktemp("batched") / "lake"
    many_batches(root)
    return root


@pytest.fixture
def eight(batched, tmp_path):
    """A lake of eight batches in two months."""
    return copytree(batched, tmp_path / "lake")


def test_merging_leaves_every_row_as_it_was_and_one_file_a_month(eight):
    before = content(eight)
    version = open_snapshot(eight).version
    with open_for_writing(eight) as lake:
        done = maintain(lake, today=TODAY)
    snapshot = open_snapshot(eight)
    assert content(eight) == before
    assert snapshot.version == version
    assert [len(snapshot.files[name]) for name in ("messages", "raw", "reports", "policies", "failures")] == [1, 1, 2, 2, 2]
    assert ("merge", "policies", 8) in [(each.step, each.table, each.files) for each in done]


def test_merged_rows_are_sorted_by_domain(eight):
    with open_for_writing(eight) as lake:
        maintain(lake, today=TODAY)
    domains = [row["report_domain"] for row in rows(eight, "policies") if row["report_month"] == "2026-01"]
    assert domains == sorted(domains)


def test_ingest_merges_by_itself_when_a_month_has_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "MANY_FILES", 5)
    many_batches(tmp_path, 4)
    with LakeWriter(tmp_path, run_id="run") as writer:
        assert writer.compact_if_needed() == 0
    many_batches(tmp_path / "b", 12)
    before = content(tmp_path / "b")
    with LakeWriter(tmp_path / "b", run_id="run") as writer:
        assert writer.compact_if_needed() > 0
        assert writer.compact_if_needed() == 0
        assert writer.commit([message("m0", report("r0", domain="d0.example", day=day_in(1)))]).outcomes == ["duplicate"]
    assert len(content(tmp_path / "b")["reports"]) == len(before["reports"])


def test_a_month_too_large_for_one_merge_is_sorted_by_the_engine_and_keeps_types_and_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "MERGED_ROWS", 2)
    many_batches(tmp_path, 10)
    before = content(tmp_path)
    with open_for_writing(tmp_path) as lake:
        first = {(each.step, each.table) for each in maintain(lake, today=TODAY)}
        second = {(each.step, each.table) for each in maintain(lake, today=TODAY)}
    assert content(tmp_path) == before
    assert {("sort", "policies"), ("sort", "failures")} <= first
    assert ("sort", "policies") not in second


def test_a_dry_run_says_what_would_go_and_changes_nothing(eight):
    files = sorted(path for path in eight.rglob("*") if path.is_file())
    with open_for_writing(eight) as lake:
        told = maintain(lake, today=TODAY, raw_days=1, report_months=3, dry_run=True)
    assert sorted(path for path in eight.rglob("*") if path.is_file()) == files
    with open_for_writing(eight) as lake:
        done = maintain(lake, today=TODAY, raw_days=1, report_months=3)
    assert [each for each in told if each.step == "retention"] == [each for each in done if each.step == "retention"]


def test_a_file_that_was_replaced_stays_for_readers_and_goes_after_its_time(eight):
    open_files = [file.path for file in open_snapshot(eight).files["policies"]]
    with open_for_writing(eight) as lake:
        maintain(lake, today=TODAY)
        from pathlib import Path

        assert all(Path(path).exists() for path in open_files)
        from pipeline.lake.upkeep.vacuum import vacuum

        vacuum(lake, retention_hours=0)
    assert not any(Path(path).exists() for path in open_files)
    assert sums(eight) == (720, 80, 8)


def test_what_an_interrupted_write_left_is_swept_when_it_is_a_day_old(tmp_path):
    import os
    import time

    many_batches(tmp_path, 1)
    folder = next((tmp_path / "policies").glob("report_month=*"))
    old, young = folder / "x.parquet#1", folder / "y.parquet#2"
    part, orphan = folder / "z.parquet.part", folder / "b9-orphan.parquet"
    for file in (old, young, part, orphan):
        file.write_bytes(b"half")
    for file in (old, part, orphan):
        os.utime(file, (time.time() - 2 * 86400,) * 2)
    with open_for_writing(tmp_path) as lake:
        maintain(lake, today=TODAY)
    assert [file.exists() for file in (old, young, part, orphan)] == [False, True, False, False]


@pytest.fixture(scope="module")
def aged(tmp_path_factory):
    root = tmp_path_factory.mktemp("retention") / "lake"
    with LakeWriter(root, run_id="run") as writer:
        writer.commit([message("m1", report("r1", day=day_in(1)), received_at=at(1)), message("m2", received_at=at(1))])
        writer.commit([message("m3", report("r1", day=day_in(1)), received_at=at(2))])
        writer.commit([message("m4", report("r2", day=day_in(4)), received_at=at(4)), message("m5", received_at=at(4))])
        writer.commit([message("m6", report("r3", day=day_in(1)), report("r4", day=day_in(4)), received_at=at(4))])
    return root


@pytest.fixture
def ageing(aged, tmp_path):
    return copytree(aged, tmp_path / "lake")


class TestRetention:
    def outcomes(self, root):
        return {row["uid"]: row["outcome"] for row in rows(root, "messages")}

    def keep(self, root, **settings):
        with open_for_writing(root) as lake:
            return maintain(lake, today=TODAY, **settings)

    def test_without_settings_everything_stays(self, ageing):
        before = content(ageing)
        self.keep(ageing)
        assert content(ageing) == before

    def test_bytes_go_by_the_day_and_rows_stay(self, ageing):
        self.keep(ageing, raw_days=60)
        assert len(rows(ageing, "raw")) == 3
        assert len(rows(ageing, "reports")) == 4
        assert self.outcomes(ageing) == {1: "stored", 2: "expired", 3: "duplicate", 4: "stored", 5: "quarantined", 6: "stored"}

    def test_rows_go_by_the_month_and_the_ledger_remembers(self, ageing):
        self.keep(ageing, report_months=3)
        assert {row["report_id"] for row in rows(ageing, "reports")} == {"r2", "r4"}
        assert self.outcomes(ageing) == {1: "expired", 2: "quarantined", 3: "expired", 4: "stored", 5: "quarantined", 6: "stored"}
        assert {row["report_month"] for name in ("policies", "failures") for row in rows(ageing, name)} == {"2026-04"}
        assert len(rows(ageing, "raw")) == 4

    def test_what_has_expired_does_not_come_back_from_a_mailbox_made_anew(self, ageing):
        self.keep(ageing, report_months=3, raw_days=60)
        before = {name: content(ageing)[name] for name in ("raw", "reports", "policies", "failures", "superseded")}
        with LakeWriter(ageing, run_id="run") as writer:
            again = writer.commit(
                [
                    message("m1", report("r1", day=day_in(1)), received_at=at(1), uidvalidity=2),
                    message("m2", received_at=at(1), uidvalidity=2),
                    message("m9", report("r1", day=day_in(1)), received_at=at(1), uidvalidity=2),
                    message("m6", report("r3", day=day_in(1)), report("r4", day=day_in(4)), received_at=at(4), uidvalidity=2),
                ]
            )
        assert again.outcomes == ["expired", "expired", "expired", "duplicate"]
        after = content(ageing)
        assert {name: after[name] for name in before} == before

    def test_once_more_finds_nothing_to_do(self, ageing):
        self.keep(ageing, report_months=3, raw_days=60)
        assert self.keep(ageing, report_months=3, raw_days=60) == []

    def test_answers_that_were_cached_are_asked_again(self, ageing):
        version = open_snapshot(ageing).version
        self.keep(ageing, report_months=3)
        assert open_snapshot(ageing).version != version


@pytest.mark.parametrize("batches", [BATCHES])
def test_maintenance_between_any_two_batches_changes_nothing(tmp_path, batches):
    ingest(tmp_path / "plain")
    for batch in batches:
        with LakeWriter(tmp_path / "kept", run_id="run") as writer:
            writer.commit(batch)
        with open_for_writing(tmp_path / "kept") as lake:
            maintain(lake, today=TODAY)
    assert content(tmp_path / "kept") == content(tmp_path / "plain")
