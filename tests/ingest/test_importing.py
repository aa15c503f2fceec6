"""Importing files: what is read, what is known already, and what a user is told who names the wrong thing."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from pipeline.ingest import import_files
from pipeline.ingest.tally import Tally
from pipeline.message.fetched import Fetched, MessageRef
from tests.ingest.polling import outcomes, sessions
from tests.report_mails import NOT_A_REPORT, UNREADABLE, document, mail

NOW = datetime(2026, 5, 12, tzinfo=UTC)


@pytest.fixture
def ingest(tlsrpt, tmp_path):
    lake = tmp_path / "lake"
    return lambda *words, **environment: tlsrpt.run("--lake", lake, "ingest", "--format", "json", "--workers", "0", *words, **environment)


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def test_a_folder_of_everything_is_read_once(ingest, lake, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.eml").write_bytes(mail(0))
    (folder / "b.json").write_text(json.dumps(document(1)), encoding="utf-8")
    (folder / "deep" / "c.json.gz").write_bytes(gzip.compress(json.dumps(document(2)).encode()))
    (folder / "again.json").write_text(json.dumps(document(0), indent=3), encoding="utf-8")
    (folder / "other.eml").write_bytes(NOT_A_REPORT)
    (folder / "broken.eml").write_bytes(UNREADABLE)
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    (folder / "all.mbox").write_bytes(
        b"".join(b"From x Mon Mar  2 03:00:00 2026\n" + mail(n).replace(b"\r\n", b"\n") + b"\n" for n in (3, 4))
    )
    first = ingest(folder)
    assert first.code == 0, first.err
    assert (first.summary["reports_new"], first.summary["duplicates"], first.summary["skipped"]) == (5, 1, 1)
    assert outcomes(lake) == {"stored": 5, "duplicate": 1, "not_tlsrpt": 1, "quarantined": 1}
    assert sessions(lake) == 1 + 2 + 3 + 4 + 5
    again = ingest(folder)
    assert (again.summary["reports_new"], again.summary["duplicates"]) == (0, again.summary["messages"])
    assert sum(outcomes(lake).values()) == 8


def test_each_stage_says_how_much_it_did_in_what_time(tlsrpt, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(5):
        (tmp_path / "in" / f"{number}.eml").write_bytes(mail(number))
    size = sum(path.stat().st_size for path in (tmp_path / "in").iterdir())
    command = ("--lake", tmp_path / "lake", "ingest", "--format", "json", "--verbose", "--workers", "1")
    ran = tlsrpt.run(*command, tmp_path / "in")
    stages = ran.summary["stages"]
    assert list(stages) == ["fetch", "read", "judge", "settle", "commit"]
    assert {(stage["messages"], stage["bytes"]) for stage in stages.values()} == {(5, size)}
    assert all(stage["seconds"] >= 0 for stage in stages.values())
    assert ran.err.count("stage-done stage=") == 5


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(500), "is not a TLS report"),
        ("empty.eml", b"", "is not a TLS report"),
        ("dmarc.xml.gz", gzip.compress(b"<?xml version='1.0'?><feedback/>"), "is not a TLS report"),
        ("broken.eml", UNREADABLE, "rejects"),
    ],
    ids=["photo", "empty", "dmarc", "broken"],
)
def test_one_named_file_that_is_no_report_ends_with_65_and_a_sentence(ingest, tmp_path, name, content, word):
    (tmp_path / name).write_bytes(content)
    ran = ingest(tmp_path / name)
    assert ran.code == 65
    assert word in ran.err
    assert name in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_missing_path_is_66_and_an_empty_folder_is_0_with_a_sentence(tlsrpt, ingest, lake, tmp_path):
    assert ingest(tmp_path / "nowhere").code == 66
    (tmp_path / "void").mkdir()
    ran = tlsrpt.run("--lake", lake, "ingest", tmp_path / "void")
    assert ran.code == 0
    assert "none of these files holds mail or a report" in ran.err


def test_a_lake_that_is_a_file_is_74(tlsrpt, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "a.eml").write_bytes(mail(0))
    ran = tlsrpt.run("--lake", tmp_path / "file", "ingest", tmp_path / "a.eml")
    assert ran.code == 74
    assert "folder" in ran.err


def test_a_full_disk_is_74_and_harms_nothing(ingest, lake, tmp_path):
    (tmp_path / "a.eml").write_bytes(mail(0))
    assert ingest(tmp_path / "a.eml").code == 0
    (tmp_path / "b.eml").write_bytes(mail(1, domain="example.net"))
    ran = ingest(tmp_path / "b.eml", TLSRPT_TEST_FILE_SIZE="2000")
    assert ran.code == 74, ran
    assert "Traceback" not in ran.err
    assert sessions(lake) == 1
    assert ingest(tmp_path / "b.eml").code == 0
    assert sessions(lake) == 3


def test_nothing_configured_and_nothing_named_is_78(ingest):
    ran = ingest()
    assert ran.code == 78
    assert "[[mailbox]]" in ran.err


def test_a_chunk_costs_what_is_in_it_and_not_what_came_before():
    """Not a copy of all digests of the run for every 200 files."""

    def chunk(start, size):
        return [Fetched(MessageRef("file", "."), b"%d" % number, NOW, 5) for number in range(start, start + size)]

    hands = SimpleNamespace(tally=Tally(), lake=SimpleNamespace(ledger=SimpleNamespace(file_hashes=lambda _digests: set())))
    fresh = import_files._not_seen(hands, iter([chunk(0, 50_000), chunk(50_000, 2), chunk(50_000, 2), chunk(0, 10)]))
    next(fresh)
    tracemalloc.start()
    assert len(next(fresh)) == 2
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()
    assert list(fresh) == []
    assert hands.tally.duplicates == 12


def test_the_numbers_of_the_closing_sentence_add_up_to_the_messages():
    tally = Tally()
    tally.add(["stored", "stored", "conflict", "duplicate", "quarantined", "not_tlsrpt"], reports_new=3)
    assert tally.sentence(1.0) == (
        "6 messages: 3 new reports, 1 duplicate, 1 quarantined (see `tlsrpt rejects`), 1 other mail; "
        "1 of the mails contradicts an earlier report · 1.0 s"
    )
