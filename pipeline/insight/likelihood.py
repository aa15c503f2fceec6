"""How probable it is to see so few failures: the two tests by which a sender is cleared and a stray failure is told from an incident."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

from pipeline.insight.rate_bound import incomplete_beta


def at_most(seen: int, sessions: int, chance: float) -> float:
    """Return the probability of at most `seen` failures in `sessions`, each failing with `chance` (binomial)."""
    if seen >= sessions or chance <= 0:
        return 1.0
    if chance >= 1:
        return 0.0
    if seen == 0:
        return exp(sessions * log1p(-chance))
    # The sum of the binomial distribution is an incomplete beta function (NIST DLMF 8.17.24).
    return incomplete_beta(sessions - seen, seen + 1, 1 - chance)


def is_rare(seen: int, expected: float, *, below: float) -> bool:
    """Say whether at most `seen` failures are that improbable where `expected` are usual (Poisson)."""
    if expected <= 0:
        return False
    return sum(exp(k * log(expected) - expected - lgamma(k + 1)) for k in range(seen + 1)) < below
