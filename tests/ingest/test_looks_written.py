"""A mailbox that goes on failing is said once, then daily: cron sends a mail for every word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import Settings
from pipeline.errors import SignInError, TryAgainError
from pipeline.ingest.looks_written import Looking
from pipeline.ingest.run import make_job
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter

BEGAN = datetime(2026, 3, 20, 6, 10, tzinfo=UTC)
REFUSED, BUSY = SignInError("mailbox rua: refused"), TryAgainError("mailbox rua: busy")


@pytest.fixture
def look(tmp_path):
    """One run after so many hours; return whether how it ended is news."""
    with LakeWriter(locate(tmp_path / "lake"), run_id="one"):
        pass
    job = make_job(Settings())

    def run(hours: float, err) -> bool:
        at = BEGAN + timedelta(hours=hours)
        looking = Looking(
            locate(tmp_path / "lake"), job._replace(run=job.run._replace(run_id=str(at), ingested_at=at)), ["rua"], ["example.org"]
        )
        looking.begin()
        said = err is not None and looking.is_news("rua", err)
        looking.ended("rua", err, 0)
        looking.end()
        return said

    return run


def test_it_is_said_once_then_daily_and_anew_when_it_is_another_fault_or_comes_back(look):
    runs = [(0, REFUSED), (0.25, REFUSED), (23.9, REFUSED), (24.1, REFUSED), (25, REFUSED), (48.5, REFUSED), (49, BUSY), (49.5, BUSY)]
    assert [look(*run) for run in runs] == [True, False, False, True, False, True, True, False]
    assert [look(*run) for run in [(50, None), (50.5, BUSY)]] == [False, True]
