"""Bulk import from a bucket into a lake in a bucket: a real object storage, on one machine and on a cluster."""

from __future__ import annotations

import obstore
import pytest
from obstore.store import S3Store

from pipeline.ingest.backfill import listing
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.s3 import find_access
from tests.backfill.dask_cluster import dask_cluster
from tests.backfill.material import OF_THE_PLACE, compressed, content, mbox_of, messages, packed, tar_of
from tests.report_mails import mail

SMALL = {"TLSRPT_TEST_CHUNK": "16 1000"}


@pytest.fixture
def source(bucket):
    """The address of an archive in the bucket with the usual messages, and a function that puts more there."""
    store = S3Store("tests", **find_access().store_options())
    prefix = f"{bucket.rpartition('/')[2]}-in"

    def put(name: str, what: bytes) -> None:
        obstore.put(store, f"{prefix}/{name}", what)

    for name, what in messages():
        put(name, what)
    return f"s3://tests/{prefix}", put


def test_objects_become_the_rows_of_the_files_they_are(source, bucket, by_ingest, take_in):
    outcome = take_in(source[0], lake=bucket, workers=2)
    assert outcome.exit_code == 0
    assert outcome.tally.messages == by_ingest[1].messages
    assert content(bucket, without=OF_THE_PLACE) == content(by_ingest[0], without=OF_THE_PLACE)
    assert locate(bucket).store.walk("_staging") == []
    again = take_in(source[0], lake=bucket)
    assert (again.tally.reports_new, again.tally.duplicates) == (0, again.tally.messages)


def test_a_tar_and_a_large_mbox_in_a_bucket_are_read_as_streams(source, bucket, take_in, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.ingest.backfill.bucket_objects.LARGE_BYTES", 1000)
    put = source[1]
    put("more/a.tar.gz", compressed(tar_of(iter([("100.json.gz", packed(100)), ("101.json.gz", packed(101))])), ".gz"))
    put("more/old.mbox", mbox_of(mail(number) for number in range(102, 110)))
    put("more/.hidden/x.json.gz", packed(200))
    outcome = take_in(f"{source[0]}/more")
    assert (outcome.tally.reports_new, outcome.tally.skipped) == (10, 1)
    single = take_in(f"{source[0]}/more/a.tar.gz")
    assert (single.tally.reports_new, single.tally.duplicates) == (0, 2)
    assert listing.LARGE_BYTES > 1000


def test_a_cluster_takes_objects_into_a_lake_in_the_bucket(tlsrpt, source, by_ingest, storage, tmp_path):
    bucket = source[0].removesuffix("-in")
    environment = {**storage.environment(), **SMALL}
    with dask_cluster(tmp_path / "dask", **storage.environment()) as dask:
        ran = tlsrpt.run("--lake", bucket, "backfill", source[0], "--scheduler", dask.address, "--format", "json", **environment)
    assert (ran.code, ran.summary["messages"]) == (0, by_ingest[1].messages), ran.err
    assert content(bucket, without=OF_THE_PLACE) == content(by_ingest[0], without=OF_THE_PLACE)
    assert locate(bucket).store.walk("_staging") == []


def test_a_driver_killed_over_a_bucket_is_finished_by_the_next(tlsrpt, source, bucket, by_ingest, storage):
    environment = {**storage.environment(), **SMALL, "TLSRPT_TEST_LEASE_SECONDS": "1"}
    argv = ("--lake", bucket, "backfill", source[0], "--workers", "1", "--format", "json")
    assert tlsrpt.run(*argv, **environment, TLSRPT_TEST_FAILPOINT="committed-reports:1").signal == 9
    ran = tlsrpt.run(*argv, **environment)
    while ran.code == 75:  # the lease of the dead one
        ran = tlsrpt.run(*argv, **environment)
    assert ran.code == 0, ran.err
    assert content(bucket, without=OF_THE_PLACE) == content(by_ingest[0], without=OF_THE_PLACE)


def test_a_bucket_that_is_empty_there_or_not_at_all_is_one_sentence(tlsrpt, bucket, storage, tmp_path):
    ran = tlsrpt.run("--lake", tmp_path / "lake", "backfill", f"{bucket}-nothing", **storage.environment())
    assert (ran.code, ran.err.count("\n")) == (66, 1), ran.err
    assert "nothing found under" in ran.err
