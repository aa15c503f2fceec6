"""The committed sample is read to the last mail, and says what the README of the folder says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tree import ROOT

SAMPLE = ROOT / "data" / "sample"


def tlsrpt(lake: Path, *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "pipeline.cli", "--lake", lake, *arguments]
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the sample in it."""
    folder = tmp_path_factory.mktemp("sample") / "lake"
    tlsrpt(folder, "ingest", "--format", "json", SAMPLE)
    return folder


def test_every_mail_of_the_sample_is_accounted_for(lake):
    files = len(list((SAMPLE / "mails").glob("*.eml")))
    mbox = (SAMPLE / "odd.mbox").read_bytes().count(b"\nFrom ") + 1
    outcomes = json.loads(tlsrpt(lake, "sql", "--format", "json", "select outcome, count(*) as n from messages group by all order by all"))
    assert sum(row["n"] for row in outcomes) == files + mbox + 2
    assert {row["outcome"] for row in outcomes} == {"stored", "duplicate", "conflict", "quarantined", "not_tlsrpt"}


def test_what_cannot_be_read_is_named(lake):
    rejects = {
        row["code"] for row in json.loads(tlsrpt(lake, "sql", "--format", "json", "select distinct reject_code as code from messages"))
    }
    assert {"gzip_corrupt", "json_malformed", "not_tlsrpt"} <= rejects


def test_taking_the_sample_in_again_changes_nothing(lake):
    question = (
        "select (select count(*) from messages) as messages, (select count(*) from reports) as reports, sum(sessions) as s from sessions"
    )
    before = tlsrpt(lake, "sql", "--format", "json", question)
    again = json.loads(tlsrpt(lake, "ingest", "--format", "json", SAMPLE))
    assert again["reports_new"] == 0
    assert tlsrpt(lake, "sql", "--format", "json", question) == before
