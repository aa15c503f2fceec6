"""Reading what was quarantined once more, with this version of the program and today's limits (`tlsrpt rejects retry`)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from pipeline.ingest.kept_mail import kept_mail
from pipeline.ingest.run import make_job
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.writer import LakeWriter
from pipeline.tables.chunk_columns import choose
from pipeline.workers.pool import Pool

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.tables.row_types import MessageRow


class Retried(NamedTuple):
    """What became of the quarantined messages."""

    messages: int
    """Quarantined, with their bytes still kept."""
    stored: int
    """Read now: stored, or a duplicate or conflict of what is there."""
    gone: int
    """Quarantined, but their bytes have expired."""


def retry_rejects(settings: Settings) -> Retried:
    """Read all quarantined messages again and replace the rows of those that are readable now.

    Raises:
        TryAgainError: Another run holds the lake.
        LakeError: It cannot be read or written; what was replaced stays.
    """
    job = make_job(settings)
    seen = stored = gone = 0
    with LakeWriter(configured_location(settings.lake), run_id=job.run.run_id) as writer, Pool(job) as pool:
        by_month: dict[str, list[MessageRow]] = defaultdict(list)
        for row in writer.ledger.rows(pc.field("outcome") == "quarantined"):
            by_month[row.received_month].append(row)
        for month, rows in sorted(by_month.items()):
            gone += len(rows)
            for known in kept_mail(writer, month, rows):
                columns = pool.read_again(known)
                outcomes = columns.messages.column("outcome").to_pylist()
                readable = [place for place, outcome in enumerate(outcomes) if outcome != "quarantined"]
                if readable:
                    writer.replace(choose(columns, readable))
                seen, stored, gone = seen + len(known), stored + len(readable), gone - len(known)
    return Retried(seen, stored, gone)
