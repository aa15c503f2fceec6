"""Preloaded by Dask workers of the benchmark `cluster`: each file takes so many milliseconds longer to come, as from storage far away."""

from __future__ import annotations

import os
import time

from pipeline.ingest.backfill import carry_out

SECONDS = float(os.environ.get("TLSRPT_BENCH_LATENCY_MS", "0")) / 1000
_pieces = carry_out._pieces


def dask_setup(_worker: object) -> None:
    """Let every file that is fetched be waited for."""

    def late(fetch):
        for fetched in fetch:
            time.sleep(SECONDS)
            yield fetched

    carry_out._pieces = lambda fetch: _pieces(late(fetch)) if SECONDS else _pieces(fetch)
