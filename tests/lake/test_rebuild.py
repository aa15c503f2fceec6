"""Rebuilding reads all kept bytes again, carries over what has none, and switches generations in one commit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.writer import LakeWriter
from tests.lake.build import report
from tests.lake.content import content, counted, rows, sums
from tests.lake.scenarios import BATCHES, better_parser, ingest, same_parser
from tests.lake.test_maintain import TODAY


def rebuilt(root, parser):
    with open_for_writing(root) as lake:
        return rebuild(lake, parser)


def test_the_same_parser_gives_the_same_lake(lake):
    before, floor = content(lake), open_snapshot(lake).floor
    done = rebuilt(lake, same_parser)
    after = content(lake)
    # Of a superseded report it is told by which one at that time; now all are known at once.
    assert [len(each.pop("superseded")) for each in (before, after)] == [4, 4]
    assert after == before
    assert (floor, open_snapshot(lake).floor, open_snapshot(lake).batch) == (0, 4, 4)
    assert (done.messages, done.read_again, done.outcomes_changed) == (12, 9, 0)


def test_a_better_parser_gives_other_rows_and_duplicates_follow(lake):
    old = {row["uid"]: row for row in rows(lake, "messages")}
    done = rebuilt(lake, better_parser)
    new = {row["uid"]: row for row in rows(lake, "messages")}
    # m4 could not be read before and holds r6 now; m2 repeats m1, m11 repeats m8.
    assert (old[4]["outcome"], new[4]["outcome"]) == ("quarantined", "stored")
    assert done.outcomes_changed == 1
    assert new[1]["report_keys"] != old[1]["report_keys"]
    assert new[2]["report_keys"] == new[1]["report_keys"]
    assert new[11]["report_keys"] == new[8]["report_keys"]
    assert {row["parser_version"] for row in rows(lake, "reports")} == {"0.0.better"}
    assert (new[1]["ingested_at"], new[1]["run_id"]) == (old[1]["ingested_at"], old[1]["run_id"])


def test_the_counted_set_is_that_of_a_lake_that_the_better_parser_read_from_the_start(tmp_path):
    ingest(tmp_path / "old")
    rebuilt(tmp_path / "old", better_parser)
    with LakeWriter(tmp_path / "new", run_id="run") as writer:
        for batch in BATCHES:
            writer.commit(better_parser([(rows_.message, rows_.content) for rows_ in batch]))
    assert counted(tmp_path / "old") == counted(tmp_path / "new")
    assert sums(tmp_path / "old") == sums(tmp_path / "new")
    assert {row["report_key"] for row in rows(tmp_path / "old", "superseded")} == {
        row["report_key"] for row in rows(tmp_path / "new", "superseded")
    }


def test_what_has_no_bytes_any_more_is_carried_over(lake):
    before = sums(lake)
    with open_for_writing(lake) as opened:
        maintain(opened, today=TODAY, raw_days=60)
    assert {row["received_month"] for row in rows(lake, "raw")} == {"2026-04"}
    done = rebuilt(lake, better_parser)
    versions = {row["report_id"]: row["parser_version"] for row in rows(lake, "reports")}
    assert versions == {"r1": "0.0.test", "r2": "0.0.test", "r3": "0.0.test", "r4": "0.0.better", "r5": "0.0.better"}
    assert sums(lake) == before
    assert done.carried_over == 6
    assert rebuilt(lake, better_parser)[3:] == (0, 9, 9)


def test_a_duplicate_of_a_report_that_a_late_verdict_superseded_follows_it(tmp_path):
    from tests.lake.scenarios import late_verdict

    late_verdict(tmp_path)
    rebuilt(tmp_path, better_parser)
    ledger = {row["uid"]: row["report_keys"] for row in rows(tmp_path, "messages")}
    assert ledger[2] == ledger[1]
    assert ledger[1][0] in counted(tmp_path)


def test_a_reader_sees_the_old_generation_until_the_new_one_is_complete(lake):
    before = content(lake)
    seen = []

    def watched(messages):
        seen.append(content(lake) == before)
        return better_parser(messages)

    rebuilt(lake, watched)
    assert seen
    assert all(seen)
    assert content(lake) != before


def test_the_old_files_leave_the_tables(lake):
    rebuilt(lake, better_parser)
    for name in ("messages", "reports", "policies", "failures", "superseded"):
        assert {row["batch"] for row in rows(lake, name)} == {4}
    with open_for_writing(lake) as opened:
        first = {file.first_batch for name in ("reports", "messages") for file in opened.present(name)}
    assert first == {4}


def test_ingest_goes_on_after_a_rebuild(lake):
    rebuilt(lake, same_parser)
    before = content(lake)
    ingest(lake)
    assert content(lake) == before
    from tests.lake.build import message

    with LakeWriter(lake, run_id="run") as writer:
        assert writer.commit([message("m20", report("r1")), message("m21", report("r21"))]).outcomes == ["duplicate", "stored"]


def test_an_empty_lake_is_rebuilt_to_an_empty_one(tmp_path):
    assert rebuilt(tmp_path, same_parser)[:4] == (0, 0, 0, 0)
    assert content(tmp_path)["messages"] == []


@pytest.mark.parametrize("received", [datetime(2026, 7, 1, tzinfo=UTC)])
def test_bytes_that_were_received_in_another_month_are_found(tmp_path, received):
    from tests.lake.build import message

    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit([message("m1", report("r1", tier="unverified"), content=b"same")])
        writer.commit([message("f1", report("r1", tier="vouched"), content=b"same", account="file", received_at=received)])
    asked = []

    def spy(messages):
        asked.extend((row.account, bytes_) for row, bytes_ in messages)
        tiers = {"rua": "unverified", "file": "vouched"}
        return [message("x", report("r1", tier=tiers[row.account]))._replace(message=row, content=bytes_) for row, bytes_ in messages]

    before = counted(tmp_path)
    rebuilt(tmp_path, spy)
    assert asked == [("rua", b"same"), ("file", b"same")]
    assert counted(tmp_path) == before
