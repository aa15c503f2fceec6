"""Opening a lake: the lock, the schema, what is not a lake, a full disk, a power cut."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, LakeError, TryAgainError
from pipeline.lake.delta.delta_tables import SCHEMA_PROPERTY, create_tables
from pipeline.lake.delta.snapshot import current_version, open_snapshot
from pipeline.lake.delta.upgrade import Step, upgrade
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.tables.schema import TABLES
from tests.lake.build import message, report
from tests.lake.content import content, rows, sums
from tests.lake.scenarios import BATCHES, ingest

ROOT = Path(__file__).parents[2]


def test_a_lake_that_is_not_there_is_empty_for_a_reader(tmp_path):
    snapshot = open_snapshot(tmp_path / "none")
    assert (snapshot.batch, snapshot.floor, snapshot.version) == (0, 0, "2.0.0")
    assert snapshot.files == {name: [] for name in TABLES}
    assert not (tmp_path / "none").exists()


def test_a_lake_that_nobody_has_written_to_is_empty_for_a_reader(tmp_path):
    with LakeWriter(tmp_path / "lake", run_id="run"):
        pass
    assert open_snapshot(tmp_path / "lake") == open_snapshot(tmp_path / "none")
    assert current_version(tmp_path / "lake") == current_version(tmp_path / "none") == "2.0.0"


def test_the_version_of_a_lake_changes_with_its_content_only(tmp_path):
    versions = []
    with LakeWriter(tmp_path, run_id="run") as writer:
        for batch in (*BATCHES, []):
            writer.commit(batch)
            versions.append(open_snapshot(tmp_path).version)
            assert current_version(tmp_path) == versions[-1]
    assert versions == ["2.0.1", "2.0.2", "2.0.3", "2.0.3"]


def test_a_snapshot_names_files_by_month_with_their_rows(lake):
    entries = open_snapshot(lake).files["reports"]
    assert {entry.month for entry in entries} == {"2026-03", "2026-04"}
    assert sum(entry.rows for entry in entries) == len(rows(lake, "reports"))
    assert all(Path(entry.path).is_file() for entry in entries)


def test_a_second_writer_is_told_to_try_again(tmp_path):
    with LakeWriter(tmp_path, run_id="one"):
        with pytest.raises(TryAgainError, match="another run is writing") as caught, LakeWriter(tmp_path, run_id="two"):
            pass
        assert caught.value.exit_code == 75
    with LakeWriter(tmp_path, run_id="two"):
        pass


def test_the_lock_of_a_dead_writer_is_free(tmp_path):
    code = f"""
import os
from pipeline.lake.writer import LakeWriter
LakeWriter({str(tmp_path)!r}, run_id="run").__enter__()
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == -9
    with LakeWriter(tmp_path, run_id="run"):
        pass


@pytest.mark.parametrize("opener", [open_snapshot, lambda where: LakeWriter(where, run_id="run").__enter__()], ids=["reader", "writer"])
def test_a_path_that_is_a_file_is_no_lake(tmp_path, opener):
    (tmp_path / "file").write_text("x")
    with pytest.raises(LakeError, match="is a file, and should be a folder"):
        opener(tmp_path / "file")


def test_a_lake_that_may_not_be_read_is_said_in_one_sentence(tmp_path):
    code = f"""
import os
from pipeline.errors import LakeError
from pipeline.lake.delta.snapshot import open_snapshot
open_snapshot({str(tmp_path / "other")!r})
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
try:
    open_snapshot({str(tmp_path / "lake")!r})
except LakeError as err:
    print(err)
"""
    ingest(tmp_path / "lake")
    ingest(tmp_path / "other")
    (tmp_path / "lake" / "messages").chmod(0)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    try:
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    finally:
        (tmp_path / "lake" / "messages").chmod(0o755)
    assert "may not be read; check its owner and permissions" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "address", ["ftp://host/lake", "gs://bucket/lake", "s3://bucket", "s3://bucket/", "s3://B/x", "s3://bucket/a/../b"]
)
def test_an_address_that_is_none_is_refused_in_one_sentence(address):
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        locate(address)


