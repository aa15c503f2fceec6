"""The same import on a Dask cluster: a real scheduler, workers over TCP, one of them killed on the way."""

from __future__ import annotations

import sys
import time

import pytest

from pipeline.errors import ConfigError, TryAgainError, UnreachableError
from pipeline.ingest.backfill import cluster
from tests.backfill.dask_cluster import dask_cluster
from tests.backfill.material import content

SMALL = {"TLSRPT_TEST_CHUNK": "8 20"}


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


def test_a_cluster_brings_the_rows_of_ingest_though_a_worker_is_killed(tlsrpt, dask, archive, by_ingest, tmp_path):
    lake = tmp_path / "lake"
    run = tlsrpt.begin("--lake", lake, "backfill", archive, "--scheduler", dask.address, "--format", "json", **SMALL)
    deadline = time.monotonic() + 120
    while not dask.busy_children() and time.monotonic() < deadline:
        time.sleep(0.02)
    dask.workers[0].kill()
    ran = tlsrpt.end(run)
    assert (ran.code, ran.summary["messages"]) == (0, by_ingest[1].messages), ran.err
    assert content(lake) == content(by_ingest[0])
    assert dask.busy_children() == []


def test_two_imports_side_by_side_do_not_disturb_each_other(tlsrpt, dask, archive, by_ingest, tmp_path):
    lakes = [tmp_path / "one", tmp_path / "two"]
    runs = [tlsrpt.begin("--lake", lake, "backfill", archive, "--scheduler", dask.address, **SMALL) for lake in lakes]
    ended = [tlsrpt.end(run) for run in runs]
    assert [(ran.signal, ran.code, ran.err) for ran in ended] == [(0, 0, "")] * 2
    assert [content(lake) == content(by_ingest[0]) for lake in lakes] == [True, True]


def test_a_scheduler_that_is_not_there_is_one_sentence(take_in, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    (tmp_path / "in").mkdir()
    with pytest.raises(UnreachableError, match=r"the Dask scheduler tcp://127\.0\.0\.1:9 does not answer"):
        take_in(tmp_path / "in", workers=None, scheduler="tcp://127.0.0.1:9")


def test_without_the_extra_the_sentence_says_what_to_install(take_in, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    (tmp_path / "in").mkdir()
    with pytest.raises(ConfigError, match=r"pip install 'tlsrpt-analytics\[cluster\]'"):
        take_in(tmp_path / "in", workers=None, scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_waited_for_and_then_said(take_in, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 1.0)
    (tmp_path / "in").mkdir()
    with dask_cluster(tmp_path / "dask", workers=0) as empty, pytest.raises(TryAgainError, match="has no workers"):
        take_in(tmp_path / "in", workers=None, scheduler=empty.address)


def test_a_worker_with_another_version_is_told(take_in, dask, archive, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "99.0")
    with pytest.raises(ConfigError, match=r"has version .* and this is 99\.0"):
        take_in(archive, workers=None, scheduler=dask.address)


def test_a_scheduler_that_dies_ends_the_import_and_the_next_one_goes_on(tlsrpt, archive, by_ingest, tmp_path):
    lake = tmp_path / "lake"
    with dask_cluster(tmp_path / "dask", workers=1) as dask:
        run = tlsrpt.begin("--lake", lake, "backfill", archive, "--scheduler", dask.address, "--format", "json", **SMALL)
        while not dask.busy_children():
            time.sleep(0.02)
        dask.scheduler.kill()
        ran = tlsrpt.end(run)
    assert (ran.code, ran.err.count("\n")) == (75, 1), ran.err
    assert tlsrpt.run("--lake", lake, "backfill", archive, "--workers", "1", **SMALL).code == 0
    assert content(lake) == content(by_ingest[0])
