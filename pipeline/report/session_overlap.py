"""Which policies of one report may tell of the same sessions, and what they are if they do, so that no question groups ten million rows.

Some senders report a session under every policy they checked (Microsoft: `sts` and again `tlsa`; mox: the recipient domain and again the
MX host), others under the one policy that applied (Postfix). One report cannot show which; what a sender does in all its reports can, so
the views decide (decision 0039). Kept here is what both need: the sums in case the sessions are the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.tables.row_types import PolicyRow


class Once(NamedTuple):
    """What one policy row adds if `tlsa` and the other policies of its report and report domain tell of the same sessions.

    The first row of a report domain has the sums, its other rows zeros; all are None where there is nothing to compare.
    """

    repeats_sessions: bool = False
    """Whether rows of another type have the larger total."""
    authenticated: int | None = None
    failed: int | None = None
    unprotected: int | None = None
    totals_equal: bool | None = None
    """Only on the row with the sums."""


ALONE = Once()
_DOMAIN_SIDE = frozenset({"sts", "no-policy-found"})


class Sent(NamedTuple):
    """What of a policy row bears on it."""

    report_domain: str
    policy_type: str
    success: int
    failure: int


def mark_repeats(policies: Sequence[PolicyRow]) -> tuple[PolicyRow, ...]:
    """Return the policies of one report with what is counted if they tell the same sessions."""
    if len(policies) == 1 or all(row.policy_type != "tlsa" for row in policies):
        return tuple(policies)
    told = told_once([Sent(row.report_domain, row.policy_type, row.success_count, row.failure_count) for row in policies])
    return tuple(
        row._replace(
            repeats_sessions=once.repeats_sessions,
            once_authenticated=once.authenticated,
            once_failed=once.failed,
            once_unprotected=once.unprotected,
            totals_equal=once.totals_equal,
        )
        for row, once in zip(policies, told, strict=True)
    )


def told_once(policies: Sequence[Sent]) -> list[Once]:
    """Return what each policy of one report adds, in their order."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(policies):
        groups[row.report_domain].append(place)
    told = [ALONE] * len(policies)
    for places in groups.values():
        rows = [policies[place] for place in places]
        kinds = {row.policy_type for row in rows}
        if "tlsa" not in kinds or not kinds & _DOMAIN_SIDE:
            continue
        first, sums, repeating = _sums(rows)
        for place, row in zip(places, rows, strict=True):
            once = sums if place == places[first] else Once(False, 0, 0, 0, None)
            told[place] = once._replace(repeats_sessions=row.policy_type in repeating)
    return told


def _sums(rows: Sequence[Sent]) -> tuple[int, Once, frozenset[str]]:
    """Return the place of the row that gets the sums, the sums, and the types with the smaller total.

    A session that met one policy and failed the other has failed, so the larger of the two failure counts is what failed. Where more
    sessions are told under `tlsa` than for the domain, those for which no policy was found cannot be among them (RFC 8460 §4.4).
    """
    sts, tlsa, neither = _total(rows, "sts"), _total(rows, "tlsa"), sum(_total(rows, "no-policy-found"))
    covered = max(sum(sts), sum(tlsa))
    failed = min(max(sts[1], tlsa[1]), covered)
    sessions = sum(sts) + neither if sum(tlsa) <= sum(sts) + neither else covered + neither
    equal = sum(tlsa) in {sum(sts) + neither, sum(sts)} and sum(tlsa) > 0
    repeating = _DOMAIN_SIDE if sum(tlsa) > sum(sts) + neither else frozenset({"tlsa"})
    first = next(place for place, row in enumerate(rows) if row.policy_type in _DOMAIN_SIDE or row.policy_type == "tlsa")
    return first, Once(False, covered - failed, failed, sessions - covered, equal), repeating


def _total(rows: Sequence[Sent], kind: str) -> tuple[int, int]:
    return sum(row.success for row in rows if row.policy_type == kind), sum(row.failure for row in rows if row.policy_type == kind)
