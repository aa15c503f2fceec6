"""The documented way to back up and restore a lake, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.lake.storage.folder import folder_lock
from pipeline.query import open_lake
from tests.project.readme import DOCS
from tests.project.test_sample import SAMPLE, tlsrpt
from tests.project.tree import ROOT

TOTALS = "select count(*) as reports, sum(sessions) as sessions, sum(failed) as failed from sessions"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page calls /var/lib/tlsrpt, with a lake of sample mails."""
    folder = tmp_path_factory.mktemp("backup")
    tlsrpt(folder / "lake", "ingest", SAMPLE)
    return folder


def _commands(home: Path) -> list[str]:
    """The shell commands of the section, with its paths moved into a folder of this test."""
    lines = "".join(block for block in _blocks() if "s3://" not in block).splitlines()
    return [
        line.replace("/var/lib/tlsrpt", str(home)).replace("/var/backups", str(home)) for line in lines if not line.startswith("tlsrpt")
    ]


def _blocks() -> list[str]:
    return re.findall(r"(?s)```sh\n(.*?)```", (DOCS / "how-to" / "back-up.md").read_text(encoding="utf-8"))


def _totals(lake: Path | str) -> list[dict[str, object]]:
    return open_lake(lake, settings=Settings()).sql(TOTALS).to_pylist()


def test_a_lake_restored_from_the_backup_answers_the_same_and_goes_on(home):
    for command in _commands(home):
        subprocess.run(["/bin/sh", "-c", command], check=True, timeout=120)
    restored = home / "restored"
    assert _totals(restored) == _totals(home / "lake")
    tlsrpt(restored, "ingest", SAMPLE)
    tlsrpt(restored, "rebuild")
    assert _totals(restored) == _totals(home / "lake")


def test_the_backup_does_not_start_while_somebody_writes(home):
    at_once = _commands(home)[0].replace("flock ", "flock --nonblock ")
    with folder_lock(home / "lake"):
        assert subprocess.run(["/bin/sh", "-c", at_once], check=False, timeout=120).returncode == 1


SYNC = """#!{python}
# Stands in for `aws s3 sync FROM TO [--exclude PATTERN]…`, from a bucket to a folder.
import fnmatch, sys
from pathlib import Path
from pipeline.lake.storage.objects import ObjectStore
source, target, *words = sys.argv[3:]
bucket, _, prefix = source.removeprefix("s3://").partition("/")
for file in ObjectStore(bucket, prefix).walk(""):
    if not any(fnmatch.fnmatch(file.path, pattern) for pattern in words[1::2]):
        place = Path(target) / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(ObjectStore(bucket, prefix).get(file.path))
"""


def test_a_copy_of_a_lake_in_a_bucket_answers_the_same_in_a_folder(bucket, tmp_path):
    tlsrpt(bucket, "ingest", SAMPLE)
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(SYNC.format(python=sys.executable))
    aws.chmod(0o755)
    [block] = [block for block in _blocks() if "s3://" in block]
    block = block.replace("s3://mail-reports/tlsrpt", bucket).replace("/var/backups", str(tmp_path))
    paths = {"PATH": f"{aws.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    subprocess.run(["/bin/sh", "-ec", block], check=True, timeout=120, env={**os.environ, **paths})
    assert _totals(tmp_path / "tlsrpt") == _totals(bucket)
