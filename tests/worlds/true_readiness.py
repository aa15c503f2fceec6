"""Whether `enforce` would have refused anything: the true answer, known because the sessions were made here."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pipeline.demo.world import World

REFUSED_KINDS = frozenset({"expired", "name", "self-signed", "incomplete-chain", "mx", "starttls"})
"""What a sender that enforces MTA-STS does not deliver over (RFC 8461 §5). A failed fetch refuses nothing."""


class Refusals(NamedTuple):
    """Sessions of one domain under an MTA-STS policy, and how many of them an enforcing policy would have refused."""

    domain: str
    first_day: date
    last_day: date
    sessions: int
    """Under a policy in mode testing or enforce."""
    refused: int
    """Because of an incident; at most this many, since one session may fail for two reasons."""
    stray: int
    """Single failures that mean nothing."""
    modes: tuple[str, ...]
    """Published on those days, in order of appearance; `none` where nothing was."""
    reporters: tuple[str, ...]
    """Who reported sessions under a policy."""
    days: int
    """Days with such sessions."""
    by_reporter: dict[str, int]
    """Refused sessions by reporter, incidents only."""

    @property
    def would_refuse(self) -> bool:
        """Whether enforcing would have kept mail out for a lasting reason."""
        return self.refused > 0


def refusals(world: World, name: str, first_day: date | None = None, last_day: date | None = None) -> Refusals:
    """Say what `enforce` would have refused for a domain over the days given, both inclusive, by reports that were sent.

    Who reports only on days with failures makes no share, and the sessions in which reports come are no evidence unless they fail.

    Args:
        world: The world that has been played.
        name: One of its domains.
        first_day: First day the reports are about, UTC; None: the first of the world.
        last_day: Last day, UTC; None: the last of the world.
    """
    first_day, last_day = first_day or world.spec.first_day, last_day or world.spec.last_day
    domain = world.domain(name)
    reporters = [one for one in world.spec.reporters if not one.failures_only]
    sessions = stray = 0
    by_reporter: dict[str, int] = {}
    days: set[date] = set()
    for day in world.days(first_day, last_day):
        for reporter in reporters:
            if not world.reports_on(reporter, domain, day):
                continue
            for row in world.counted(reporter, domain, day):
                is_loop = (reporter.key, name) in world.spec.loops
                if row.policy_type != "sts" or row.sts is None or (is_loop and not row.failure):
                    continue
                sessions += row.success + row.failure
                days.add(day)
                stray += sum(failed.sessions for failed in row.failed if failed.incident is None)
                refused = sum(failed.sessions for failed in row.failed if failed.incident is not None and failed.kind in REFUSED_KINDS)
                by_reporter[reporter.key] = by_reporter.get(reporter.key, 0) + min(refused, row.failure)
    modes = dict.fromkeys((policy.mode if (policy := domain.published(day)) else "none") for day in world.days(first_day, last_day))
    return Refusals(
        domain=name,
        first_day=first_day,
        last_day=last_day,
        sessions=sessions,
        refused=sum(by_reporter.values()),
        stray=stray,
        modes=tuple(modes),
        reporters=tuple(sorted(by_reporter)),
        days=len(days),
        by_reporter={key: count for key, count in sorted(by_reporter.items()) if count},
    )
