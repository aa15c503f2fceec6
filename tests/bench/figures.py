"""The figures of the table that the README shows: what was measured, beside what, and how many times better."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One line: ours beside a floor that no program can go below, or beside a peer that does the same, in the same run."""

    what: str
    unit: str
    ours: float | None
    beside: str = ""
    theirs: float | None = None
    times: float | None = None
    """How many times better than what stands beside; of a floor mostly below 1. None where one of the two was not measured."""
    aim: str = ""
    """What was aimed at, in words: `10 ×`, or a bound."""
    mib: float | None = None
    """The most memory of all processes, in MiB."""
    their_mib: float | None = None


class Pair(NamedTuple):
    """Two rows of a benchmark, and the column in which they are compared."""

    ours: dict
    theirs: dict
    """Empty where that was not measured, such as of a peer that could not be installed."""
    column: str
    unit: str
    more_is_better: bool = False

    def figure(self, what: str, beside: str, *, aim: str = "") -> Figure:
        """Return the line it makes."""
        here, there = self.ours.get(self.column), self.theirs.get(self.column)
        times = None if not here or not there else here / there if self.more_is_better else there / here
        return Figure(what, self.unit, here, beside, there, times, aim, self.ours.get("peak_mib"), self.theirs.get("peak_mib"))


def shown(value: float | None) -> str:
    """A number with three digits that mean something."""
    if value is None:
        return ""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines(figures: list[Figure]) -> list[tuple[str, str, str, str, str, str]]:
    """The cells of the table: what, ours, beside what, times, aim, memory of both."""
    return [
        (
            each.what,
            f"{shown(each.ours)} {each.unit}",
            f"{each.beside}: {shown(each.theirs) or 'not measured'}" if each.beside else "",
            f"{shown(each.times)} ×" if each.times is not None else "",
            each.aim,
            " / ".join(f"{mib:,.0f}" for mib in (each.mib, each.their_mib) if mib is not None),
        )
        for each in figures
    ]


HEAD = ("what", "here", "beside", "times better", "aim", "peak MiB, here / beside")
