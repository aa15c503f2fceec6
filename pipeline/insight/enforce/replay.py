"""The what-if replay: what `enforce` would have refused, day by day and sender by sender (RFC 8461 §5).

Left out are known reporters whose sessions are no evidence: those that report only on days with failures, and report loops.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.insight.phrases import count_of, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pipeline.insight.ask import Ask
    from pipeline.insight.period import Period
    from pipeline.insight.thresholds import InsightSettings

HARMLESS = ("sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid", "tlsa-invalid", "dnssec-invalid", "dane-required")
"""Result types that refuse no mail under MTA-STS: without a policy that can be had there is nothing to enforce (RFC 8461 §3.3), and DANE
is another matter. All others refuse, also those we do not know."""


class ReplayDay(NamedTuple):
    """One sender on one day."""

    report_day: date
    submitter_domain: str
    sts_sessions: int
    """Sessions under an MTA-STS policy, whether they failed or not."""
    would_refuse: int
    """Of these, the ones that a policy in mode enforce would have refused: per policy row the smaller of its failure count and the sum
    of its refusing details, and failures that no detail explains."""
    enforced: int
    """Sessions under a policy in mode enforce already."""
    switched_off: int
    """Sessions under a policy in mode none."""
    unprotected: int
    """Sessions for which the sender found no policy."""
    rated: bool = True
    """Whether it reports good days, too: a share can be made of its sessions."""
    is_loop: bool = False
    """Whether its sessions are nothing but the reports themselves."""


def read_replay(ask: Ask, domain: str, *, since: date, until: date) -> list[ReplayDay]:
    """Ask what enforce would have refused between two days, both inclusive.

    Args:
        ask: Answers the named questions.
        domain: As a lower-case A-label.
        since: First day, UTC.
        until: Last day, UTC.
    """
    answer = between(ask, "insight_sts_days", since=since, until=until, domain=domain, harmless=list(HARMLESS))
    return list(rows_of(answer, ReplayDay))


class NoEvidence(NamedTuple):
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


def left_out_of(replay: Sequence[ReplayDay], known: Collection[str], period: Period, settings: InsightSettings) -> NoEvidence:
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
    return NoEvidence(
        failures_only=tuple(sorted({day.submitter_domain for day in unrated})),
        loops=tuple(sorted({day.submitter_domain for day in days if day.rated})),
        sessions=sum(day.sts_sessions for day in unrated),
        refused=sum(day.would_refuse for day in unrated),
        refused_lately=sum(day.would_refuse for day in unrated if day.report_day > lately),
    )
