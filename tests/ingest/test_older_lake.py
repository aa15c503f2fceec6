"""A lake that the version with schema 1 wrote: it opens, is brought up to date, and takes nothing in twice."""

from __future__ import annotations

import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.lake.delta.delta_tables import open_table, schema_version_of
from pipeline.lake.delta.snapshot import open_snapshot
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.query import open_lake
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.schema import SCHEMA_VERSION
from pipeline.workers.reading_task import Job, read_chunk
from tests.lake.content import rows
from tests.report_mails import document, mail_of
from tests.tables.test_read_columns import GOLDEN

FIXTURE = Path(__file__).parent.parent / "fixtures" / "lake-schema-1.tar.gz"
"""Made by `fill`, and `tlsrpt --lake lake ingest golden` before it, with the program of its time."""

CONFIGURATION = FIXTURE.with_name("configuration-0.1.0.toml")
"""Every setting of that version: one that is taken away later has to load all the same, with a sentence."""

NOW = datetime(2026, 3, 20, 6, tzinfo=UTC)
JOB = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(dkim="off"), RunStamp("run", NOW, "0"))
MAILS = 12
FOLDER_OF_FILES = "golden"


def mailbox(uidvalidity: int) -> list[Fetched]:
    """The mails of the mailbox that the old lake has polled, under a UIDVALIDITY."""
    mails = [mail_of(document(number, bad=number % 3)) for number in range(MAILS)]
    return [Fetched(MessageRef("rua", "INBOX", uidvalidity, uid), mail, NOW, len(mail)) for uid, mail in enumerate(mails, 1)]


def fill(where: Path | str) -> None:
    """Add a polled mailbox to a lake."""
    with LakeWriter(where, run_id="run") as writer:
        writer.commit(read_chunk(mailbox(1), JOB))


@pytest.fixture
def older(tmp_path) -> Path:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / FOLDER_OF_FILES).mkdir()
    for path in GOLDEN:
        shutil.copy(path, tmp_path / FOLDER_OF_FILES / path.name)
    return tmp_path / "lake"


def reports(where: Path) -> list[tuple[str, ...]]:
    names = ("report_key", "identity", "content_sha256", "trust_tier")
    return sorted(tuple(row[name] for name in names) for row in rows(where, "reports"))


def test_it_is_brought_up_to_date_and_takes_the_same_mail_as_duplicates_only(older, tlsrpt):
    before, seen = reports(older), len(rows(older, "messages"))
    assert len(before) > 30
    again = tlsrpt.run("--lake", older, "ingest", "--format", "json", older.parent / FOLDER_OF_FILES)
    assert again.code == 0, again.err
    assert again.summary["messages"] == again.summary["duplicates"] > len(before) // 2
    assert again.summary["reports_new"] == 0
    assert schema_version_of(open_table(locate(older), "messages")) == SCHEMA_VERSION
    with LakeWriter(older, run_id="later") as writer:
        assert len(writer.ledger.uids("rua", "INBOX", 1)) == MAILS
        assert writer.commit(read_chunk(mailbox(2), JOB))[:2] == (["duplicate"] * MAILS, 0)
    assert reports(older) == before
    assert len(rows(older, "messages")) == seen + MAILS


def test_reading_its_bytes_again_gives_the_same_reports(older, tlsrpt):
    before = reports(older)
    rebuilt = tlsrpt.run("--lake", older, "rebuild")
    assert rebuilt.code == 0, rebuilt.err
    assert reports(older) == before


def test_its_sessions_are_counted_as_if_it_had_been_read_today(older, tlsrpt):
    def told() -> list[tuple[object, ...]]:
        names = ("report_key", "policy_ix", "repeats_sessions", "once_authenticated", "once_failed", "once_unprotected", "totals_equal")
        return sorted((tuple(row[name] for name in names) for row in rows(older, "policies")), key=str)

    with LakeWriter(older, run_id="later"):
        pass
    upgraded = told()
    assert any(row[3] for row in upgraded)
    assert tlsrpt.run("--lake", older, "rebuild").code == 0
    assert told() == upgraded


def test_before_that_it_is_read_as_it_is_and_said_to_be_older(older, tlsrpt):
    status = tlsrpt.run("--lake", older, "status")
    assert status.code == 0, status.err
    said = " ".join(status.out.split())
    assert "1, of an older version" in said
    assert open_snapshot(older).schema_version == 1
    with LakeWriter(older, run_id="later"):
        pass
    assert "of an older version" not in tlsrpt.run("--lake", older, "status").out
    with open_lake(older, settings=Settings(trust=TrustSettings(dkim="off"))) as lake:
        (found,) = lake.ask("success_rate", since="2000-01-01", until="2099-01-01").to_pylist()
        assert found["sessions"] == found["authenticated"] + found["failed"] + found["unprotected"] > 1_000


def test_it_is_brought_up_to_date_under_the_configuration_of_its_time(older, tlsrpt):
    before = reports(older)
    again = tlsrpt.run("--config", CONFIGURATION, "--lake", older, "ingest", older.parent / FOLDER_OF_FILES)
    assert again.code == 0, again.err
    assert schema_version_of(open_table(locate(older), "messages")) == SCHEMA_VERSION
    assert reports(older) == before
    assert tlsrpt.run("--config", CONFIGURATION, "--lake", older, "status").code == 0
