"""A bulk import brings what `ingest` would, once, from every container, whoever dies on the way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import threading
import time
from collections import Counter
from concurrent.futures import Future
from itertools import islice
from pathlib import Path

import psutil
import pytest

from pipeline.errors import TryAgainError
from pipeline.ingest.backfill import mbox_chunks
from pipeline.ingest.backfill.import_progress import Bar, Lines, Shown
from pipeline.ingest.backfill.local_workers import LocalWorkers
from pipeline.ingest.stop import Stop
from pipeline.lake.storage.locate import locate
from tests.backfill.material import OF_THE_PLACE, compressed, content, ledger, mbox_of, messages, packed, tar_of, write_folder
from tests.report_mails import document, mail

SMALL = {"TLSRPT_TEST_CHUNK": "8 20"}


def summary(tally):
    return {name: count for name, count in tally.as_dict(0).items() if name != "seconds"}


def test_the_rows_are_those_of_an_ingest_of_the_same_files(archive, by_ingest, take_in, small, tmp_path):
    lake, tally = by_ingest
    outcome = take_in(archive, workers=2)
    assert outcome.exit_code == 0
    assert summary(outcome.tally) == summary(tally)
    assert (tally.conflicts, tally.duplicates, tally.quarantined, tally.skipped) == (2, 3, 1, 1)
    assert content(tmp_path / "lake") == content(lake)
    assert locate(tmp_path / "lake").store.walk("_staging") == []


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_tar_holds_what_its_files_do(by_ingest, take_in, tmp_path, suffix):
    lake, tally = by_ingest
    (tmp_path / f"archive.tar{suffix}").write_bytes(compressed(tar_of(sorted(messages())), suffix))
    outcome = take_in(tmp_path / f"archive.tar{suffix}")
    assert summary(outcome.tally) == summary(tally)
    assert content(tmp_path / "lake", without=OF_THE_PLACE) == content(lake, without=OF_THE_PLACE)


def test_mbox_and_maildir_in_a_folder_with_the_rest(take_in, tmp_path, monkeypatch, by_ingest):
    monkeypatch.setattr("pipeline.ingest.backfill.listing.LARGE_BYTES", 1000)
    monkeypatch.setattr(mbox_chunks, "CHUNK_MESSAGES", 4)
    root = write_folder(
        tmp_path / "in",
        iter(
            [
                ("old.mbox", mbox_of(mail(number) for number in range(10))),
                ("Mail/new/1", mail(10)),
                ("Mail/cur/2:2,S", mail(11)),
                ("Mail/tmp/3", mail(12)),
                ("deep/archive.tar", tar_of(iter([("13.json.gz", packed(13)), ("more.mbox", mbox_of(map(mail, (14, 15))))]))),
                ("single.json.gz", packed(16)),
            ]
        ),
    )
    outcome = take_in(root)
    assert (outcome.tally.reports_new, outcome.tally.messages) == (16, 16)
    names = {"Mail/cur/2:2,S", "old.mbox#1", "old.mbox#10", "deep/archive.tar/13.json.gz", "deep/archive.tar/more.mbox#2"}
    assert names <= ledger(tmp_path / "lake").keys()


def test_a_second_run_reads_nothing_and_a_new_file_only_its_chunk(archive, take_in, small, tmp_path, monkeypatch):
    copy = write_folder(tmp_path / "in", messages())
    first = take_in(copy)
    asked = []
    submit = LocalWorkers.submit
    monkeypatch.setattr(LocalWorkers, "submit", lambda self, task: asked.append(task) or submit(self, task))
    again = take_in(copy)
    assert asked == []
    assert (again.tally.duplicates, again.tally.messages, again.tally.reports_new) == (first.tally.messages, first.tally.messages, 0)
    (copy / "2026/01/99999.json.gz").write_bytes(packed(99))
    more = take_in(copy)
    assert more.tally.reports_new == 1
    assert sum(hasattr(task, "chunk") for task in asked) <= 2


def test_without_the_note_the_ledger_knows_everything(archive, by_ingest, take_in, small, tmp_path):
    take_in(archive)
    (tmp_path / "lake/_state/backfill.json").unlink()
    again = take_in(archive)
    assert (again.tally.reports_new, again.tally.duplicates) == (0, again.tally.messages)
    assert content(tmp_path / "lake") == content(by_ingest[0])


def test_each_task_has_three_attempts_of_its_own(archive, by_ingest, take_in, small, monkeypatch):
    """Also in a later batch, whose object may lie where one that is gone lay."""
    refused = Counter()
    submit = LocalWorkers.submit

    def unreliable(self, task):
        refused[repr(task)] += 1
        if refused[repr(task)] > 2:
            return submit(self, task)
        future = Future()
        future.set_exception(TryAgainError("the storage is busy"))
        return future

    monkeypatch.setattr(LocalWorkers, "submit", unreliable)
    assert summary(take_in(archive).tally) == summary(by_ingest[1])
    assert len(refused) > 6
    assert set(refused.values()) == {3}


def test_a_note_newer_than_the_lake_leaves_nothing_out(by_ingest, take_in, small, tmp_path):
    copy = write_folder(tmp_path / "in", messages())
    take_in(copy)
    note = (tmp_path / "lake/_state/backfill.json").read_bytes()
    shutil.rmtree(tmp_path / "lake")
    take_in(write_folder(tmp_path / "other", iter([("other.json.gz", packed(500))])))
    (tmp_path / "lake/_state/backfill.json").write_bytes(note)
    again = take_in(copy)
    assert summary(again.tally) == summary(by_ingest[1])


def test_a_lake_of_any_mixture_of_two_backups_takes_in_what_it_lacks(by_ingest, take_in, small, tmp_path, monkeypatch):
    """Restored to half of the import, with the note of all of it; and meanwhile the batch numbers went to other mail."""
    lake, copy = tmp_path / "lake", write_folder(tmp_path / "in", messages())
    half = Stop()

    class Asks(Shown):
        def advance(self, messages, size_bytes):
            half.ask()

    take_in(copy, stop=half, shown=Asks())
    shutil.copytree(lake, tmp_path / "earlier")
    take_in(copy)
    shutil.copytree(lake, tmp_path / "later")
    whole = content(tmp_path / "later")
    for tables, state in (("earlier", "later"), ("later", "earlier")):
        shutil.rmtree(lake)
        shutil.copytree(tmp_path / tables, lake)
        shutil.copytree(tmp_path / state / "_state", lake / "_state", dirs_exist_ok=True)
        take_in(copy)
        assert content(lake) == whole, f"tables of the {tables}, notes of the {state} backup"
    shutil.rmtree(lake)
    shutil.copytree(tmp_path / "earlier", lake)
    for number in range(600, 610):  # batches with the numbers that the note speaks of
        take_in(write_folder(tmp_path / str(number), iter([(f"{number}.json.gz", packed(number))])))
    shutil.copy(tmp_path / "later/_state/backfill.json", lake / "_state/backfill.json")
    take_in(copy)
    assert set(whole["reports"]) <= set(content(lake)["reports"])


def test_what_ingest_brought_before_is_not_brought_again(archive, by_ingest, take_in, small, tmp_path):
    from shutil import copytree

    copytree(by_ingest[0], tmp_path / "lake")
    outcome = take_in(archive)
    assert (outcome.tally.reports_new, outcome.tally.duplicates) == (0, outcome.tally.messages)
    assert content(tmp_path / "lake") == content(by_ingest[0])


def test_a_dry_run_says_what_would_happen_and_writes_nothing(archive, by_ingest, take_in, tmp_path):
    outcome = take_in(archive, dry_run=True)
    assert summary(outcome.tally) == summary(by_ingest[1])
    assert not (tmp_path / "lake").exists()


def test_a_stopped_run_ends_after_the_batch_in_hand_and_the_next_goes_on(archive, by_ingest, take_in, small, tmp_path):
    stop = Stop()

    class Asks(Shown):
        def advance(self, messages, size_bytes):
            stop.ask()

    first = take_in(archive, stop=stop, shown=Asks())
    assert first.exit_code == 75
    assert 0 < first.tally.messages < by_ingest[1].messages
    take_in(archive)
    assert content(tmp_path / "lake") == content(by_ingest[0])


def test_a_worker_killed_again_and_again_changes_nothing(archive, by_ingest, take_in, small, tmp_path):
    killed, over = [], threading.Event()

    def kill():
        while not over.wait(0.01):
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):  # it may end by itself meanwhile
                    if "pipeline.workers.child_process" in child.cmdline() and len(killed) < 3 and child.cpu_times().user > 0.05:
                        child.kill()
                        killed.append(child.pid)
                        time.sleep(0.5)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        outcome = take_in(archive, workers=2)
    finally:
        over.set()
        killer.join()
    assert killed
    assert outcome.exit_code == 0
    assert content(tmp_path / "lake") == content(by_ingest[0])


@pytest.mark.parametrize("point", ["bulk-read:3", "bulk-weighed:2", "staged:1", "committed-raw:1", "committed-messages:2"])
def test_a_driver_killed_at_any_point_is_finished_by_the_next(tlsrpt, archive, by_ingest, tmp_path, point):
    lake = tmp_path / "lake"
    argv = ("--lake", lake, "backfill", archive, "--workers", "1", "--format", "json")
    assert tlsrpt.run(*argv, **SMALL, TLSRPT_TEST_FAILPOINT=point).signal == 9
    ran = tlsrpt.run(*argv, **SMALL)
    assert ran.code == 0, ran.err
    assert ran.summary["messages"] == by_ingest[1].messages
    assert content(lake) == content(by_ingest[0])
    assert locate(lake).store.walk("_staging") == []


def test_a_message_that_ends_its_worker_is_quarantined_and_the_others_are_read(tmp_path, take_in, monkeypatch):
    large = document(5, bad=1)
    (detail,) = large["policies"][0]["failure-details"]
    details = [
        {**detail, "sending-mta-ip": f"2001:db8::{number:x}", "additional-information": f"https://example.org/{number}/{'x' * 200}"}
        for number in range(45_000)
    ]
    large["policies"][0]["failure-details"] = details
    root = write_folder(tmp_path / "in", iter([*islice(messages(), 12), ("large.json", json.dumps(large).encode())]))
    monkeypatch.setenv("TLSRPT_LIMITS__SECONDS_PER_MESSAGE", "0.15")
    outcome = take_in(root)
    assert (outcome.tally.reports_new, outcome.tally.quarantined) == (12, 1)
    assert ledger(tmp_path / "lake")["large.json"]["reject_code"] == "timeout"


def test_damaged_archives_and_unreadable_files_are_said_and_the_rest_is_taken(tmp_path, take_in):
    root = write_folder(
        tmp_path / "in",
        iter([("a.json.gz", packed(1)), ("torn.tar", tar_of(iter([("2.json.gz", packed(2)), ("3.json.gz", packed(3))]))[:3000])]),
    )
    (root / "gone.json.gz").symlink_to(tmp_path / "nowhere")
    outcome = take_in(root)
    assert outcome.exit_code == 66
    assert outcome.tally.reports_new == 2


def test_names_that_are_no_text_and_single_files_are_read(tmp_path, take_in):
    odd = os.fsdecode(b"caf\xe9 \xff.json.gz")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / odd).write_bytes(packed(1))
    (tmp_path / "one.eml").write_bytes(mail(2))
    outcome = take_in(tmp_path / "in", tmp_path / "one.eml")
    assert outcome.tally.reports_new == 2
    assert set(ledger(tmp_path / "lake")) == {"caf\\xe9 \\xff.json.gz", "one.eml"}


def test_a_source_that_is_not_there_and_standard_input_are_one_sentence(tlsrpt, tmp_path):
    ran = tlsrpt.run("--lake", tmp_path / "lake", "backfill", tmp_path / "nowhere")
    assert (ran.code, ran.err.count("\n")) == (66, 1)
    assert tlsrpt.run("--lake", tmp_path / "lake", "backfill", "-").code == 2
    assert not Path(tmp_path / "lake").exists()


def test_sigterm_ends_it_after_the_batch_in_hand_with_75(tlsrpt, archive, by_ingest, tmp_path):
    lake = tmp_path / "lake"
    argv = ("--lake", lake, "backfill", archive, "--workers", "1", "--format", "json")
    run = tlsrpt.begin(*argv, **SMALL)
    deadline = time.monotonic() + 120
    while not list(lake.glob("_staging/*/spool-*/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(run, signal.SIGTERM)
    ended = tlsrpt.end(run)
    assert (ended.signal, ended.code) == (0, 75), ended.err
    assert 0 < ended.summary["messages"] < by_ingest[1].messages
    assert locate(lake).store.walk("_staging") == []
    assert tlsrpt.run(*argv, **SMALL).code == 0
    assert content(lake) == content(by_ingest[0])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shown", [Lines, Bar])
def test_it_says_how_far_it_is_how_fast_and_how_long_yet(archive, take_in, capsys, monkeypatch, shown):
    monkeypatch.setattr("pipeline.ingest.backfill.import_progress._LINE_SECONDS", 0.0)
    monkeypatch.setattr("pipeline.ingest.backfill.import_progress._CENSUS_SECONDS", 0.0)
    take_in(archive, shown=shown())
    assert re.search(r"\d+ files, [\d,]+/s, \d+ s left", capsys.readouterr().err)
