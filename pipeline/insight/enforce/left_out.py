"""Known reporters whose sessions are no evidence for `enforce`: those that report only on days with failures, and report loops."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import count_of, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pipeline.insight.enforce.replay import ReplayDay
    from pipeline.insight.period import Period
    from pipeline.insight.thresholds import InsightSettings


class LeftOut(NamedTuple):
    """What is left out of the share that `enforce` would refuse."""

    failures_only: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    sessions: int = 0
    """Of those that report only on days with failures."""
    refused: int = 0
    refused_lately: int = 0
    """Of these, in the days after which an incident is over: who enforces now refuses such mail, whatever share of all it is."""

    def sentences(self) -> Iterator[str]:
        """Yield what a reader of the verdict has to know of them."""
        if self.failures_only:
            one = len(self.failures_only) == 1
            yield (
                f"{listed(self.failures_only)} {'reports' if one else 'report'} only on days with failures: "
                f"{count_of(self.sessions, 'session')} of {'its' if one else 'their'} reports, {self.refused:,} of which enforce would "
                "have refused, are left out of the share"
            )
        if self.loops:
            yield f"report loops (only the reports themselves are sent), which are no evidence: {listed(self.loops)}"


def weighs(day: ReplayDay) -> bool:
    """Say whether the sessions of a day are evidence; a failure of a report loop is one."""
    return day.rated and not (day.is_loop and not day.would_refuse)


def left_out_of(replay: Sequence[ReplayDay], known: Collection[str], period: Period, settings: InsightSettings) -> LeftOut:
    """Sum up what known reporters had that is no evidence.

    Args:
        replay: What `read_replay` returned for the period, of all reporters.
        known: Known reporters, by their domains.
        period: The complete days of the verdict.
        settings: `settle_days`, which say what is lately.
    """
    days = [day for day in replay if day.sts_sessions and day.submitter_domain in known and not weighs(day)]
    unrated = [day for day in days if not day.rated]
    lately = period.until - timedelta(days=settings.settle_days)
    return LeftOut(
        failures_only=tuple(sorted({day.submitter_domain for day in unrated})),
        loops=tuple(sorted({day.submitter_domain for day in days if day.rated})),
        sessions=sum(day.sts_sessions for day in unrated),
        refused=sum(day.would_refuse for day in unrated),
        refused_lately=sum(day.would_refuse for day in unrated if day.report_day > lately),
    )
