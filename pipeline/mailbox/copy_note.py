"""The note that is made before mail is moved by COPY (`pipeline.mailbox.copying`); it needs no IMAP library to be read."""

from __future__ import annotations

from typing import NamedTuple


class Copying(NamedTuple):
    """Messages that are being moved by COPY."""

    uidvalidity: int
    """Of the folder they are in, like `uids`."""
    uids: tuple[int, ...]
    folder: str
    """Where they go."""
    target_uidvalidity: int
    target_uidnext: int
    """Of that folder, before; what is copied gets UIDs from there on. 0: not known."""
