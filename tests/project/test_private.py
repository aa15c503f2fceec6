"""What is written is for its owner and group, whatever the mask of whoever calls; private mail leaves nothing but that it came."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.commands.dashboard import leave_closed_folder
from pipeline.config import Settings
from pipeline.ingest.doctor import examine
from pipeline.lake.delta.delta_tables import create_tables
from pipeline.lake.delta.scan import read
from pipeline.lake.delta.upgrade import forget_private
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.report.rows import Ownership, RunStamp
from pipeline.tables.row_types import PRIVATE_COLUMNS
from pipeline.workers.reading_task import build_rows
from tests.lake.build import message, report
from tests.trust.signing import fetched, reading, report_json

PRIVATE = (
    b"From: Ada <ada@private.example>\r\nSubject: the diagnosis\r\nMessage-ID: <x@private.example>\r\n"
    b"Date: Wed, 13 May 2026 15:42:00 +0000\r\n\r\nHello"
)


def _modes(folder):
    return {path.relative_to(folder.parent): path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}


COMMANDS = """
import sys
from pipeline.cli import main
config, mail = sys.argv[1:]
for words in (["ingest", mail], ["backfill", mail], ["maintain"], ["rebuild"]):
    assert main(["--config", config, *words]) == 0, words
"""


@pytest.mark.parametrize(
    ("readers", "mask"), [("owner", 0o000), ("group", 0o000), ("everybody", 0o000), ("group", 0o022), ("everybody", 0o077)]
)
def test_the_lake_is_for_whom_it_is_configured(tmp_path, mask, readers):
    (tmp_path / "report.json").write_bytes(report_json())
    (tmp_path / "c.toml").write_text(f'[lake]\npath = "{tmp_path}/lake"\nreadable_by = "{readers}"\n')
    run = [sys.executable, "-P", "-c", COMMANDS, str(tmp_path / "c.toml"), str(tmp_path / "report.json")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run(run, umask=mask, check=True, capture_output=True, env=environment)
    forbidden = mask | {"owner": 0o077, "group": 0o027, "everybody": 0o022}[readers]
    wrong = {str(path): f"{mode:04o}" for path, mode in _modes(tmp_path / "lake").items() if mode & forbidden}
    assert wrong == {}
    if mask != 0o077 and readers == "group":
        assert (tmp_path / "lake").stat().st_mode & 0o777 == 0o750


def test_doctor_names_the_command_that_closes_an_open_lake(tmp_path, monkeypatch):
    lake, secret = tmp_path / "the lake", tmp_path / "password"
    with LakeWriter(lake, run_id="x") as writer:
        writer.commit([message("m1", report("r1"))])
    secret.write_text("hunter2")
    box = {"name": "rua", "host": "127.0.0.1", "port": 1, "user": "u", "password_file": str(secret)}
    settings = Settings(lake={"path": str(lake)}, trust={"dkim": "off"}, mailbox=[box])
    lake.chmod(0o755)
    secret.chmod(0o644)
    found = {check.name: check for check in examine(settings, None)}
    assert (found["lake permissions"].state, found["password file"].state) == ("warn", "warn")
    command = found["lake permissions"].says.partition(": ")[2]
    subprocess.run(shlex.split(command), check=True)
    assert not any(mode & 0o007 for mode in _modes(lake).values())
    secret.chmod(0o600)
    found = {check.name: check for check in examine(settings, None)}
    assert found["lake permissions"].state == "ok"
    assert "password file" not in found
    monkeypatch.setattr("os.access", lambda path, _: path != secret)
    found = {check.name: check for check in examine(settings, None)}
    assert found["password file"].state == "fail"
    assert "cannot be read by this user" in found["password file"].says


def test_the_page_leaves_a_folder_that_its_user_may_not_look_into(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    leave_closed_folder()
    assert Path.cwd() == tmp_path
    monkeypatch.setattr("os.access", lambda *_: False)
    leave_closed_folder()
    assert Path.cwd() == Path("/")


def test_of_private_mail_nothing_is_kept_but_that_it_came():
    stamp = RunStamp("run", datetime(2026, 5, 14, tzinfo=UTC), "0")
    rows = build_rows(fetched=fetched(PRIVATE), reading=reading(PRIVATE), verdicts=(), own=Ownership(), run=stamp)
    assert (rows.message.outcome, rows.reports) == ("not_tlsrpt", ())
    assert {name: getattr(rows.message, name) for name in PRIVATE_COLUMNS} == dict.fromkeys(PRIVATE_COLUMNS)
    kept = json.dumps(rows.message, default=str).lower()
    assert not any(word in kept for word in ("ada", "private.example", "diagnosis"))


def test_an_older_lake_forgets_what_it_kept(tmp_path):
    location = locate(tmp_path / "lake")
    private = message("m2")
    private = private._replace(
        message=private.message._replace(outcome="not_tlsrpt", subject="the diagnosis", from_domain="private.example")
    )
    with LakeWriter(location, run_id="x") as writer:
        writer.commit([message("m1", report("r1")), private])
    tables = create_tables(location)
    for _ in range(2):
        forget_private(location, tables)
        files = tables["messages"].delta.file_uris()
        rows = read(location, "messages", [path.removeprefix(f"{location.uri}/messages/") for path in files]).to_pylist()
        by_outcome = {row["outcome"]: row for row in rows}
        assert len(rows) == 2
        assert (by_outcome["not_tlsrpt"]["subject"], by_outcome["not_tlsrpt"]["from_domain"]) == (None, None)
        assert by_outcome["not_tlsrpt"]["message_sha256"] == private.message.message_sha256
        assert by_outcome["stored"]["received_at"] is not None
