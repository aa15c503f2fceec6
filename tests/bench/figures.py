"""The figures of the table that the README shows: what was measured, beside what, and how many times better."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One line: ours beside a floor that no program can go below, or beside a peer that does the same, in the same run."""

    what: str
    unit: str
    ours: float | None
    beside: str
    theirs: float | None
    times: float | None
    """How many times better than what stands beside: of a floor mostly below 1. None where one of the two was not measured."""
    aim: float | None = None
    """The ratio aimed at; of a line without peer the bound of `ours`."""


class Pair(NamedTuple):
    """Two rows of a benchmark, and the column in which they are compared."""

    ours: dict
    theirs: dict
    """Empty where that was not measured, such as of a peer that could not be installed."""
    column: str
    unit: str
    more_is_better: bool = False

    def figure(self, what: str, beside: str, *, aim: float | None = None) -> Figure:
        """Return the line it makes."""
        here, there = self.ours.get(self.column), self.theirs.get(self.column)
        times = None if not here or not there else here / there if self.more_is_better else there / here
        return Figure(what, self.unit, here, beside, there, times, aim)


def line_of(rows: list[dict], column: str, value: object) -> dict:
    """Return the row with this value; an empty one where there is none, such as of a peer that could not be installed."""
    return next((row for row in rows if row.get(column) == value), {})
