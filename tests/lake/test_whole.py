"""A lake with something missing or broken refuses to answer: fewer failures must never be what a lost file looks like."""

from __future__ import annotations

import json
from shutil import rmtree

import pytest

from pipeline.cli import main
from pipeline.config import Settings
from pipeline.errors import LakeError
from pipeline.ingest.doctor import examine
from pipeline.lake.delta.delta_tables import checkpoint, open_table
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.delta.whole import OTHERS, seen
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import locate
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.upkeep.repair import repair
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from pipeline.tables.schema import OUTLIVE_REBUILD
from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.lake.build import message, report
from tests.lake.test_maintain import TODAY

ANEW = {"reports", "policies", "failures", "superseded"}
"""What a rebuild makes anew."""


def _last_entry(root, name):
    return max((root / name / "_delta_log").glob("0*.json"))


def _without_newest_entry(root, name):
    log = root / name / "_delta_log"
    for path in (_last_entry(root, name), *log.glob("*.checkpoint*"), *log.glob("_last_checkpoint")):
        path.unlink()


def _damages(root, name):
    files = sorted((root / name).glob("*=*/*.parquet"))
    return {
        "the folder": lambda: rmtree(root / name),
        "the newest log entry": lambda: _without_newest_entry(root, name),
        "all log entries": lambda: rmtree(root / name / "_delta_log"),
        "a file": files[0].unlink,
        "the end of a file": lambda: files[0].write_bytes(files[0].read_bytes()[:60]),
    }


LOST = ("the folder", "the newest log entry", "all log entries")


@pytest.mark.parametrize("name", ["raw", "failures", "policies", "reports", "superseded"])
@pytest.mark.parametrize("damage", LOST)
def test_a_table_that_lost_what_was_committed_is_refused_by_readers_and_writers(lake, name, damage):
    _damages(lake, name)[damage]()
    mend = "restore the backup; .*maintain --repair" if name == "raw" else "tlsrpt rebuild"
    with pytest.raises(LakeError, match=f"the table {name} lost.*{mend}"):
        open_snapshot(lake)
    with pytest.raises(LakeError, match=f"the table {name} lost"), LakeWriter(lake, run_id="x") as writer:
        writer.commit([message("m99", report("r99"))])
    assert not (lake / name).exists() or damage != "the folder", "nothing was put in its place"


@pytest.mark.parametrize("name", sorted(ANEW))
@pytest.mark.parametrize("damage", LOST)
def test_a_rebuild_makes_it_anew(lake, name, damage):
    _damages(lake, name)[damage]()
    with open_for_writing(lake, mending=ANEW) as opened:
        rebuild(opened, lambda messages: [message("m", report("r"))._replace(message=row) for row, _ in messages])
    assert open_snapshot(lake).batch > 0
    with LakeWriter(lake, run_id="x") as writer:
        writer.commit([message("m99", report("r99"))])
    open_snapshot(lake)


@pytest.mark.parametrize("name", ["failures", "policies", "reports"])
@pytest.mark.parametrize("damage", [*LOST, "a file", "the end of a file"])
def test_every_question_ends_with_74_and_one_sentence(tlsrpt, lake, name, damage):  # noqa: F811
    _damages(lake, name)[damage]()
    for what in ("*", "sum(length(report_key))"):
        ran = tlsrpt.run("--lake", str(lake), "sql", f"from {name} select {what}")
        assert ran.code == 74, (what, ran.err)
        assert (ran.err.count("\n"), "tlsrpt rebuild" in ran.err, "Traceback" in ran.err) == (1, True, False)
        assert ran.out == ""


@pytest.mark.parametrize("name", ["messages", "raw", "failures", "policies", "reports", "superseded"])
@pytest.mark.parametrize("damage", ["a file", "the end of a file"])
def test_doctor_opens_every_footer(lake, name, damage):
    _damages(lake, name)[damage]()
    found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
    assert (found["lake files"].state, found["lake files"].exit_code) == ("fail", 74)
    assert f"{name}/" in found["lake files"].says
    assert "backup" in found["lake files"].says
    assert ("rebuild" in found["lake files"].says) == (name in ANEW)


