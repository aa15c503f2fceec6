"""What is known of a message before it is read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Arrival(NamedTuple):
    """Columns of `messages` that are known before a message is read: what reads it has no say in them."""

    received_month: str
    message_sha256: str
    account: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    item: str | None
    received_at: datetime
    size_bytes: int
    run_id: str
    ingested_at: datetime
    parser_version: str
