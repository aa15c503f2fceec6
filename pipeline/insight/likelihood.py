"""How probable it is to see so few failures: the two tests by which a sender is cleared and a stray failure is told from an incident."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

from pipeline.insight.rate_bound import incomplete_beta


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
