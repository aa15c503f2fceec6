"""From the lake to runs: read the period, and as much before it as it takes to see where its incidents began."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.absorb import absorbed
from pipeline.insight.applied import AppliedTexts, causes_of, read_texts
from pipeline.insight.bridges import Weighed, weighed
from pipeline.insight.failures import grouped, read_cube
from pipeline.insight.noise import is_noise, without_stray_hosts
from pipeline.insight.period import Period
from pipeline.insight.runs import runs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.config import InsightSettings
    from pipeline.insight.ask import Ask
    from pipeline.insight.failures import Cube
    from pipeline.insight.policies import PublishedPolicy
    from pipeline.insight.spans import Ground, Span

_FIRST_STEP_BACK = 60
"""Days looked further back when a run may have begun before the period; doubled each time."""
_EARLIEST = date(2016, 1, 1)


class Gathered(NamedTuple):
    """What was found out before anything is judged."""

    runs: list[Weighed]
    """Strays left out."""
    texts: AppliedTexts
    addresses: dict[str, dict[str, set[str]]]
    """MX hosts named in failures and their addresses, by domain; strays included."""


class Reader(NamedTuple):
    """What stays the same over the questions of one search."""

    ask: Ask
    settings: InsightSettings
    period: Period
    domain: str | None
    published: Mapping[str, PublishedPolicy]
    grounds: dict[Span, Ground]
    """What was read of spans so far."""

    def read(self, period: Period, domains: Sequence[str] | None) -> Gathered:
        """Read the failures of some days and make runs of them."""
        settings = self.settings
        cube = read_cube(self.ask, since=period.since, until=period.until, domain=self.domain, domains=domains)
        total = np.bincount(cube.domain.at, weights=cube.mentions, minlength=len(cube.domain.values))
        cube = cube.where((total > settings.stray_sessions)[cube.domain.at]) if len(cube) else cube
        concerned = {cube.domain.values[place] for place in np.unique(cube.domain.at).tolist()}
        texts = read_texts(self.ask, since=period.since, until=period.until, domains=concerned, published=self.published)
        runs = [without_stray_hosts(run, settings) for run in runs_of(cube, causes_of(cube, texts), settings)]
        # What ended before the period, and cannot be bridged to what is in it, is of no interest.
        recent = self.period.since - timedelta(days=settings.bridge_days + 1)
        runs = [run for run in absorbed(runs, gap_days=settings.gap_days) if run.last_day >= recent]
        whole = weighed(self.ask, runs, self.grounds, until=period.until, settings=settings)
        return Gathered([one for one in whole if not is_noise(one.run, one.sessions, settings)], texts, _addresses(cube))


def gather(reader: Reader) -> Gathered:
    """Read the period and some weeks before it, and as much more as it takes for domains whose failures reach further back."""
    period = reader.period
    since, step = period.since - timedelta(days=reader.settings.lookback_days), _FIRST_STEP_BACK
    narrowed: list[str] | None = None
    done = Gathered([], {}, {})
    while True:
        here = reader.read(Period(since, period.until), narrowed)
        near = since + timedelta(days=reader.settings.gap_days)
        reaching = {one.run.domain for one in here.runs if one.run.first_day <= near} if since > _EARLIEST else set()
        done.runs.extend(one for one in here.runs if one.run.domain not in reaching)
        done.texts.update((name, texts) for name, texts in here.texts.items() if name not in reaching)
        done.addresses.update((name, hosts) for name, hosts in here.addresses.items() if name not in reaching)
        if not reaching:
            return done._replace(runs=[one for one in done.runs if one.run.last_day >= period.since])
        narrowed = sorted(reaching)
        since, step = max(since - timedelta(days=step), _EARLIEST), step * 2


def _addresses(cube: Cube) -> dict[str, dict[str, set[str]]]:
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    named = cube.where(cube.host.at >= 0)
    first, _ = grouped(named.domain.at, named.host.at, named.address.at)
    for row in first.tolist():
        addresses = found[named.domain.values[int(named.domain.at[row])]][named.host.values[int(named.host.at[row])]]
        if (address := named.address.value(int(named.address.at[row]))) is not None:
            addresses.add(address)
    return {domain: dict(hosts) for domain, hosts in found.items()}
