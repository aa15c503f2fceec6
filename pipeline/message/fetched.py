"""What every source of mail hands over: where a message came from, and its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

SPOOLED, POSTED = "spool", "posted"
"""Accounts of what came through the spool: mail, and reports that anybody may have posted over HTTPS."""
RESERVED = frozenset({"file", SPOOLED, POSTED})
"""Accounts that are ours; no mailbox is called so."""


class MessageRef(NamedTuple):
    """The lasting name of a message: (account, folder, UIDVALIDITY, UID) for IMAP, the file for an import (RFC 9051 §2.3.1)."""

    account: str
    """Name of the mailbox or source in the configuration; `file` for an import, `spool` and `posted` for what was handed to us."""
    folder: str
    """IMAP folder; for an import the path as given on the command line, for `posted` the address it came from, for `spool` the way."""
    uidvalidity: int | None = None
    uid: int | None = None
    item: str | None = None
    """Where there is no UID. For an import: the file, and `#n` for the n-th mail of an mbox; else the lasting name at the source."""


class Sender(NamedTuple):
    """Four columns of a row of `messages`: who sent it, as far as that is proved. By this a sender's share of a day is counted."""

    trust_tier: str
    outcome: str
    dkim_domain: str | None
    from_domain: str | None


class Fetched(NamedTuple):
    """One message or file as received."""

    ref: MessageRef
    content: bytes | None
    """None where the message was not fetched because it is over the size limit."""
    received_at: datetime
    """INTERNALDATE, aware, UTC; for an import the time of ingestion."""
    size_bytes: int
    bare: bool = False
    """Whether the content is a report file (.json, .gz, .zip) rather than a mail."""
    sha256: str | None = None
    """Of the content, where it has been worked out, so that it is once: a twentieth of what reading a mail takes."""

    def hashed(self) -> Fetched:
        """Return it with the digest of its content."""
        if self.content is None or self.sha256:
            return self
        return Fetched(self.ref, self.content, self.received_at, self.size_bytes, self.bare, sha256(self.content).hexdigest())


def messages_and_bytes(chunk: Sequence[Fetched]) -> tuple[int, int]:
    """Return how many messages a chunk has, and their bytes."""
    return len(chunk), sum([len(fetched.content or b"") for fetched in chunk])
