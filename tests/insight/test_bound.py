"""The bound on a failure rate, against exact sums of the binomial distribution and published values."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from pipeline.insight.rate_bound import at_most, incomplete_beta, is_rare, upper_bound


def exactly_at_most(seen: int, sessions: int, chance: float) -> float:
    rate = Fraction(chance)
    return float(sum(comb(sessions, k) * rate**k * (1 - rate) ** (sessions - k) for k in range(seen + 1)))


@pytest.mark.parametrize(("failures", "sessions"), [(0, 1), (0, 300), (1, 2), (1, 300), (3, 1000), (5, 50), (20, 40), (49, 50)])
def test_at_the_bound_so_few_failures_have_a_chance_of_one_in_twenty(failures, sessions):
    assert exactly_at_most(failures, sessions, upper_bound(failures, sessions)) == pytest.approx(0.05, rel=1e-9)


def test_zero_of_n_is_about_three_over_n_and_not_zero():
    assert upper_bound(0, 1000) == pytest.approx(3 / 1000, rel=0.01)
    assert upper_bound(0, 10_000_000) == pytest.approx(2.9957e-7, rel=1e-4)


def test_299_sessions_without_a_failure_prove_one_per_cent_and_298_do_not():
    assert upper_bound(0, 299) < 0.01 < upper_bound(0, 298)


@pytest.mark.parametrize(("failures", "bound"), [(0, 0.2589), (1, 0.3942), (2, 0.5069), (5, 0.7776), (9, 0.9949)])
def test_the_values_of_the_tables_for_ten_trials(failures, bound):
    assert upper_bound(failures, 10) == pytest.approx(bound, abs=5e-5)


def test_ten_million_sessions_are_no_trouble():
    assert upper_bound(120_000, 10_000_000) == pytest.approx(0.0120568, abs=1e-7)
    assert upper_bound(5_000_000, 10_000_000) == pytest.approx(0.50026, abs=1e-5)


def test_all_failed_and_nothing_seen_leave_every_rate_possible():
    assert upper_bound(7, 7) == 1.0
    assert upper_bound(0, 0) == 1.0


@pytest.mark.parametrize(("failures", "sessions"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(failures, sessions):
    with pytest.raises(ValueError, match="no bound"):
        upper_bound(failures, sessions)


def test_the_bound_grows_with_failures_and_shrinks_with_sessions():
    bounds = [upper_bound(k, 100) for k in range(101)]
    assert bounds == sorted(bounds)
    assert upper_bound(2, 100) > upper_bound(2, 200) > upper_bound(2, 2000)


def test_the_incomplete_beta_function_is_symmetric_and_bounded():
    assert incomplete_beta(3, 7, 0.2) == pytest.approx(1 - incomplete_beta(7, 3, 0.8))
    assert (incomplete_beta(2, 2, 0.0), incomplete_beta(2, 2, 1.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("seen", "sessions", "chance"), [(0, 10, 0.3), (2, 10, 0.3), (5, 1000, 0.01)])
def test_the_chance_of_so_few_is_that_of_the_binomial_distribution(seen, sessions, chance):
    assert at_most(seen, sessions, chance) == pytest.approx(exactly_at_most(seen, sessions, chance))


def test_three_hosts_take_eight_sessions_to_clear_a_sender_of_one():
    assert at_most(0, 7, 1 / 3) > 0.05 > at_most(0, 8, 1 / 3)


def test_one_failure_where_ten_are_usual_is_rare_and_where_two_are_it_is_not():
    assert is_rare(1, 10.0, below=0.05)
    assert not is_rare(1, 2.0, below=0.05)
    assert not is_rare(0, 0.0, below=0.05)


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.2])
def test_whether_a_bound_is_within_a_limit_is_what_the_bound_says(limit):
    from pipeline.insight.rate_bound import is_within

    for failures in (0, 1, 7, 60):
        for sessions in (failures, failures + 1, 100, 371, 5_000, 90_000):
            if sessions >= max(failures, 1):
                assert is_within(limit, failures, sessions) == (upper_bound(failures, sessions) <= limit)
