"""Bars by day as inline SVG: no script, no font, nothing fetched; the colours are in the page's style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from pipeline.output.markup import Html, text

_WIDTH, _HEIGHT = 760, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 8, 22
_STEPS = (1, 2, 5)


class Series(NamedTuple):
    """What is stacked: a name, the class that gives its colour, and a number for each day that has one."""

    name: str
    colour: str
    values: Mapping[date, int]


def stacked_bars(title: str, since: date, until: date, series: Sequence[Series], *, pale: frozenset[date] = frozenset()) -> Html:
    """Return a figure with one bar for each day.

    Args:
        title: What is counted; the caption, and the text for those who cannot see.
        since: First day, inclusive.
        until: Last day, inclusive.
        series: From bottom to top.
        pale: Days that are not complete.
    """
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    highest = max((sum(one.values.get(day, 0) for one in series) for day in days), default=0)
    step = _step(highest)
    top = max(step, -(-highest // step) * step)
    parts = [*_grid(top, step), *_days(days), *_bars(days, series, top, pale)]
    total = "; ".join(f"{one.name}: {sum(one.values.values()):,}" for one in series)
    legend = "".join(f'<span class="key"><i class="{one.colour}"></i>{text(one.name)}</span>' for one in series)
    return Html(
        f'<figure><figcaption>{text(title)}<span class="legend">{legend}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(f"{title}, {since} to {until}. {total}")}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _step(highest: int) -> int:
    """Return the distance of the lines of the grid: 1, 2 or 5 times a power of ten, four lines or so."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * 4 >= highest:
                return step * power
        power *= 10


def _y(value: float, top: int) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _grid(top: int, step: int) -> list[str]:
    lines = []
    for value in range(0, top + 1, step):
        y = _y(value, top)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="tick end" x="{_LEFT - 6}" y="{y + 3.5:.1f}">{value:,}</text>')
    return lines


def _days(days: Sequence[date]) -> list[str]:
    """Label some ten days, all the same distance apart."""
    width = (_WIDTH - _LEFT - _RIGHT) / len(days)
    every = max(1, -(-len(days) // 10))
    return [
        f'<text class="tick middle" x="{_LEFT + (number + 0.5) * width:.1f}" y="{_HEIGHT - 6}">{day:%d %b}</text>'
        for number, day in enumerate(days)
        if number % every == 0
    ]


def _bars(days: Sequence[date], series: Sequence[Series], top: int, pale: frozenset[date]) -> list[str]:
    width = (_WIDTH - _LEFT - _RIGHT) / len(days)
    bars = []
    for number, day in enumerate(days):
        below = 0
        for one in series:
            value = one.values.get(day, 0)
            if not value:
                continue
            y, foot = _y(below + value, top), _y(below, top)
            faint = " pale" if day in pale else ""
            bars.append(
                f'<rect class="{one.colour}{faint}" x="{_LEFT + (number + 0.08) * width:.2f}" width="{0.84 * width:.2f}" '
                f'y="{y:.2f}" height="{foot - y:.2f}"><title>{day}: {text(one.name)} {value:,}</title></rect>'
            )
            below += value
    return bars
