"""The order of a bulk import: list, read, weigh, write, commit; the reading of the next batch goes on while one is written.

Exactly once, whoever dies: what is not committed is in no table, and the ledger has the digest of every message that is. A worker's task is
done again by another; what the dead one wrote has a name that nobody knows. The commits are those of `pipeline.lake.delta.commit`.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import TryAgainError, most_lasting
from pipeline.ingest.backfill.driver import Drive
from pipeline.ingest.backfill.import_progress import Shown
from pipeline.ingest.backfill.local_workers import LocalWorkers
from pipeline.ingest.backfill.sources import check_sources, size_of
from pipeline.ingest.options import Outcome
from pipeline.ingest.run import make_job
from pipeline.ingest.stop import Stop
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import configured_location
from pipeline.workers.pool import processors
from pipeline.workers.protocol import pack_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings
    from pipeline.ingest.backfill.local_workers import Workers
    from pipeline.workers.reading_task import Job


class BulkOptions(NamedTuple):
    """What the command line asks."""

    sources: tuple[str, ...]
    workers: int | None = None
    """Processes; None: one a processor."""
    scheduler: str | None = None
    """Address of a Dask scheduler; then its workers do the work."""
    dry_run: bool = False
    shown: Shown = Shown()


def backfill(settings: Settings, options: BulkOptions, stop: Stop | None = None) -> Outcome:
    """Import archives.

    Args:
        settings: The configuration: the lake, the limits of a mail, domains and trust.
        options: What the command line asks, the sources among it.
        stop: Once asked, the import ends when what is being read is committed; None: only SIGTERM and SIGINT end it early.

    Raises:
        InputError: A source is missing or cannot be read; what was committed stays.
        TryAgainError: Another run holds the lake, or workers keep dying.
        LakeError: The lake cannot be written; what was committed stays.
        UnreachableError: The scheduler does not answer.
        ConfigError: The settings are wrong, or a package is missing.
    """
    begun = time.monotonic()
    check_sources(options.sources)
    stop = Stop() if stop is None else stop  # not `or`: a Stop that nobody asked is false
    job = make_job(settings)
    location = configured_location(settings.lake)
    with stop.on_signals(), contextlib.ExitStack() as held:
        lake = None if options.dry_run else held.enter_context(open_for_writing(location))
        with _workers(options, job) as workers:
            drive = Drive(location, lake, workers, job=job, sources=options.sources, shown=options.shown, stop=stop)
            options.shown.begin(lambda: size_of(options.sources, stop))
            try:
                drive.run()
                drive.put_down()
            finally:
                options.shown.end()
                drive.clear()
        drive.compact()  # the workers are gone: their memory is free for it
    seconds = time.monotonic() - begun
    drive.tally.log(job.run.run_id, seconds)
    codes = [*drive.tally.exit_codes, *([TryAgainError.exit_code] if stop else [])]
    return Outcome(drive.tally, seconds, most_lasting(codes))


@contextlib.contextmanager
def _workers(options: BulkOptions, job: Job) -> Iterator[Workers]:
    if options.scheduler is not None:
        from pipeline.ingest.backfill.cluster import cluster_workers

        with cluster_workers(options.scheduler, pack_job(job)) as workers:
            yield workers
    else:
        with LocalWorkers(job, options.workers or processors()) as local:
            yield local
