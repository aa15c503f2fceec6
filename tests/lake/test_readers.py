"""Readers see one snapshot over all tables while a writer commits, merges, vacuums and rebuilds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import TryAgainError
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.upkeep.vacuum import vacuum
from pipeline.lake.writer import LakeWriter
from tests.lake.build import message, report
from tests.lake.test_maintain import TODAY

ROOT = Path(__file__).parents[2]
EACH = 7
"""Messages of a batch, each with one report, one policy, one failure, a hundred sessions."""


def batch(number):
    return [message(f"m{number * EACH + n}", report(f"r{number * EACH + n}")) for n in range(EACH)]


@contextmanager
def reader(root):
    """A reader that runs beside the test; yields a list that has all states it saw, when it has ended."""
    states = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lake.reading", str(root)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        states.append(json.loads(process.stdout.readline()))
        yield states
        process.stdin.close()
        states.extend(json.loads(line) for line in process.stdout)
    assert process.returncode == 0


def test_every_state_a_reader_sees_is_whole_and_never_older_than_the_one_before(tmp_path):
    everything = {rows.content: rows for number in range(13) for rows in batch(number)}
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit(batch(0))
    with reader(tmp_path) as states:
        for number in range(1, 11):
            with LakeWriter(tmp_path, run_id="run") as writer:
                writer.commit(batch(number))
            with open_for_writing(tmp_path) as lake:
                if number % 3 == 0:
                    maintain(lake, today=TODAY)
                if number == 6:
                    vacuum(lake, retention_hours=0)
                if number == 10:
                    erase_domain(lake, "nobody.example")
                if number == 8:
                    rebuild(lake, lambda messages: [everything[content] for _, content in messages])
    for messages, reports, policies, failures, sessions, last, _ in states:
        assert (reports, policies, failures, sessions) == (messages, messages, messages, messages * 100), (messages, last)
        assert messages % EACH == 0
    assert [each[5] for each in states] == sorted(each[5] for each in states)
    assert [each[0] for each in states] == sorted(each[0] for each in states)
    assert states[-1][:5] == [11 * EACH] * 4 + [11 * EACH * 100]
    assert len({tuple(each) for each in states}) >= 4
    assert {each[6] for each in states} == {0, 10}


def test_an_open_snapshot_outlives_merging(tmp_path):
    from tests.lake.content import rows

    for number in range(4):
        with LakeWriter(tmp_path, run_id="run") as writer:
            writer.commit(batch(number))
    snapshot = open_snapshot(tmp_path)
    with open_for_writing(tmp_path) as lake:
        maintain(lake, today=TODAY)
    assert len(rows(tmp_path, "reports", snapshot)) == 4 * EACH


def test_readers_take_no_lock_and_leave_nothing_behind(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit(batch(0))
        files = sorted(path for path in tmp_path.rglob("*"))
        assert open_snapshot(tmp_path).batch == 1
        assert sorted(path for path in tmp_path.rglob("*")) == files


def test_maintenance_in_another_process_disturbs_neither_readers_nor_an_ingest(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit(batch(0))
    maintaining = [sys.executable, "-m", "tests.lake.maintaining", str(tmp_path)]
    with (
        reader(tmp_path) as states,
        subprocess.Popen(maintaining, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout.readline() == "ready\n"
        for number in range(1, 11):
            patiently(lambda number=number: commit_batch(tmp_path, number))
            time.sleep(0.05)
        rounds, merged = map(int, process.communicate()[0].split())
    assert rounds >= 3
    assert merged >= 4
    for messages, reports, policies, failures, sessions, last, _ in states:
        assert (reports, policies, failures, sessions) == (messages, messages, messages, messages * 100), (messages, last)
    assert states[-1][:5] == [11 * EACH] * 4 + [11 * EACH * 100]


def commit_batch(root, number):
    with LakeWriter(root, run_id="run") as writer:
        writer.commit(batch(number))


def patiently(act):
    """Do it, once nobody else writes."""
    for _ in range(300):
        try:
            return act()
        except TryAgainError:
            time.sleep(0.03)
    raise AssertionError("somebody has been writing all the time")
