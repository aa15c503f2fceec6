"""A lake as one file and back: the same answers, nothing half done, nothing written outside."""

from __future__ import annotations

import gzip
import io
import signal
import tarfile

import pytest

from pipeline.cli import main
from pipeline.config import Settings
from pipeline.errors import LakeError, NotAReportError, TryAgainError
from pipeline.lake.storage.locate import locate
from pipeline.lake.upkeep.backup import back_up, restore
from pipeline.query import open_lake
from tests.forks import forks
from tests.insight.book import Book
from tests.insight.test_told import book

TOTALS = "select count(*) as reports, sum(sessions)::bigint as sessions, sum(failed)::bigint as failed from sessions"


@pytest.fixture
def lake(tmp_path):
    return book(12).write(tmp_path / "lake")


def test_a_missing_backup_is_named_and_not_the_lake_that_is_there(lake, tmp_path, capsys):
    assert main(["--lake", str(lake), "restore", str(tmp_path / "nosuch.tlsrpt")]) == 66
    assert capsys.readouterr().err == f"tlsrpt: {tmp_path}/nosuch.tlsrpt is not there; nothing was restored\n"


def totals(lake):
    with open_lake(str(lake), settings=Settings()) as opened:
        return opened.sql(TOTALS).to_pylist()


def test_there_and_back_in_a_folder(lake, tmp_path, capsys):
    assert main(["--lake", str(lake), "backup", str(tmp_path / "b.tar.gz")]) == 0
    assert main(["--lake", str(tmp_path / "again"), "restore", str(tmp_path / "b.tar.gz")]) == 0
    assert totals(tmp_path / "again") == totals(lake)
    assert "restore" in capsys.readouterr().out
    book(12).write(tmp_path / "again")
    assert totals(tmp_path / "again") == totals(lake), "what it knows falls out as duplicates"


def test_from_a_bucket_into_a_folder_and_back(bucket, lake, tmp_path):
    back_up(locate(lake), tmp_path / "b.tar.gz")
    restore(locate(bucket), tmp_path / "b.tar.gz")
    assert totals(bucket) == totals(lake)
    back_up(locate(bucket), tmp_path / "c.tar.gz")
    restore(locate(tmp_path / "again"), tmp_path / "c.tar.gz")
    assert totals(tmp_path / "again") == totals(lake)


def test_what_a_run_keeps_for_itself_stays_out(lake, tmp_path):
    store = locate(lake).store
    for path in ("_state/backfill.json", "_staging/7/x.parquet", "_notes/outbox.json"):
        store.put(path, b"{}")
    back_up(locate(lake), tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        tops = {name.split("/")[0] for name in archive.getnames()}
    assert tops & {"_state", "_staging", "_lock"} == set()
    assert "_notes" in tops


def test_it_waits_for_no_writer_and_takes_nothing_half_written(lake, tmp_path):
    with locate(lake).writer_lock(), pytest.raises(TryAgainError):
        back_up(locate(lake), tmp_path / "b.tar.gz")
    assert list(tmp_path.glob("b.tar*")) == []


def test_a_lake_that_is_there_is_never_written_over(lake, tmp_path):
    back_up(locate(lake), tmp_path / "b.tar.gz")
    with pytest.raises(LakeError, match="into an empty place"):
        restore(locate(lake), tmp_path / "b.tar.gz")


def _archive(path, name: str, *, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, "/etc/passwd", 1 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b"x"))
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("/tmp/outside", tarfile.REGTYPE),
        ("messages/../../outside", tarfile.REGTYPE),
        ("messages/link", tarfile.SYMTYPE),
        ("messages/hard-link", tarfile.LNKTYPE),
        ("messages/device", tarfile.CHRTYPE),
        ("messages/pipe", tarfile.FIFOTYPE),
        ("messages/folder", tarfile.DIRTYPE),
        ("_state/backfill.json", tarfile.REGTYPE),
        ("top", tarfile.REGTYPE),
    ],
)
def test_an_archive_that_is_no_backup_writes_nothing_outside(tmp_path, name, kind):
    with pytest.raises(NotAReportError, match="not a backup"):
        restore(locate(tmp_path / "deep" / "lake"), _archive(tmp_path / "x.tar.gz", name, kind=kind))
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "deep" / "outside").exists()


def _claims(path, *, name_bytes: int = 1, size: int = 1):
    """A member that says that it, or its name, is as long as that."""
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, name_bytes
    member = tarfile.TarInfo("messages/large")
    member.size = size
    head = long_name.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0") if name_bytes > 1 else b""
    path.write_bytes(gzip.compress(head + member.tobuf(tarfile.GNU_FORMAT)))
    return path


@pytest.mark.parametrize("claims", [{"size": 1 << 40}, {"name_bytes": 1 << 33}])
def test_a_backup_that_claims_more_than_memory_is_refused_before_it_is_read(tmp_path, claims):
    with pytest.raises(NotAReportError, match=r"is not a (complete )?backup of a lake"):
        restore(locate(tmp_path / "again"), _claims(tmp_path / "x.tar.gz", **claims))
    assert not (tmp_path / "again").exists()


def test_a_torn_backup_makes_no_lake(lake, tmp_path, capsys):
    back_up(locate(lake), tmp_path / "b.tar.gz")
    whole = (tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "torn.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert main(["--lake", str(tmp_path / "again"), "restore", str(tmp_path / "torn.tar.gz")]) == 65
    assert "not a complete backup" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_a_backup_with_a_flipped_bit_makes_no_lake(lake, tmp_path):
    back_up(locate(lake), tmp_path / "b.tar.gz")
    good = (tmp_path / "b.tar.gz").read_bytes()
    # Not among the last: there lies a row of zeros, which a flipped bit may copy from elsewhere in it.
    for place in [1, *range(99, len(good) - 300, len(good) // 8), len(good) - 5]:
        damaged = bytearray(good)
        damaged[place] ^= 16
        (tmp_path / "x.tar.gz").write_bytes(damaged)
        with pytest.raises(NotAReportError, match=r"is not a (complete )?backup of a lake"):
            restore(locate(tmp_path / "again"), tmp_path / "x.tar.gz")
        assert not (tmp_path / "again").exists()


def test_a_restore_that_is_killed_leaves_no_lake_that_answers(lake, tmp_path):
    back_up(locate(lake), tmp_path / "b.tar.gz")
    with forks() as forked:
        ran = forked.run("--lake", tmp_path / "again", "restore", tmp_path / "b.tar.gz", TLSRPT_TEST_FAILPOINT="restore-before-rename:1")
        assert ran.signal == signal.SIGKILL
        assert forked.run("--lake", tmp_path / "again", "status").code == 66
        assert forked.run("--lake", tmp_path / "again", "restore", tmp_path / "b.tar.gz").code == 0
    assert totals(tmp_path / "again") == totals(lake)


def test_old_state_beside_a_newer_lake_hides_nothing(tmp_path):
    """A backup is restored, and the state folder of another time lies beside it: mail of the days between comes in again."""
    lake = book(6).write(tmp_path / "lake")
    back_up(locate(lake), tmp_path / "b.tar.gz")
    book(12).write(lake)
    wanted = totals(lake)
    restored = locate(tmp_path / "again")
    restore(restored, tmp_path / "b.tar.gz")
    for file in locate(lake).store.walk("_state"):
        restored.store.put(file.path, locate(lake).store.get(file.path))
    book(12).write(tmp_path / "again")
    assert totals(tmp_path / "again") == wanted
    assert isinstance(book(1), Book)
