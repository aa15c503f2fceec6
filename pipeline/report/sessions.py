"""Which policies of a report describe the same sessions, so that nobody has to group ten million rows to find out.

A sender that knows both MTA-STS and DANE reports its sessions under `sts` and again under `tlsa` (Microsoft does, for every domain
with both). Per report and report domain one of the two stands for the sessions, the rows of the other repeat it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.row_types import PolicyRow


def mark_repeats(policies: Sequence[PolicyRow]) -> tuple[PolicyRow, ...]:
    """Return the policies of one report with `repeats_sessions` set.

    Per report domain the type of `sts` and `tlsa` with the larger total counts, a tie counts as `sts`; rows of one type add up
    (a tlsa row per MX host).
    """
    totals: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in policies:
        totals[row.report_domain, row.policy_type] += row.success_count + row.failure_count

    def repeats(row: PolicyRow) -> bool:
        sts, tlsa = (row.report_domain, "sts"), (row.report_domain, "tlsa")
        if sts not in totals or tlsa not in totals:
            return False
        return row.policy_type == ("sts" if totals[tlsa] > totals[sts] else "tlsa")

    return tuple(row._replace(repeats_sessions=repeats(row)) for row in policies)
