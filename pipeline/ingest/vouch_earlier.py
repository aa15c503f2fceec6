"""Mail of earlier runs that counts from now on because the operator vouches for it (`ingest --vouch-before`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import log
from pipeline.mailbox.kept_mail import as_fetched

if TYPE_CHECKING:
    from pipeline.ingest.context import Hands

CHUNK = 1_000
"""Messages read again and replaced at a time."""


def vouch_for_earlier(hands: Hands) -> None:
    """Take what was received before the moment vouched for, and not proved then, into the lake once more, as vouched.

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
        raw = writer.raw_of(month)
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            contents = raw.contents([row.message_sha256 for row in chunk])
            known = [(row, as_fetched(row, contents[row.message_sha256])) for row in chunk if row.message_sha256 in contents]
            writer.replace(hands.pool.read_again(known))
            messages += len(known)
    log.info("vouched-for-earlier-mail", before=f"{before:%Y-%m-%d}", messages=messages)
