"""Which policies of a report describe the same sessions, so that nobody has to group ten million rows to find out.

A sender that knows both MTA-STS and DANE reports its sessions under `sts` and again under `tlsa` (Microsoft does, for every domain
with both). Per report and report domain one of the two stands for the sessions, the rows of the other repeat it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.row_types import PolicyRow


def mark_repeats(policies: Sequence[PolicyRow]) -> tuple[PolicyRow, ...]:
    """Return the policies of one report with `repeats_sessions` set."""
    if {"sts", "tlsa"} - {row.policy_type for row in policies}:
        return tuple(policies)
    marks = repeats([(row.report_domain, row.policy_type, row.success_count + row.failure_count) for row in policies])
    return tuple(row._replace(repeats_sessions=mark) for row, mark in zip(policies, marks, strict=True))


def repeats(policies: Sequence[tuple[str, str, int]]) -> list[bool]:
    """Say which policies of one report repeat the sessions of others.

    Per report domain the type of `sts` and `tlsa` with the larger total counts, a tie counts as `sts`; rows of one type add up
    (a tlsa row per MX host).

    Args:
        policies: Report domain, policy type and sessions of each.
    """
    totals: defaultdict[tuple[str, str], int] = defaultdict(int)
    for domain, kind, sessions in policies:
        totals[domain, kind] += sessions
    return [_repeats(domain, kind, totals) for domain, kind, _ in policies]


def _repeats(domain: str, kind: str, totals: Mapping[tuple[str, str], int]) -> bool:
    sts, tlsa = totals.get((domain, "sts")), totals.get((domain, "tlsa"))
    return sts is not None and tlsa is not None and kind == ("sts" if tlsa > sts else "tlsa")
