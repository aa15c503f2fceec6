"""What is known is asked of sorted files of hashes beside the data files; the other tests of this room go through them, too (conftest)."""

from __future__ import annotations

from shutil import copytree

import pytest

from pipeline.lake.dedup import hash_files
from pipeline.lake.dedup.digest_set import Digests
from pipeline.lake.dedup.hash_files import FOLDER, HashColumn, KeyColumn
from pipeline.lake.delta import data_files, scan
from pipeline.lake.delta.data_file_list import Files
from pipeline.lake.delta.delta_tables import open_table
from pipeline.lake.delta.scan import among
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import locate
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.vacuum import vacuum
from pipeline.lake.writer import LakeWriter
from pipeline.tables.row_types import MessageRow
from tests.lake.build import message, report, sha
from tests.lake.test_maintain import TODAY

NAMES = [f"m{number}" for number in range(12)]
KEYS = KeyColumn("messages", "message_sha256")
OF_FILES = KEYS._replace(account="file")


def mails(names):
    return [message(name, report(name, tier="verified")) for name in names]


@pytest.fixture
def lake(tmp_path):
    with LakeWriter(tmp_path / "lake", run_id="run") as writer:
        for place in range(0, len(NAMES), 4):
            writer.commit(mails(NAMES[place : place + 4]))
    return tmp_path / "lake"


def hash_files_of(lake):
    return {path.relative_to(lake).as_posix() for path in (lake / FOLDER).rglob("*") if path.is_file()}


def asked(lake, column, values, *, floor=0, keeps_state=True):
    location = locate(lake)
    files = Files(location, column.table, open_table(location, column.table), keeps_state=keeps_state)
    return HashColumn(files, column, floor=floor).among(values)


def digests_of(lake):
    location = locate(lake)
    files = Files(location, "messages", open_table(location, "messages"))
    from pipeline.lake.delta.scan import read

    return read(location, "messages", files.of(), ["message_sha256"]).column(0).to_pylist()


def test_the_column_answers_as_a_set_of_all_its_values_would(lake):
    held = digests_of(lake)
    values = [sha("never seen"), *held, sha("nor this"), held[0]]
    expected = [value for value in values if value in held]
    assert asked(lake, KEYS, values) == expected  # makes them
    made = hash_files_of(lake)
    assert len([path for path in made if path.startswith(KEYS.folder)]) == 3
    assert asked(lake, KEYS, values) == expected  # from them
    assert asked(lake, KEYS, values, floor=99) == []  # rows of a generation that was replaced
    assert asked(lake, KEYS, []) == []
    assert hash_files_of(lake) == made


def test_only_messages_of_the_account_are_meant(lake):
    assert asked(lake, OF_FILES, digests_of(lake)) == []


def test_a_dry_run_writes_none(lake):
    copy = copytree(lake, lake.parent / "copy", ignore=lambda *_: {"_state"})
    held = digests_of(copy)
    assert asked(copy, KEYS, held, keeps_state=False) == held
    assert hash_files_of(copy) == set()


def test_values_that_begin_alike_are_told_apart(tmp_path):
    stem = "0123456789abcdef"
    values = [stem + format(number, "016x") + "0" * 32 for number in range(5)]
    store = locate(tmp_path).store
    held = Digests()
    held.add(values[::2])
    store.put("hashes", held.to_bytes())
    high, low = hash_files.words_of([*values, sha("x")])
    assert hash_files._ask_file(locate(tmp_path), "hashes", high, low).tolist() == [True, False, True, False, True, False]
    store.put("none", Digests().to_bytes())
    assert not hash_files._ask_file(locate(tmp_path), "none", high, low).any()


def test_what_was_merged_meanwhile_is_known_to_a_run_that_goes_on(lake):
    with LakeWriter(lake, run_id="run") as writer:
        assert set(writer.commit(mails(["m0"])).outcomes) == {"duplicate"}
        maintain(writer._lake, today=TODAY)
        vacuum(writer._lake, retention_hours=0)
        settled = writer.commit(mails([*NAMES, "m99"]))
    assert settled.outcomes == ["duplicate"] * len(NAMES) + ["stored"]


def test_hash_files_go_with_their_data_files_and_are_made_again(lake):
    asked(lake, KEYS, [sha("x")])
    with open_for_writing(lake) as opened:
        maintain(opened, today=TODAY)
        assert len([path for path in hash_files_of(lake) if path.startswith(FOLDER)]) > 0  # the replaced files are there for a day
        vacuum(opened, retention_hours=0)
    there = {path.name for path in lake.rglob("*.parquet")}
    assert {path.rpartition("/")[2] for path in hash_files_of(lake)} <= there
    with LakeWriter(lake, run_id="run") as writer:
        assert set(writer.commit(mails(NAMES)).outcomes) == {"duplicate"}
    assert {path.rpartition("/")[2] for path in hash_files_of(lake)} > set()


def test_an_older_lake_under_newer_hash_files_takes_what_it_lacks(lake):
    """A restored backup: `_state` is what the machine has, the tables are older."""
    older = copytree(lake, lake.parent / "older")
    with LakeWriter(lake, run_id="run") as writer:
        writer.commit(mails(["later"]))
        writer.commit(mails(["later", "last"]))
    copytree(lake / "_state", older / "_state", dirs_exist_ok=True)
    with LakeWriter(older, run_id="run") as writer:
        assert writer.commit(mails(["later", "m1"])).outcomes == ["stored", "duplicate"]


def test_a_few_rows_are_read_group_by_group_as_they_would_be_at_once(lake, monkeypatch):
    monkeypatch.setattr(data_files, "ROW_GROUP_ROWS", 1)
    with LakeWriter(lake, run_id="again") as writer:
        writer.commit(mails(["n1", "n2", "n3"]))
    location = locate(lake)
    paths = Files(location, "messages", open_table(location, "messages")).of()
    for wanted in (digests_of(lake)[::2], [sha("never seen")]):
        where = among("message_sha256", wanted)
        few = scan.read(location, "messages", paths, MessageRow._fields, where=where)
        whole = scan.dataset(location, "messages", paths).to_table(columns=list(MessageRow._fields), filter=where)
        assert few.sort_by("message_sha256").equals(whole.sort_by("message_sha256"))
        assert few.num_rows == (0 if wanted == [sha("never seen")] else len(wanted))
    assert scan.read(location, "messages", [], where=among("message_sha256", [])).num_rows == 0
