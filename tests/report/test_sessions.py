"""What the policies of a report come to, if tlsa and the others describe the same sessions."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.report.session_overlap import mark_repeats
from pipeline.tables.row_types import PolicyRow


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


def counted(rows: list[PolicyRow]) -> list[tuple[int, int, int] | None]:
    return [
        None if row.once_failed is None else (row.once_authenticated, row.once_failed, row.once_unprotected) for row in mark_repeats(rows)
    ]


NOTHING = (0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "sums"),
    [
        ([policy("sts", 2), policy("tlsa", 2)], [(2, 0, 0), NOTHING]),
        ([policy("sts", 2), policy("tlsa", 2, 1)], [(2, 1, 0), NOTHING]),
        # A session that meets one policy and fails the other has failed.
        ([policy("sts", 30), policy("tlsa", 10, 20)], [(10, 20, 0), NOTHING]),
        ([policy("sts", 25, 5), policy("tlsa", 10, 20)], [(10, 20, 0), NOTHING]),
        ([policy("sts", 30), policy("tlsa", 0, 4)], [(26, 4, 0), NOTHING]),
        ([policy("sts", 5), policy("tlsa", 2), policy("tlsa", 4)], [(6, 0, 0), NOTHING, NOTHING]),
        ([policy("sts", 2), policy("tlsa", 9, domain="example.net")], [None, None]),
        # Some sessions found no policy, and DANE was met for all, or for those that found the other.
        ([policy("no-policy-found", 7), policy("tlsa", 7)], [(7, 0, 0), NOTHING]),
        ([policy("sts", 2), policy("no-policy-found", 9), policy("tlsa", 1)], [(2, 0, 9), NOTHING, NOTHING]),
        ([policy("sts", 10), policy("no-policy-found", 5), policy("tlsa", 10)], [(10, 0, 5), NOTHING, NOTHING]),
        ([policy("sts", 2), policy("sts", 3)], [None, None]),
        ([policy("sts", 0), policy("tlsa", 0)], [NOTHING, NOTHING]),
        ([policy("other", 7), policy("tlsa", 1)], [None, None]),
        ([policy("other", 7), policy("sts", 1), policy("tlsa", 1)], [NOTHING, (1, 0, 0), NOTHING]),
        ([], []),
    ],
)
def test_what_a_report_comes_to_if_its_policies_tell_of_the_same_sessions(rows, sums):
    assert counted(rows) == sums


@pytest.mark.parametrize(
    ("rows", "equal"),
    [
        ([policy("sts", 2), policy("tlsa", 1, 1)], [True, None]),
        ([policy("sts", 2), policy("tlsa", 3)], [False, None]),
        ([policy("sts", 4), policy("no-policy-found", 3), policy("tlsa", 4)], [True, None, None]),
        ([policy("sts", 4), policy("no-policy-found", 3), policy("tlsa", 7)], [True, None, None]),
        ([policy("sts", 0), policy("tlsa", 0)], [False, None]),
        ([policy("sts", 4)], [None]),
    ],
)
def test_equal_totals_are_noted_once_for_each_domain_of_a_report(rows, equal):
    assert [row.totals_equal for row in mark_repeats(rows)] == equal


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
        ([policy("no-policy-found", 7), policy("tlsa", 7)], [False, True]),
        ([], []),
    ],
    ids=["tie", "larger-counts", "one-type-adds-up", "another-domain", "no-policy", "sts-alone", "zero", "other", "unprotected", "none"],
)
def test_of_sts_and_tlsa_the_larger_total_of_a_domain_carries_the_sessions(rows, repeating):
    assert [row.repeats_sessions for row in mark_repeats(rows)] == repeating
