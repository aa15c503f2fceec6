"""Protection lost without a failure: senders that applied a policy to a domain and find none any more.

A failure is reported; a policy that is gone is not. The sender delivers as to a domain that never had one and counts `no-policy-found`.
Such sessions are told here as rows of failures with that result type, so that they are weighed, compared and followed like all others.
"""

from __future__ import annotations

from collections import deque
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.insight.detect.failure_cube import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.insight.ask import Ask

NO_POLICY = "no-policy-found"
_HELD_DAYS = 2
"""Days under a policy before, without which nothing was lost."""
_LOST_DAYS = 2
"""Days without it that are a loss; one may be a resolver that failed."""
_DAYS_BEFORE = 10
_STEADY = {"sts": 0.5, "tlsa": 0.8}
"""Share of the days before on which the policy must have been applied, by what was lost: an MX host of several may have no TLSA records."""


class Day(NamedTuple):
    """Sessions of one sender for one domain on one day, by protection."""

    report_domain: str
    submitter_domain: str
    report_day: date
    sts: int
    switched_off: int
    """Under a policy in mode none."""
    tlsa: int
    tlsa_failed: int
    """Under DANE, and failed: it was not met, and the sender says so."""
    unprotected: int
    policy_hash: str | None


def read_lost(ask: Ask, *, since: date, until: date, domain: str | None = None, domains: Sequence[str] | None = None) -> list[Cell]:
    """Ask for protection lost between two days, both inclusive.

    Args:
        ask: Answers the named questions.
        since: First day, UTC.
        until: Last day, UTC.
        domain: One domain only; None: all.
        domains: Several domains only; None: all.
    """
    given = None if domains is None else list(domains)
    days = rows_of(between(ask, "insight_protection", since=since, until=until, domain=domain, domains=given), Day)
    pairs = groupby(days, key=lambda day: (day.report_domain, day.submitter_domain))
    return [cell for _, of_pair in pairs for cell in lost_of(list(of_pair))]


def lost_of(days: Sequence[Day]) -> Iterator[Cell]:
    """Yield what one sender lost for one domain, day by day; `days` are in order."""
    yield from _lost(days, "sts", [(day.sts + day.tlsa, day.unprotected) for day in days])
    # Of a domain that keeps MTA-STS, DANE can be lost alone.
    # Where its failures are reported, DNSSEC that broke or records that match nothing, they are the incident.
    yield from _lost(days, "tlsa", [(day.tlsa, 0 if day.tlsa or day.tlsa_failed else day.sts) for day in days])


def _lost(days: Sequence[Day], kind: str, counts: Sequence[tuple[int, int]]) -> Iterator[Cell]:
    before: deque[bool] = deque(maxlen=_DAYS_BEFORE)
    last: Day | None = None
    kept: list[Cell] = []
    for day, (covered, without) in zip(days, counts, strict=True):
        if day.switched_off > covered + without:
            # The way to take a policy back (RFC 8461 §8.3): what is not found afterwards was not lost.
            before.clear()
            kept = []
        elif without > covered and last is not None and sum(before) >= max(_HELD_DAYS, len(before) * _STEADY[kind]):
            what = kind if kind == "tlsa" or last.sts >= last.tlsa else "tlsa"
            kept.append(_cell(day, what, without, last.policy_hash if what == "sts" else None))
            continue
        elif covered > without:
            yield from _enough(kept)
            kept, last = [], day
        before.append(covered > without)
    yield from _enough(kept)


def _enough(kept: Sequence[Cell]) -> Iterable[Cell]:
    return kept if len(kept) >= _LOST_DAYS else ()


def _cell(day: Day, kind: str, sessions: int, policy_hash: str | None) -> Cell:
    return Cell(
        report_domain=day.report_domain,
        report_day=day.report_day,
        submitter_domain=day.submitter_domain,
        policy_type=kind,
        policy_hash=policy_hash,
        result_type=NO_POLICY,
        failure_reason_code=None,
        receiving_mx_hostname=None,
        receiving_ip=None,
        mentions=sessions,
        policy_failures=sessions,
    )
