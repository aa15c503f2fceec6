"""Every trick of the corpus, read in a worker process: its code, and what it cost."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from pipeline.demo.dns_server import serve_keys
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.quirks import REJECT_CODES
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.chunk_columns import message_rows
from pipeline.workers.pool import Pool
from pipeline.workers.reading_task import Job
from tests.hostile.corpus import STORED, TRICKS
from tests.trust.conftest import KEYS
from tests.trust.signing import fetched, report_mail


@pytest.fixture(scope="module")
def pool():
    with serve_keys(KEYS) as keys:
        trust = TrustSettings(resolver=keys.address, dns_timeout=0.5, authserv_ids=("mx.rcpt.example",))
        job = Job(DEFAULT_LIMITS, Ownership(), trust, RunStamp("run", datetime(2026, 5, 14, tzinfo=UTC), "0"))
        with Pool(job, workers=1) as workers:
            yield workers


def _read(pool, mail):
    ((_, columns),) = pool.read([[fetched(mail)]])
    (rows,) = message_rows(columns)
    return rows


def _worker():
    (worker,) = [one for one in psutil.Process(os.getpid()).children() if "pipeline.workers.child_process" in one.cmdline()]
    return worker


def _processor_seconds(worker) -> float:
    """Not wall time: other tests run beside this one."""
    times = worker.cpu_times()
    return times.user + times.system


def _most_memory(worker) -> int:
    status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_a_trick_gets_its_code_within_its_bounds(pool, trick):
    assert _read(pool, report_mail()).message.outcome == "stored"
    worker, mail = _worker(), trick.mail()
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = worker.memory_info().rss
    begun = _processor_seconds(worker)
    rows = _read(pool, mail)
    assert (rows.message.reject_code or rows.message.outcome) == trick.code
    assert trick.quirk is None or trick.quirk in rows.reports[0].report.quirks
    assert rows.message.trust_tier != "verified"
    assert worker.is_running(), "no trick ends the worker"
    assert _processor_seconds(worker) - begun < trick.seconds
    assert (_most_memory(worker) - before) >> 20 < trick.mib


def test_every_code_of_the_corpus_is_a_documented_one():
    assert {trick.code for trick in TRICKS} - {STORED} <= set(REJECT_CODES)


def test_the_corpus_has_every_way_to_be_refused_that_a_sender_has():
    # `timeout` needs a trick that nobody knows yet; tests/workers/test_workers.py makes one by lowering the limit.
    assert set(REJECT_CODES) - {trick.code for trick in TRICKS} <= {"timeout", "no_report_part"}
