"""How much is asked of a mail server at once, and how patient we are with it."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """How much is asked of a server at once, and how patient we are."""

    search_uids: int = 50_000
    """UIDs per SEARCH answer: imaplib reads lines of a million bytes, and a UID has up to ten digits."""
    size_messages: int = 500
    """Messages per FETCH of sizes: a command line of ours stays under 8 KB (RFC 9051 §4, LITERAL aside)."""
    chunk_messages: int = 200
    """Messages per FETCH of bodies: beyond, memory grows and speed does not."""
    chunk_bytes: int = 8 * 1024 * 1024
    whole_bytes: int = 1024 * 1024
    """A larger message is fetched in pieces of this size (RFC 9051 §6.4.5, partial fetch)."""
    pause_seconds: float = 0.25
    """Before the first reconnect; doubles up to `longest_pause_seconds`."""
    longest_pause_seconds: float = 4.0
    losses: int = 25
    """Connections lost in a row, with nothing delivered in between, before we give up; a few messages that break the server, one
    after the other, have to fit: each is found by halving its chunk."""
    refusals: int = 5
    """Attempts to connect again, in a row, before we give up."""
