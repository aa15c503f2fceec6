"""Who sent a message, as far as that is proved: by this a sender's share of a day is counted (`pipeline.trust.quota`)."""

from __future__ import annotations

from typing import NamedTuple


class Sender(NamedTuple):
    """Four columns of a row of `messages`."""

    trust_tier: str
    outcome: str
    dkim_domain: str | None
    from_domain: str | None
