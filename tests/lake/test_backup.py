"""Backup and restore as how-to/back-up.md tells them: under the lock any copy is sound; beside a writer, a copy in the right order is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import TryAgainError
from pipeline.lake.delta.snapshot import current_version
from pipeline.lake.storage.folder import LOCK_FILE
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.tables.schema import TABLES
from tests.lake.build import message, report
from tests.lake.content import content, rows, sums
from tests.lake.scenarios import BATCHES, ingest

ROOT = Path(__file__).parents[2]
EACH = 5


def test_a_copy_made_under_flock_is_the_lake_and_ingest_waits_its_turn(tmp_path):
    ingest(tmp_path / "lake")
    lock = tmp_path / "lake" / LOCK_FILE
    copying = f"echo held; read go; cp -a {tmp_path}/lake {tmp_path}/backup"
    command = ["flock", str(lock), "sh", "-c", copying]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hold:
        assert hold.stdout.readline() == "held\n"
        with pytest.raises(TryAgainError), LakeWriter(tmp_path / "lake", run_id="run"):
            pass
        hold.communicate("go\n")
    assert hold.returncode == 0
    assert content(tmp_path / "backup") == content(tmp_path / "lake")


def test_a_restored_lake_takes_from_the_mailbox_what_came_since(tmp_path):
    with LakeWriter(tmp_path / "lake", run_id="run") as writer:
        writer.commit(BATCHES[0])
    shutil.copytree(tmp_path / "lake", tmp_path / "backup")
    ingest(tmp_path / "lake")
    expected = content(tmp_path / "lake")
    shutil.rmtree(tmp_path / "lake")
    shutil.copytree(tmp_path / "backup", tmp_path / "lake")
    ingest(tmp_path / "lake")
    assert content(tmp_path / "lake") == expected


WRITING = """
import sys
from pipeline.lake.writer import LakeWriter
from tests.lake.test_backup import batch
with LakeWriter(sys.argv[1], run_id="run") as writer:
    number = 1
    print("writing", flush=True)
    while not __import__("os").path.exists(sys.argv[2]):
        writer.commit(batch(number))
        number += 1
"""


def batch(number):
    return [message(f"m{number * EACH + n}", report(f"r{number * EACH + n}")) for n in range(EACH)]


def copy_beside_a_writer(lake, target):
    """Copy `messages` first, and of each table the log before the files: what the logs in the copy name is then in the copy, too."""
    for name in ("messages", *(name for name in TABLES if name != "messages")):
        shutil.copytree(lake / name / "_delta_log", target / name / "_delta_log")
        for folder in sorted(lake.joinpath(name).glob("*_month=*")):
            shutil.copytree(folder, target / name / folder.name, ignore=shutil.ignore_patterns("*.part"))
        if name == "messages":
            wait_for_another_batch(lake)


def wait_for_another_batch(lake):
    before = current_version(lake)
    deadline = time.monotonic() + 120
    while current_version(lake) == before and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_copy_beside_a_writer_with_messages_first_has_whole_batches_and_can_be_written_to(tmp_path):
    lake, stop = tmp_path / "lake", tmp_path / "stop"
    with LakeWriter(lake, run_id="run") as writer:
        writer.commit(batch(0))
    with subprocess.Popen([sys.executable, "-c", WRITING, str(lake), str(stop)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        for number in range(2):
            copy_beside_a_writer(lake, tmp_path / f"copy{number}")
        stop.touch()
    assert process.returncode == 0
    beyond = 0
    for number in range(2):
        copy = tmp_path / f"copy{number}"
        messages = len(rows(copy, "messages"))
        assert messages % EACH == 0
        assert sums(copy) == (messages * 90, messages * 10, messages)
        beyond += stray(copy)
        with LakeWriter(copy, run_id="run") as writer:
            writer.commit([message("m9999", report("r9999"))])
        assert sums(copy) == (messages * 90 + 90, messages * 10 + 10, messages + 1)
        assert stray(copy) == 0
    assert beyond > 0


def stray(root):
    """Rows of batches that the copy of `messages` does not know."""
    from pipeline.lake.delta.data_file_list import present
    from pipeline.lake.delta.delta_tables import batch_of, create_tables

    tables = create_tables(locate(root))
    last = batch_of(tables["messages"])
    return sum(file.rows for name, table in tables.items() for file in present(table, name) if file.first_batch > last)
