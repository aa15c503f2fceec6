"""What follows from the reports, cached by the version of the lake: incidents, readiness, policies, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.ask import concluded, lake, settings
from pipeline.insight import api
from pipeline.insight.evidence import with_evidence
from pipeline.insight.incident import with_id
from pipeline.reporters import REPORTERS

if TYPE_CHECKING:
    from datetime import date

    from dashboard.filters import Filters
    from pipeline.insight.api import Coverage, Incident, PoliciesSeen, Readiness

INCIDENT_QUESTIONS = ("insight_failures", "insight_spans", "insight_policies", "insight_reporters")
READINESS_QUESTIONS = ("insight_sts_days", "insight_policies_by_reporter", "insight_failures")
_SEVERITY = {"ours": 0, "unknown": 1, "path": 2, "sender": 3}


def _known() -> frozenset[str]:
    names = (name.strip().rstrip(".").lower() for name in settings().trust.reporters)
    return frozenset(reporter.domain for reporter in REPORTERS) | frozenset(names)


def _once(name: str, conclude: Any, **parameters: Any) -> Any:
    return concluded(lake().version, name, conclude, **parameters)


def incidents(as_of: date, days: int, domain: str | None = None) -> list[Incident]:
    """Return the incidents of the period: open before unconfirmed before over, ours first, the largest first."""
    found: list[Incident] = _once(
        "incidents",
        lambda: api.find_incidents(lake().ask, as_of=as_of, settings=settings().insight, known=_known(), days=days, domain=domain),
        as_of=as_of,
        days=days,
        domain=domain,
    )
    order = {"open": 0, "unconfirmed": 1, "resolved": 2}
    return sorted(
        found,
        key=lambda one: (
            order[one.state],
            _SEVERITY[one.fault],
            -one.last_day.toordinal() if order[one.state] else 0,
            -one.failed_sessions,
        ),
    )


def incident(wanted: str, as_of: date, days: int, domain: str | None) -> Incident | None:
    """Return one incident with the reports that prove it, also by an id it had before later reports came."""
    found = with_id(incidents(as_of, days, domain), wanted)
    if found is None:
        found = with_id(incidents(as_of, max(days, settings().insight.days)), wanted)
    if found is None:
        return None
    one = found
    proved: Incident = _once("evidence", lambda: with_evidence(lake().ask, [one], limit=200)[0], id=one.id, as_of=as_of, last=one.last_day)
    return proved


def readiness(domain: str, as_of: date) -> Readiness:
    """Return whether a domain may go from `testing` to `enforce`."""
    verdict: Readiness = _once(
        "readiness",
        lambda: api.readiness(lake().ask, domain, as_of=as_of, settings=settings().insight, known=_known()),
        domain=domain,
        as_of=as_of,
    )
    return verdict


def policies(domain: str, as_of: date, days: int) -> PoliciesSeen:
    """Return which policies senders applied to a domain."""
    seen: PoliciesSeen = _once(
        "policies",
        lambda: api.policies_seen(lake().ask, domain, as_of=as_of, settings=settings().insight, days=days),
        domain=domain,
        as_of=as_of,
        days=days,
    )
    return seen


def coverage(filters: Filters) -> list[Coverage]:
    """Return who reports on what, how often, and who went silent."""
    lines: list[Coverage] = _once(
        "coverage",
        lambda: api.coverage(
            lake().ask, as_of=filters.as_of, settings=settings().insight, days=max(filters.days, 28), domain=filters.domain
        ),
        as_of=filters.as_of,
        days=max(filters.days, 28),
        domain=filters.domain,
    )
    return lines
