"""From the lake to runs: read the period, and as much before it as it takes to see where its incidents began."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.detect.applied_causes import AppliedTexts, causes_of, read_texts
from pipeline.insight.detect.failure_cube import grouped, read_cube, with_cells
from pipeline.insight.detect.failure_runs import Run, is_noise, runs_of, without_stray_hosts
from pipeline.insight.detect.lost_policies import read_lost
from pipeline.insight.detect.merge_gaps import Weighed, weighed
from pipeline.insight.detect.merge_symptoms import absorbed
from pipeline.insight.period import Period

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.insight.ask import Ask
    from pipeline.insight.detect.failure_cube import Cube
    from pipeline.insight.detect.reporter_exposure import Exposure, Span
    from pipeline.insight.thresholds import InsightSettings

_FIRST_STEP_BACK = 60
"""Days looked further back when a run may have begun before the period; doubled each time."""
_EARLIEST = date(2016, 1, 1)
_CHUNK = 1500
"""Runs that are weighed in one go where not all are asked for."""


class Candidates(NamedTuple):
    """Runs that may be incidents, and what is known beside them."""

    runs: list[Run]
    texts: AppliedTexts
    addresses: dict[str, dict[str, set[str]]]
    """MX hosts named in failures and their addresses, by domain; strays included."""


class Gathered(NamedTuple):
    """Runs that are incidents, with their ground, and what is known beside them as in `Candidates`."""

    runs: list[Weighed]
    texts: AppliedTexts
    addresses: dict[str, dict[str, set[str]]]


class Reader(NamedTuple):
    """What stays the same over the questions of one search."""

    ask: Ask
    settings: InsightSettings
    period: Period
    domain: str | None
    published: Mapping[str, PublishedPolicy]
    grounds: dict[Span, Exposure]
    """What was read of spans so far."""

    def read(self, since: date, domains: Sequence[str] | None) -> Candidates:
        """Read the failures up to the last complete day and make runs of them."""
        settings, until = self.settings, self.period.until
        cube = read_cube(self.ask, since=since, until=until, domain=self.domain, domains=domains)
        cube = with_cells(cube, read_lost(self.ask, since=since, until=until, domain=self.domain, domains=domains))
        total = np.bincount(cube.domain.at, weights=cube.mentions, minlength=len(cube.domain.values))
        cube = cube.where((total > settings.stray_sessions)[cube.domain.at]) if len(cube) else cube
        concerned = {cube.domain.values[place] for place in np.unique(cube.domain.at).tolist()}
        texts = read_texts(self.ask, since=since, until=until, domains=concerned, published=self.published)
        runs = [without_stray_hosts(run, settings) for run in runs_of(cube, causes_of(cube, texts), settings)]
        # What ended before the period, and cannot be bridged to what is in it, is of no interest.
        recent = self.period.since - timedelta(days=settings.bridge_days + 1)
        runs = [run for run in absorbed(runs, gap_days=settings.gap_days) if run.last_day >= recent]
        return Candidates(runs, texts, _addresses(cube))

    def weigh(self, runs: Sequence[Run]) -> list[Weighed]:
        """Return the runs with their ground, strays left out."""
        whole = weighed(self.ask, runs, self.grounds, until=self.period.until, settings=self.settings)
        return [one for one in whole if not is_noise(one.run, one.sessions, self.settings)]


def gather(reader: Reader, *, most: int | None = None) -> Gathered:
    """Read the period and some weeks before it, and as much more as it takes for runs that reach further back.

    Args:
        reader: What to ask for.
        most: Enough are so many of the newest; None: all.
    """
    since = reader.period.since - timedelta(days=reader.settings.lookback_days)
    first = reader.read(since, None)
    found = Gathered([], first.texts, first.addresses)
    chunks = _newest_first(first.runs, most)
    for chunk in chunks:
        if most is not None and _are_enough(found.runs, chunk, most):
            break
        _follow_back(reader, chunk, since, found)
    return found


def _newest_first(runs: Sequence[Run], most: int | None) -> list[list[Run]]:
    """Part runs into chunks, the newest first; runs of one domain and cause stay together, since they may be bridged."""
    if most is None:
        return [list(runs)]
    groups: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[_matter(run)].append(run)
    chunks: list[list[Run]] = [[]]
    for group in sorted(groups.values(), key=lambda group: max((run.last_day, run.failed_sessions) for run in group), reverse=True):
        if len(chunks[-1]) >= max(2 * most, _CHUNK):
            chunks.append([])
        chunks[-1].extend(group)
    return chunks


def _are_enough(found: Sequence[Weighed], rest: Sequence[Run], most: int) -> bool:
    """Say whether none of the rest can be among the newest so many."""
    days = sorted((one.run.last_day for one in found), reverse=True)
    return len(days) >= most and days[most - 1] >= max(run.last_day for run in rest)


def _matter(run: Run) -> tuple[str, str]:
    return run.domain, "mx-not-in-policy" if run.cause == "policy-stale" else run.cause


def _follow_back(reader: Reader, runs: Sequence[Run], since: date, found: Gathered) -> None:
    """Weigh runs, and read again from an earlier day on for those that may have begun before; what is found is added."""
    step = _FIRST_STEP_BACK
    while True:
        near = since + timedelta(days=reader.settings.gap_days)
        whole = reader.weigh(runs)
        reaching = {_matter(one.run) for one in whole if one.run.first_day <= near} if since > _EARLIEST else set()
        found.runs.extend(one for one in whole if _matter(one.run) not in reaching and one.run.last_day >= reader.period.since)
        if not reaching:
            return
        since, step = max(since - timedelta(days=step), _EARLIEST), step * 2
        again = reader.read(since, sorted({domain for domain, _ in reaching}))
        runs = [run for run in again.runs if _matter(run) in reaching]
        found.texts.update(again.texts)
        found.addresses.update(again.addresses)


def _addresses(cube: Cube) -> dict[str, dict[str, set[str]]]:
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    named = cube.where(cube.host.at >= 0)
    first, _ = grouped(named.domain.at, named.host.at, named.address.at)
    for row in first.tolist():
        addresses = found[named.domain.values[int(named.domain.at[row])]][named.host.values[int(named.host.at[row])]]
        if (address := named.address.value(int(named.address.at[row]))) is not None:
            addresses.add(address)
    return {domain: dict(hosts) for domain, hosts in found.items()}
