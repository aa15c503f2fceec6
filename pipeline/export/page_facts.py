"""All that the page about one domain says, asked for once: a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.insight.api import Coverage, Incident, PoliciesSeen, Readiness
    from pipeline.insight.ground import Ground
    from pipeline.query import Lake

Row = dict[str, Any]
_AT_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """The state of one domain. Days are UTC, both ends inclusive."""

    domain: str
    as_of: date
    since: date
    until: date
    totals: Row
    """The answer to `success_rate`."""
    days: list[Row]
    """The answer to `sessions_by_day`."""
    failures: list[Row]
    """The answer to `failures_by_day_and_result_type`."""
    hosts: list[Row]
    """The answer to `failures_by_mx`."""
    reporters: list[Row]
    """The answer to `sessions_by_reporter`."""
    ground: Ground
    """What all of it rests on."""
    not_counted: int
    """Reports about the domain that do not count, up to `_AT_MOST`."""
    incidents: list[Incident]
    readiness: Readiness
    seen: PoliciesSeen
    coverage: list[Coverage]

    @property
    def incomplete(self) -> frozenset[date]:
        """The days that may still get reports."""
        return frozenset(row["report_day"] for row in self.days if row["incomplete"])


def gather_facts(lake: Lake, domain: str, *, since: date, as_of: date, until: date | None = None) -> PageFacts:
    """Ask all that the page says.

    Args:
        lake: Where from.
        domain: A lower-case A-label.
        since: First day, inclusive.
        as_of: The day of asking.
        until: Last day; the day of asking where it is not given.

    Raises:
        LakeError: The lake cannot be read.
    """
    until = until or as_of
    period: dict[str, Any] = {"since": since, "until": until, "as_of": as_of}
    days = (until - since).days + 1

    def rows(name: str) -> list[Row]:
        answer: list[Row] = lake.ask(name, **period, domain=domain).to_pylist()
        return answer

    return PageFacts(
        domain=domain,
        as_of=as_of,
        since=since,
        until=until,
        totals=rows("success_rate")[0],
        days=rows("sessions_by_day"),
        failures=rows("failures_by_day_and_result_type"),
        hosts=rows("failures_by_mx"),
        reporters=rows("sessions_by_reporter"),
        ground=lake.ground(domain=domain, since=since, until=until, as_of=as_of),
        not_counted=_not_counted(lake, domain, since, until, as_of),
        incidents=lake.incidents(domain=domain, days=days, as_of=as_of),
        readiness=lake.readiness(domain, as_of=as_of),
        seen=lake.policies_seen(domain, days=days, as_of=as_of),
        coverage=lake.coverage(domain=domain, days=days, as_of=as_of),
    )


def _not_counted(lake: Lake, domain: str, since: date, until: date, as_of: date) -> int:
    if lake.audience is not None:
        return 0  # what does not count is the operator's
    found = lake.ask("reports_found", since=since, until=until, as_of=as_of, domain=domain, counted=False, at_most=_AT_MOST)
    return found.num_rows
