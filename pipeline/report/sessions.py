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
    """Return the policies of one report with `repeats_sessions` set.

    Per report domain the type of `sts` and `tlsa` with the larger total counts, a tie counts as `sts`; rows of one type add up
    (a tlsa row per MX host).
    """
    if {"sts", "tlsa"} - {row.policy_type for row in policies}:
        return tuple(policies)
    totals: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in policies:
        totals[row.report_domain, row.policy_type] += row.success_count + row.failure_count
    return tuple(row._replace(repeats_sessions=_repeats(row, totals)) for row in policies)


def _repeats(row: PolicyRow, totals: Mapping[tuple[str, str], int]) -> bool:
    sts, tlsa = totals.get((row.report_domain, "sts")), totals.get((row.report_domain, "tlsa"))
    return sts is not None and tlsa is not None and row.policy_type == ("sts" if tlsa > sts else "tlsa")