@pytest.mark.parametrize("name", ["raw", "messages"])
@pytest.mark.parametrize("damage", ["a file", "the end of a file"])
def test_a_repair_strikes_off_broken_files_that_no_rebuild_recreates(lake, name, damage, capsys):
    _damages(lake, name)[damage]()
    assert main(["--lake", str(lake), "maintain", "--repair", "--dry-run", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["step"], row["table"], row["files"], row["rows"] > 0) for row in told] == [("repair", name, 1, True)]
    found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
    assert (found["lake files"].state, "maintain --repair" in found["lake files"].says) == ("fail", True), "nothing was changed"
    assert main(["--lake", str(lake), "maintain", "--repair", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
    assert found["lake files"].state == "ok"
    with open_lake(lake) as opened:
        assert opened.sql("select count(*) as n from messages").num_rows == 1
    with LakeWriter(lake, run_id="x") as writer:
        writer.commit([message("m99", report("r99"))])


@pytest.mark.parametrize("damage", LOST)
def test_a_repair_goes_on_without_stored_mail_that_is_gone(lake, damage):
    _damages(lake, "raw")[damage]()
    with open_for_writing(locate(lake), mending=OUTLIVE_REBUILD) as opened:
        assert [(each.step, each.table) for each in repair(opened)] == [("repair", "raw")]
    assert open_snapshot(lake).batch > 0
    with LakeWriter(lake, run_id="x") as writer:
        writer.commit([message("m99", report("r99"))])


@pytest.mark.parametrize("name", sorted(ANEW))
def test_a_repair_strikes_off_nothing_that_a_rebuild_recreates(lake, name):
    _damages(lake, name)["a file"]()
    with open_for_writing(locate(lake), mending=OUTLIVE_REBUILD) as opened:
        assert repair(opened) == []
    found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
    assert (found["lake files"].state, "rebuild" in found["lake files"].says) == ("fail", True)
    _damages(lake, name)["the folder"]()
    with pytest.raises(LakeError, match=f"the table {name} lost"), open_for_writing(locate(lake), mending=OUTLIVE_REBUILD):
        pass


def test_doctor_says_that_all_is_there(lake):
    found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
    assert found["lake files"].state == "ok"
    assert "every footer reads" in found["lake files"].says


def test_what_the_ledger_says_of_the_tables_survives_checkpoints_and_maintenance(lake):
    def told():
        messages = open_table(locate(lake), "messages")
        return {name: messages.delta.transaction_version(f"tlsrpt.at.{name}") for name in OTHERS}

    before = told()
    assert all(version is not None for version in before.values())
    location = locate(lake)
    checkpoint(location, "messages", open_table(location, "messages"))
    for path in (lake / "messages" / "_delta_log").glob("0*.json"):
        if path != _last_entry(lake, "messages"):
            path.unlink()
    assert told() == before
    with open_for_writing(lake) as opened:
        maintain(opened, today=TODAY, raw_days=0, report_months=0)
        assert all(told()[name] <= version for name, version in ((n, opened.tables[n].version()) for n in OTHERS))
        assert seen(opened.tables)
    open_snapshot(lake)
    _damages(lake, "failures")["the folder"]()
    with pytest.raises(LakeError, match="failures"):
        open_snapshot(lake)


def test_a_lake_that_was_written_before_is_accepted_until_its_next_commit(lake, monkeypatch):
    monkeypatch.setattr("pipeline.lake.delta.commit.seen", lambda _tables: {})
    with LakeWriter(lake.parent / "older", run_id="x") as writer:
        writer.commit([message("m1", report("r1"))])
    monkeypatch.undo()
    older = lake.parent / "older"
    assert open_table(locate(older), "messages").delta.transaction_version("tlsrpt.at.reports") is None
    open_snapshot(older)
    with LakeWriter(older, run_id="y") as writer:
        writer.commit([message("m2", report("r2"))])
    assert open_table(locate(older), "messages").delta.transaction_version("tlsrpt.at.reports") is not None


@pytest.fixture
def far(bucket, ingested):
    """The ingested lake, copied into a bucket, and what is in there."""
    store = locate(bucket).store
    for path in sorted(ingested.rglob("*")):
        if path.is_file() and not path.relative_to(ingested).parts[0].startswith("_"):
            store.put(str(path.relative_to(ingested)), path.read_bytes())
    open_snapshot(bucket)
    return store


class TestBucket:
    """The same in a bucket, where nothing but the object is there to be missed."""

    @pytest.mark.parametrize("name", ["failures", "raw"])
    @pytest.mark.parametrize("damage", ["the table", "the newest log entry", "all log entries"])
    def test_a_table_that_lost_what_was_committed_is_refused(self, far, bucket, name, damage):
        log = [file.path for file in far.walk(name) if "/_delta_log/" in file.path]
        newest = max(path for path in log if path.endswith(".json"))
        far.remove_all(
            {
                "the table": [file.path for file in far.walk(name)],
                "the newest log entry": [newest, *(path for path in log if "checkpoint" in path)],
                "all log entries": log,
            }[damage]
        )
        with pytest.raises(LakeError, match=f"the table {name} lost"):
            open_snapshot(bucket)
        with pytest.raises(LakeError, match=f"the table {name} lost"), LakeWriter(bucket, run_id="x") as writer:
            writer.commit([message("m99", report("r99"))])
        found = {check.name: check for check in examine(Settings(lake={"path": bucket}, trust={"dkim": "off"}), None)}
        assert (found["lake"].state, found["lake"].exit_code) == ("fail", 74)
        assert ("rebuild" in found["lake"].says) == (name in ANEW)

    def test_doctor_opens_every_footer(self, far, bucket):
        gone = next(file.path for file in far.walk("failures") if file.path.endswith(".parquet") and "/_delta_log/" not in file.path)
        far.remove(gone)
        found = {check.name: check for check in examine(Settings(lake={"path": bucket}, trust={"dkim": "off"}), None)}
        assert (found["lake files"].state, found["lake files"].exit_code) == ("fail", 74)
        assert gone in found["lake files"].says


def test_doctor_counts_what_a_rebuild_cannot_judge_anew(lake):
    def told():
        found = {check.name: check for check in examine(Settings(lake={"path": str(lake)}, trust={"dkim": "off"}), None)}
        return found["reports without mail"].says if "reports without mail" in found else None

    assert told() is None
    with open_for_writing(lake) as opened:
        maintain(opened, today=TODAY, raw_days=1, report_months=0)
    assert "authenticated reports of mail that is no longer stored" in told()
