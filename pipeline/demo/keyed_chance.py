"""Chance that is the same every time: draws keyed by what they are for, not by the order in which they are made.

Every draw takes a generator seeded with the world's seed and the names of the thing drawn (domain, reporter, day), so that a day can be
made without the days before it, and a longer world begins with the bytes of the shorter one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

_SMALL = 32
"""Below this many trials a binomial is counted trial by trial; above it the normal approximation is close enough for a demo."""


def dice(*key: object) -> random.Random:
    """Return a generator that depends on the key alone (a string seed is hashed by SHA-512, the same on every machine)."""
    return random.Random("|".join(map(str, key)))


def poisson(rng: random.Random, mean: float) -> int:
    """Draw a number of sessions with the given mean; 0 where the mean is not positive."""
    if mean <= 0:
        return 0
    if mean > _SMALL:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, drawn, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        drawn += 1
        product *= rng.random()
    return drawn


def binomial(rng: random.Random, trials: int, chance: float) -> int:
    """Draw how many of `trials` happen, each with probability `chance`.

    Args:
        rng: What the draw is made with; the same state gives the same draw.
        trials: How many there are; 0 or less: none happens.
        chance: Probability of each; 0 or less: none happens, 1 or more: all do.
    """
    if trials <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return trials
    if trials <= _SMALL:
        return sum(rng.random() < chance for _ in range(trials))
    drawn = round(rng.gauss(trials * chance, math.sqrt(trials * chance * (1 - chance))))
    return min(trials, max(0, drawn))


def split(rng: random.Random, total: int, weights: Sequence[float]) -> list[int]:
    """Share `total` out over the weights at random; the shares add up to it.

    Args:
        rng: What the draw is made with; the same state gives the same draw.
        total: What is shared out, 0 or more.
        weights: How large each share is relative to the others, none negative; without any there is no share.
    """
    shares: list[int] = []
    left, weight_left = total, sum(weights)
    for weight in weights:
        share = binomial(rng, left, weight / weight_left) if weight_left > 0 else 0
        shares.append(share)
        left -= share
        weight_left -= weight
    if shares:
        shares[-1] += left
    return shares
