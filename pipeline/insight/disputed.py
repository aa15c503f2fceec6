"""Disputed reports: one identity and tier, several contents. Verdicts and incidents take the worst of each, and say so."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.insight.ask import Ask


class Disputed(NamedTuple):
    """The disputed reports of a sender about a domain on one day."""

    report_domain: str
    report_day: date
    submitter_domain: str
    reports: int


def read_disputed(ask: Ask, *, since: date, until: date, domain: str | None = None) -> list[Disputed]:
    """Ask for disputed reports between two days, both inclusive.

    Args:
        ask: Answers the named questions.
        since: First day, UTC.
        until: Last day, UTC.
        domain: One domain only; None: all.
    """
    return list(rows_of(between(ask, "insight_disputed", since=since, until=until, domain=domain), Disputed))


def count_disputed(found: Iterable[Disputed], domain: str, reporters: Collection[str], *, since: date, until: date) -> int:
    """Return how many of them are of these reporters about one domain.

    Args:
        found: What `read_disputed` returned.
        domain: The report domain, as a lower-case A-label.
        reporters: The senders that count, by their domains.
        since: First day the reports are about, inclusive, UTC.
        until: Last day, inclusive.
    """
    return sum(
        one.reports
        for one in found
        if one.report_domain == domain and one.submitter_domain in reporters and since <= one.report_day <= until
    )


def said_of(reports: int) -> str:
    """Return what is said of a number of disputed reports."""
    verb = "has" if reports == 1 else "have"
    return f"disputed: {count_of(reports, 'report')} {verb} several contents; of each failure the one with more of it is used"