class TestSchema:
    def set_version(self, root, version):
        for table in create_tables(locate(root)).values():
            table.delta.alter.set_table_properties({SCHEMA_PROPERTY: version}, raise_if_not_exists=False)

    @pytest.mark.parametrize(
        "opener",
        [open_snapshot, current_version, lambda where: LakeWriter(where, run_id="run").__enter__()],
        ids=["reader", "key", "writer"],
    )
    def test_a_lake_of_a_newer_program_is_refused(self, lake, opener):
        self.set_version(lake, "99")
        with pytest.raises(ConfigError, match="uses schema 99; this version supports up to 2") as caught:
            opener(lake)
        assert caught.value.exit_code == 78

    def test_an_older_lake_is_brought_up_by_named_steps(self, lake):
        from deltalake import Field
        from deltalake.schema import PrimitiveType

        def add_colour(_location, tables):
            if "colour" not in {field.name for field in tables["reports"].delta.schema().fields}:
                tables["reports"].delta.alter.add_columns([Field("colour", PrimitiveType("string"), nullable=True)])

        ran = []
        self.set_version(lake, "1")
        steps = (Step(2, "colour of reports", add_colour), Step(3, "nothing to do", lambda _location, _tables: ran.append(3)))
        before = content(lake)
        location = locate(lake)
        assert upgrade(location, create_tables(location), steps=steps, to=3) == ["colour of reports", "nothing to do"]
        tables = create_tables(location)
        assert {table.delta.metadata().configuration[SCHEMA_PROPERTY] for table in tables.values()} == {"3"}
        assert "colour" in {field.name for field in tables["reports"].delta.schema().fields}
        assert upgrade(location, tables, steps=steps, to=3) == []
        assert ran == [3]
        self.set_version(lake, "2")
        assert content(lake) == before

    def test_a_step_that_was_cut_off_is_taken_again(self, lake):
        self.set_version(lake, "1")
        location = locate(lake)
        tables = create_tables(location)
        tables["raw"].delta.alter.set_table_properties({SCHEMA_PROPERTY: "2"}, raise_if_not_exists=False)
        ran = []
        assert upgrade(location, tables, steps=(Step(2, "again", lambda _location, _tables: ran.append(2)),), to=2) == ["again"]
        assert ran == [2]

    def test_a_lake_too_old_for_this_program_is_refused(self, lake):
        location = locate(lake)
        with pytest.raises(ConfigError, match="cannot upgrade to 5"):
            upgrade(location, create_tables(location), steps=(), to=5)


class TestAfterAPowerCut:
    """The newest log entry is empty or torn: its batch is still staged, and is committed again."""

    @pytest.fixture
    def cut(self, server, tmp_path):
        server.run("ingest", tmp_path / "lake", kill_at="stage-drop:2")
        return tmp_path

    def torn(self, root, name):
        return max((root / name / "_delta_log").glob("*.json"))

    @pytest.mark.parametrize("left", [b"", b'{"commitInfo":{"timest'])
    def test_torn_entries_are_removed_and_the_batch_committed_again(self, cut, ingested, left):
        for name in ("messages", "reports", "raw"):
            self.torn(cut / "lake", name).write_bytes(left)
        ingest(cut / "lake")
        assert content(cut / "lake") == content(ingested)

    def test_a_torn_checkpoint_is_removed(self, lake):
        before = content(lake)
        tables = create_tables(locate(lake))
        for name in ("messages", "policies"):
            tables[name].delta.create_checkpoint()
            checkpoint = next((lake / name / "_delta_log").glob("*.checkpoint.parquet"))
            checkpoint.write_bytes(checkpoint.read_bytes()[:100] if name == "messages" else b"")
        with open_for_writing(lake):
            pass
        assert content(lake) == before

    def test_a_sound_lake_is_left_alone(self, lake):
        from pipeline.lake.delta.log_repair import repair_log

        assert [repair_log(locate(lake), name) for name in TABLES] == [[] for _ in TABLES]


def run_full_disk(folder):
    """Run the script with a small tmpfs over the folder where this machine lets us, else with a limit on the size of files."""
    command = [sys.executable, "-m", "tests.lake.full_disk", str(folder)]
    mount = f'mount -t tmpfs -o size=1800k none {folder} && exec "$@" disk'
    done = subprocess.run(["unshare", "-rm", "sh", "-c", mount, "sh", *command], check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        done = subprocess.run([*command, "limit"], check=True, cwd=ROOT, capture_output=True, text=True)
        return json.loads(done.stdout), "cannot be written"
    return json.loads(done.stdout), "is full; stored data is intact"


def test_a_full_disk_is_one_sentence_and_harms_nothing_stored(tmp_path):
    told, sentence = run_full_disk(tmp_path)
    assert sentence in told["sentence"]
    assert told["code"] == 74
    assert told["batches"] >= 2
    whole = [told["batches"] * 450, told["batches"] * 50, told["batches"] * 5]
    assert told["between"] == whole
    assert told["after"] == [whole[0] + 450, whole[1] + 50, whole[2] + 5]
    assert told["messages"] == told["batches"] * 5 + 5
    assert set(told["outcomes"]) <= {"stored"}


def test_a_writer_whose_batch_failed_takes_no_other(tmp_path, monkeypatch):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit([message("m1", report("r1"))])
        with monkeypatch.context() as patch:
            patch.setattr(
                "pipeline.lake.delta.commit.add_version", lambda *_args, **_more: (_ for _ in ()).throw(OSError(5, "Input/output error"))
            )
            with pytest.raises(LakeError, match="cannot be written: Input/output error"):
                writer.commit([message("m2", report("r2"))])
        with pytest.raises(LakeError, match="the next run retries it"):
            writer.commit([message("m2", report("r2"))])
    with LakeWriter(tmp_path, run_id="run") as writer:
        assert writer.ledger.uids("rua", "INBOX", 1).missing([1, 2, 3]) == [3]
    assert sums(tmp_path) == (180, 20, 2)
