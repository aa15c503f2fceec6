"""Two hundred thousand report files from a bucket into a lake there, on a cluster that loses a worker; and the same with one process."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import time
from typing import TYPE_CHECKING

import obstore
import orjson
import pytest
from obstore.store import S3Store

from pipeline.lake.storage.s3 import find_access
from pipeline.query import open_lake
from tests.backfill.dask_cluster import dask_cluster
from tests.bench.archive import report

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.soak

FILES = int(os.environ.get("TLSRPT_TEST_SOAK_FILES", "200000"))
_AT_ONCE = 64


async def _put_all(store: S3Store, prefix: str, numbers: Iterable[int], sums: list[int]) -> None:
    """Put report files into the bucket, and add up what they say: reports, successes, failures, policies."""

    async def put(number: int) -> None:
        name, content = report(number)
        policies = orjson.loads(gzip.GzipFile(fileobj=io.BytesIO(content)).read())["policies"]
        sums[0] += 1
        sums[1] += sum(policy["summary"]["total-successful-session-count"] for policy in policies)
        sums[2] += sum(policy["summary"]["total-failure-session-count"] for policy in policies)
        sums[3] += len(policies)
        await obstore.put_async(store, f"{prefix}/{name}", content)

    waiting: set[asyncio.Task[None]] = set()
    for number in numbers:
        waiting.add(asyncio.create_task(put(number)))
        if len(waiting) >= _AT_ONCE:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
    await asyncio.gather(*waiting)


def sums_of(lake: str) -> list[int]:
    query = (
        "select (select count(*) from reports), sum(success_count)::bigint, sum(failure_count)::bigint, count(*), "
        "(select count(*) from messages), (select count(distinct message_sha256) from messages) from policies"
    )
    (row,) = open_lake(lake).sql(query).to_pylist()
    return list(row.values())


@pytest.mark.timeout(3600)
def test_a_cluster_that_loses_a_worker_brings_every_session_once(tlsrpt, bucket, storage, tmp_path, capsys):
    sums = [0, 0, 0, 0]
    prefix = f"{bucket.rpartition('/')[2]}-in"
    asyncio.run(_put_all(S3Store("tests", **find_access().store_options()), prefix, range(FILES), sums))
    expected = [*sums, FILES, FILES]
    environment = {**storage.environment(), "TLSRPT_TEST_LEASE_SECONDS": "60"}
    source = f"s3://tests/{prefix}"
    with dask_cluster(tmp_path / "dask", workers=2, **environment) as dask:
        run = tlsrpt.begin("--lake", bucket, "backfill", source, "--scheduler", dask.address, "--format", "json", **environment)
        while len(dask.busy_children()) < 2:
            time.sleep(0.1)
        time.sleep(FILES / 20_000)
        dask.workers[0].kill()
        ran = tlsrpt.end(run)
    assert (ran.code, ran.summary["reports_new"]) == (0, FILES), ran.err
    assert sums_of(bucket) == expected
    alone = tlsrpt.run("--lake", f"{bucket}-alone", "backfill", source, "--workers", "1", "--format", "json", **environment)
    assert (alone.code, alone.summary["reports_new"]) == (0, FILES), alone.err
    assert sums_of(f"{bucket}-alone") == expected
    with capsys.disabled():
        print(
            f"\n{FILES:,} files: {ran.summary['seconds']} s on two workers of which one died, {alone.summary['seconds']} s with one process"
        )
