"""Messages of the lake read once more, as they were when they came; and mail that counts because the operator vouches for it since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import log
from pipeline.mailbox.sniff import HEAD_BYTES, FileKind, kind_by_content, kind_by_name
from pipeline.message.fetched import POSTED, Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.ingest.context import Hands
    from pipeline.lake.writer import LakeWriter
    from pipeline.tables.row_types import MessageRow

CHUNK = 1_000
"""Messages read again and replaced at a time."""


def as_fetched(row: MessageRow, content: bytes) -> Fetched:
    """Return a message as its source handed it over, from its ledger row and its kept bytes."""
    kind = kind_by_name(row.item or "") or kind_by_content(content[:HEAD_BYTES])
    bare = row.account == POSTED or (row.uid is None and kind is FileKind.BARE)
    ref = MessageRef(row.account, row.folder, row.uidvalidity, row.uid, row.item)
    return Fetched(ref, content, row.received_at, row.size_bytes, bare)


def kept_mail(writer: LakeWriter, month: str, rows: Sequence[MessageRow]) -> Iterator[list[tuple[MessageRow, Fetched]]]:
    """Yield, in chunks, those messages of a month whose bytes are kept.

    Args:
        writer: The lake.
        month: Of their receipt.
        rows: Their ledger rows.
    """
    raw = writer.raw_of(month)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        contents = raw.contents([row.message_sha256 for row in chunk])
        yield [(row, as_fetched(row, contents[row.message_sha256])) for row in chunk if row.message_sha256 in contents]


def vouch_for_earlier(hands: Hands) -> None:
    """Take what was received before the moment vouched for, and not proved then, into the lake once more, as vouched (`--vouch-before`).

    Its reports then count, where no better proved report of the same identity does. Repeatable: what is vouched is not found again.

    Raises:
        LakeError: The lake cannot be read or written.
    """
    writer, before = hands.writer, hands.job.vouch_before
    if writer is None or before is None:
        return
    messages = 0
    for month, rows in list(writer.ledger.unproved_before(before)):
        if hands.stop:
            break
        for known in kept_mail(writer, month, rows):
            writer.replace(hands.pool.read_again(known))
            messages += len(known)
    log.info("vouched-for-earlier-mail", before=f"{before:%Y-%m-%d}", messages=messages)
