"""The policies that the last checks found published; what senders applied is held against them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.insight.applied_policies import PublishedPolicy, checked_policy

if TYPE_CHECKING:
    from datetime import date

    from pipeline.insight.ask import Ask

FRESH_DAYS = 7
"""A check older than this says nothing about what is published now; what senders applied lately says more."""


def published_policies(ask: Ask, *, as_of: date) -> dict[str, PublishedPolicy]:
    """Return the policy of each domain whose last check, on the as-of date or the seven days before, could read one.

    Args:
        ask: Answers questions.
        as_of: The day of asking (UTC); later checks are not looked at.
    """
    fresh = as_of - timedelta(days=FRESH_DAYS)
    return {
        row["domain"]: checked_policy(row["policy_lines"], since=row["policy_since"].date())
        for row in ask("published_now", checked_until=as_of).to_pylist()
        if row["policy_lines"] and row["checked_at"].date() >= fresh
    }
