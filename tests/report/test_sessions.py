"""Microsoft reports one set of sessions under sts and under tlsa: one of the two counts."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.report.sessions import mark_repeats
from pipeline.row_types import PolicyRow


def policy(kind: str, success: int, failure: int = 0, *, domain: str = "example.org") -> PolicyRow:
    return PolicyRow(
        report_month="2026-05",
        report_key="k",
        policy_ix=0,
        report_day=date(2026, 5, 1),
        report_domain=domain,
        report_domain_source="policy",
        submitter_domain="microsoft.com",
        trust_tier="verified",
        policy_type=kind,
        policy_type_raw=None,
        policy_domain=domain,
        policy_domain_derived=False,
        policy_strings=(),
        policy_hash=None,
        sts_version=None,
        sts_mode=None,
        sts_max_age_seconds=None,
        sts_mx=(),
        mx_host=(),
        tlsa_records=(),
        success_count=success,
        failure_count=failure,
        failure_detail_sum=failure,
        count_mismatch=False,
    )


@pytest.mark.parametrize(
    ("rows", "repeating"),
    [
        ([policy("sts", 2), policy("tlsa", 2)], [False, True]),
        ([policy("sts", 2), policy("tlsa", 2, 1)], [True, False]),
        ([policy("sts", 5), policy("tlsa", 2), policy("tlsa", 4)], [True, False, False]),
        ([policy("sts", 2), policy("tlsa", 9, domain="example.net")], [False, False]),
        ([policy("sts", 2), policy("no-policy-found", 9), policy("tlsa", 1)], [False, False, True]),
        ([policy("sts", 2), policy("sts", 3)], [False, False]),
        ([policy("sts", 0), policy("tlsa", 0)], [False, True]),
        ([policy("other", 7), policy("tlsa", 1)], [False, False]),
        ([], []),
    ],
    ids=["tie", "larger-counts", "one-type-adds-up", "another-domain", "no-policy", "sts-alone", "zero", "other", "none"],
)
def test_of_sts_and_tlsa_the_larger_total_of_a_domain_carries_the_sessions(rows, repeating):
    assert [row.repeats_sessions for row in mark_repeats(rows)] == repeating
