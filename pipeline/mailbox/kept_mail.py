"""A message of the lake as it was when it came, to be read once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.mailbox.sniff import HEAD_BYTES, Kind, kind_by_content, kind_by_name
from pipeline.message.fetched import POSTED, Fetched, MessageRef

if TYPE_CHECKING:
    from pipeline.tables.row_types import MessageRow


def as_fetched(row: MessageRow, content: bytes) -> Fetched:
    """Return a message as its source handed it over, from its ledger row and its kept bytes."""
    kind = kind_by_name(row.item or "") or kind_by_content(content[:HEAD_BYTES])
    bare = row.account == POSTED or (row.uid is None and kind is Kind.BARE)
    ref = MessageRef(row.account, row.folder, row.uidvalidity, row.uid, row.item)
    return Fetched(ref, content, row.received_at, row.size_bytes, bare)
