"""Flood control: how many messages of a sender nobody knows are taken in on one day (RFC 8460 §7).

What is over the limit is left where it is for a later run, and counted. Nothing is refused to a known reporter whose domain is proved, nor
to mail the operator vouches for.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.message.shipped_reporters import is_known_reporter
from pipeline.report.keys.identity import organisational_domain
from pipeline.report.names import valid_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.message.fetched import Sender

UNPROVED = "?"
"""Stands before a submitter that is only claimed, so that a forger does not use up the share of whom he names."""

UNPROVED_SHARES = 10
"""All unproved mail of a day gets ten times the limit: a forger may claim a new name in every mail."""


class Quota:
    """The shares of one UTC day, counted down as messages come in."""

    def __init__(self, limit: int, *, reporters: Iterable[str] = ()) -> None:
        """Begin a day.

        Args:
            limit: Messages a submitter and day; 0 is without limit.
            reporters: `[trust] reporters`.
        """
        self._limit = limit
        self._reporters = tuple(reporters)
        self._taken: Counter[str] = Counter()
        self._unproved = 0

    def having(self, taken: Mapping[str, int]) -> Quota:
        """Return the same day in the middle of it.

        Args:
            taken: What the ledger has of this UTC day (by `ingested_at`), counted by `share_of`.
        """
        quota = Quota(self._limit, reporters=self._reporters)
        quota._taken.update(taken)
        quota._unproved = sum(count for share, count in taken.items() if share.startswith(UNPROVED))
        return quota

    def admits(self, message: Sender) -> bool:
        """Whether the message is within its share; if so it is counted."""
        share = self.share_of(message)
        if not self._limit or share is None:
            return True
        unproved = share.startswith(UNPROVED)
        if self._taken[share] >= self._limit or (unproved and self._unproved >= self._limit * UNPROVED_SHARES):
            return False
        self._taken[share] += 1
        self._unproved += unproved
        return True

    def share_of(self, message: Sender) -> str | None:
        """Return whose share the message counts against; None where no limit applies.

        Mail that is not a TLS report or was not fetched leaves only a ledger row; without it, every run would look at it again.
        """
        if message.trust_tier == "vouched" or message.outcome in {"not_tlsrpt", "too_large"}:
            return None
        if message.trust_tier in {"verified", "attested"} and message.dkim_domain is not None:
            if is_known_reporter(message.dkim_domain, self._reporters):
                return None
            return organisational_domain(message.dkim_domain)
        claimed = valid_domain(message.from_domain)
        return UNPROVED + (organisational_domain(claimed) if claimed else "")
