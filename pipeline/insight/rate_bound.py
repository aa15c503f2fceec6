"""The upper end of what a failure rate may be, given the sessions seen (Clopper and Pearson 1934, one-sided).

Seeing no failure in n sessions does not prove a rate of zero: at a rate of about 3/n one still sees none in one case of twenty. The
bound is the rate at which so few failures would be that improbable. It takes sessions as independent, which they are not quite: one bad
night makes many of them.

Beside it how probable it is to see so few failures: the two tests by which a sender is cleared and a stray failure is told from an
incident.
"""

from __future__ import annotations

from math import exp, expm1, lgamma, log, log1p

_TINY = 1e-300
_CONFIDENCE = 0.95


def upper_bound(failures: int, sessions: int) -> float:
    """Return the one-sided upper 95 % confidence bound of a rate, between 0 and 1.

    Args:
        failures: Sessions that failed, 0 ≤ failures ≤ sessions.
        sessions: Sessions in all; with none of them nothing is known, and the bound is 1.

    Raises:
        ValueError: Failures are negative or more than sessions.
    """
    if not 0 <= failures <= sessions:
        raise ValueError(f"no bound for {failures} of {sessions}")
    if failures == sessions:
        return 1.0
    if failures == 0:
        # (1 - p)^n = 1 - confidence, solved for p.
        return -expm1(log(1 - _CONFIDENCE) / sessions)
    return _quantile(failures + 1, sessions - failures, _CONFIDENCE)


def is_within(limit: float, failures: int, sessions: int) -> bool:
    """Say whether `upper_bound` is at most `limit` (between 0 and 1, both excluded): a fiftieth of its work.

    Args:
        limit: The rate asked about.
        failures: Sessions that failed, 0 ≤ failures ≤ sessions.
        sessions: Sessions in all; with none of them the bound is 1, and within no limit.

    Raises:
        ValueError: Failures are negative or more than sessions.
    """
    if not 0 < failures < sessions:
        return upper_bound(failures, sessions) <= limit
    return incomplete_beta(failures + 1, sessions - failures, limit) >= _CONFIDENCE


def at_most(seen: int, sessions: int, chance: float) -> float:
    """Return the probability of at most `seen` failures in `sessions`, each failing with `chance` (binomial).

    Args:
        seen: Failures seen, 0 or more; with as many as sessions, or more, the probability is 1.
        sessions: Sessions in all.
        chance: Probability of one session to fail; below 0 is taken as 0, above 1 as 1.
    """
    if seen >= sessions or chance <= 0:
        return 1.0
    if chance >= 1:
        return 0.0
    if seen == 0:
        return exp(sessions * log1p(-chance))
    # The sum of the binomial distribution is an incomplete beta function (NIST DLMF 8.17.24).
    return incomplete_beta(sessions - seen, seen + 1, 1 - chance)


def is_rare(seen: int, expected: float, *, below: float) -> bool:
    """Say whether at most `seen` failures are that improbable where `expected` are usual (Poisson).

    Args:
        seen: Failures seen.
        expected: Failures usual in the same time, on average; 0 or less: nothing is rare.
        below: The probability under which it is rare, itself not included.
    """
    if expected <= 0:
        return False
    return sum(exp(k * log(expected) - expected - lgamma(k + 1)) for k in range(seen + 1)) < below


def _quantile(a: int, b: int, target: float) -> float:
    """Return the `target` quantile of the beta distribution (a, b), to the last digit that its distribution function tells.

    Newton's method, kept between the bounds that are known; where it would leave them, or no longer halves them, they are bisected.
    """
    low, high, at = 0.0, 1.0, a / (a + b)
    scale = lgamma(a + b) - lgamma(a) - lgamma(b)
    for _ in range(200):
        miss = incomplete_beta(a, b, at) - target
        low, high = (at, high) if miss < 0 else (low, at)
        density = exp(scale + (a - 1) * log(at) + (b - 1) * log1p(-at))
        step = miss / density if density > _TINY else 0.0
        if abs(step) <= 1e-15 * at and step:
            break
        nearer = at - step
        at = nearer if step and low < nearer < high else (low + high) / 2
        if at in (low, high):
            break
    return at


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), the distribution function of the beta distribution.

    Args:
        a: The first shape parameter, above 0.
        b: The second shape parameter, above 0.
        x: Where; 0 and below give 0, 1 and above give 1.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The continued fraction converges fast below the mean; above it, the symmetry I_x(a, b) = 1 - I_{1-x}(b, a) is used.
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function (NIST DLMF 8.17.22) by Lentz's method."""
    c, d = 1.0, _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d = 1 / d
    # About sqrt(max(a, b)) steps are needed; ten million sessions take three thousand.
    for m in range(1, 100_000):
        before = result
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + numerator * d)
            c = _away_from_zero(1 + numerator / c)
            result *= d * c
        if abs(result - before) <= 1e-15 * abs(result):
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
