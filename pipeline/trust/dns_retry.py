"""Mail whose key the DNS did not give: judged again in each run, for five days after the first try."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipeline.tables.row_types import MessageRow, MessageRows

PATIENCE = timedelta(days=5)
"""As long as mail servers keep trying (RFC 5321 §4.5.4.1)."""

CHUNK = 200
"""Messages whose bytes are looked up, read and judged together."""


def waiting_since(now: datetime) -> datetime:
    """Return the first moment of ingestion that is still tried again; what waits from before stays `unverified`."""
    return now - PATIENCE


def rejudge(
    waiting: Iterable[MessageRow],
    *,
    raw: Callable[[Sequence[MessageRow]], Mapping[str, bytes]],
    read: Callable[[list[Fetched]], Sequence[MessageRows]],
    now: datetime,
) -> Iterator[MessageRows]:
    """Yield the new rows of messages about which the DNS has answered by now, to replace the old ones in the lake.

    A message that still waits, or whose bytes are gone, is not among them. The ledger row keeps its place, its run and the time of its
    first ingestion; `changed_at` is `now`.

    Args:
        waiting: Ledger rows with `dkim_result` `temperror`, first ingested after `waiting_since(now)`.
        raw: Gives the bytes of those messages that are kept, by their sha256.
        read: Reads and judges messages: `pipeline.workers.reading_task.read_chunk` with a job, or a pool of workers.
        now: The time of this run.
    """
    rest = iter(waiting)
    while chunk := list(islice(rest, CHUNK)):
        contents = raw(chunk)
        kept = [(row, _as_fetched(row, contents[row.message_sha256])) for row in chunk if row.message_sha256 in contents]
        yield from _answered(kept, read, now)


def _as_fetched(row: MessageRow, content: bytes) -> Fetched:
    ref = MessageRef(row.account, row.folder, row.uidvalidity, row.uid, row.item)
    return Fetched(ref, content, row.received_at, row.size_bytes)


def _answered(
    batch: list[tuple[MessageRow, Fetched]], read: Callable[[list[Fetched]], Sequence[MessageRows]], now: datetime
) -> Iterator[MessageRows]:
    if not batch:
        return
    results = read([fetched for _, fetched in batch])
    for (row, _), rows in zip(batch, results, strict=True):
        if rows.message.dkim_result != "temperror":
            kept = rows.message._replace(run_id=row.run_id, ingested_at=row.ingested_at, changed_at=now)
            yield rows._replace(message=kept)
