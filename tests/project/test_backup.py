"""The README's way to back up and restore a lake, run as it stands there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.lake.lock import folder_lock
from pipeline.query import open_lake
from tests.project.readme import README
from tests.project.test_sample import SAMPLE, tlsrpt

TOTALS = "select count(*) as reports, sum(sessions) as sessions, sum(failed) as failed from sessions"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README calls /var/lib/tlsrpt, with a lake of sample mails."""
    folder = tmp_path_factory.mktemp("backup")
    tlsrpt(folder / "lake", "ingest", SAMPLE)
    return folder


def _commands(home: Path) -> list[str]:
    """The shell commands of the section, with its paths moved into a folder of this test."""
    section = README.read_text(encoding="utf-8").split("## Back up and restore")[1].split("\n## ")[0]
    lines = "".join(re.findall(r"(?s)```sh\n(.*?)```", section)).splitlines()
    return [
        line.replace("/var/lib/tlsrpt", str(home)).replace("/var/backups", str(home)) for line in lines if not line.startswith("tlsrpt")
    ]


def _totals(lake: Path) -> list[dict[str, object]]:
    return open_lake(lake, settings=Settings()).sql(TOTALS).to_pylist()


def test_a_lake_restored_from_the_backup_answers_the_same_and_goes_on(home):
    for command in _commands(home):
        subprocess.run(["/bin/sh", "-c", command], check=True, timeout=60)
    restored = home / "restored"
    assert _totals(restored) == _totals(home / "lake")
    tlsrpt(restored, "ingest", SAMPLE)
    tlsrpt(restored, "rebuild")
    assert _totals(restored) == _totals(home / "lake")


def test_the_backup_does_not_start_while_somebody_writes(home):
    at_once = _commands(home)[0].replace("flock ", "flock --nonblock ")
    with folder_lock(home / "lake"):
        assert subprocess.run(["/bin/sh", "-c", at_once], check=False, timeout=60).returncode == 1
