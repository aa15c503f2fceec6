"""Draws add up, keep to their means, and depend on their key alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.keyed_chance import binomial, dice, poisson, split


@given(seed=st.integers(), total=st.integers(0, 5000), weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=6))
def test_shares_add_up_to_the_whole(seed, total, weights):
    shares = split(dice(seed), total, weights)
    assert sum(shares) == total
    assert all(share >= 0 for share in shares)


@given(seed=st.integers(), trials=st.integers(0, 5000), chance=st.floats(0, 1))
def test_no_more_happens_than_is_tried(seed, trials, chance):
    assert 0 <= binomial(dice(seed), trials, chance) <= trials


@pytest.mark.parametrize("mean", [0.3, 4.0, 30.0, 400.0])
def test_the_mean_is_kept(mean):
    drawn = [poisson(dice("mean", mean, n), mean) for n in range(4000)]
    assert abs(sum(drawn) / len(drawn) - mean) < 0.05 * mean + 0.03
    tried = [binomial(dice("trial", mean, n), 10 * int(mean + 1), 0.1) for n in range(4000)]
    assert abs(sum(tried) / len(tried) - int(mean + 1)) < 0.05 * (mean + 1)


def test_a_draw_depends_on_its_key_alone():
    assert dice(1, "a").random() == dice(1, "a").random()
    assert dice(1, "a").random() != dice(1, "b").random()
    # A number that must never change: worlds of last year are the worlds of today.
    assert dice(8460, "day").randrange(10**9) == 606604063


def test_no_traffic_is_no_session():
    assert poisson(dice(1), 0) == poisson(dice(1), -1) == 0
