"""The what-if replay: what `enforce` would have refused, day by day and sender by sender (RFC 8461 §5)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of

if TYPE_CHECKING:
    from pipeline.insight.ask import Ask

HARMLESS = ("sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid", "tlsa-invalid", "dnssec-invalid", "dane-required")
"""Result types that refuse no mail under MTA-STS: without a policy that can be had there is nothing to enforce (RFC 8461 §3.3), and DANE
is another matter. All others refuse, also those we do not know."""


class ReplayDay(NamedTuple):
    """One sender on one day."""

    report_day: date
    submitter_domain: str
    sts_sessions: int
    """Sessions under an MTA-STS policy, whether they failed or not."""
    would_refuse: int
    """Of these, the ones that a policy in mode enforce would have refused: per policy row the smaller of its failure count and the sum
    of its refusing details, and failures that no detail explains."""
    enforced: int
    """Sessions under a policy in mode enforce already."""
    switched_off: int
    """Sessions under a policy in mode none."""
    unprotected: int
    """Sessions for which the sender found no policy."""
    rated: bool = True
    """Whether it reports good days, too: a share can be made of its sessions."""
    is_loop: bool = False
    """Whether its sessions are nothing but the reports themselves."""


def read_replay(ask: Ask, domain: str, *, since: date, until: date) -> list[ReplayDay]:
    """Ask what enforce would have refused between two days, both inclusive.

    Args:
        ask: Answers the named questions.
        domain: As a lower-case A-label.
        since: First day, UTC.
        until: Last day, UTC.
    """
    answer = between(ask, "insight_sts_days", since=since, until=until, domain=domain, harmless=list(HARMLESS))
    return list(rows_of(answer, ReplayDay))
