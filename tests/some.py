"""For tests that look at each of many: there has to be one, or nothing was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Thing = TypeVar("Thing")


def some(things: Iterable[Thing]) -> list[Thing]:
    """Return the things as a list, which is not empty."""
    found = list(things)
    assert found, "there is nothing to look at"
    return found
