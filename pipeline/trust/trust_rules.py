"""The part of `[trust]` that judging goes by."""

from __future__ import annotations

from typing import NamedTuple


class TrustRules(NamedTuple):
    """What the judge reads of `[trust]`; importing the settings themselves would cost the start of a worker a sixth of a second."""

    dkim: str
    """`verify`, or `off`: the operator vouches for the mailbox."""
    resolver: str
    """host:port; empty: the system's."""
    dns_timeout: float
    """Seconds."""
    authserv_ids: tuple[str, ...]
    """Servers whose Authentication-Results are believed."""
    posted_from: tuple[str, ...]
    """Networks for whose posts the operator vouches."""
