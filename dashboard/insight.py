"""What follows from the reports, cached by the version of the lake: incidents, readiness, policies, coverage.

The trust filter counts here as it does for every number: with `verified` chosen, incidents and verdicts rest on verified reports alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dashboard.lake_door import concluded, lake, settings
from pipeline.insight import api
from pipeline.insight.faults import others_of, with_id
from pipeline.insight.proving_reports import with_evidence
from pipeline.message.shipped_reporters import REPORTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from streamlit.delta_generator import DeltaGenerator

    from dashboard.filters import Filters
    from pipeline.insight.api import Coverage, Incident, PoliciesSeen, Readiness
    from pipeline.query import Lake

INCIDENT_QUESTIONS = ("insight_failures", "insight_spans", "insight_policies", "insight_reporters", "insight_disputed")
READINESS_QUESTIONS = ("insight_sts_days", "insight_policies_by_reporter", "insight_failures", "insight_disputed")
MOST = 2000
"""Incidents that are shown at most, the newest: whoever has more needs no list."""
_SEVERITY = {"ours": 0, "unknown": 1, "path": 2, "sender": 3}
_SHARED = ("insight_reporters", "published_now")
"""Questions that conclusions on many domains ask in the same words."""
_EVIDENCE = 200


def _known() -> frozenset[str]:
    names = (name.strip().rstrip(".").lower() for name in settings().trust.reporters)
    return frozenset(reporter.domain for reporter in REPORTERS) | frozenset(names)


def _asking(opened: Lake) -> Callable[..., pa.Table]:
    """Return what conclusions ask by; the answers several of them need are kept."""

    def ask(name: str, **parameters: Any) -> pa.Table:
        if name not in _SHARED:
            return opened.ask(name, **parameters)
        answer: pa.Table = concluded(opened, name, lambda: opened.ask(name, **parameters), **parameters)
        return answer

    return ask


def incidents(filters: Filters, *, slot: DeltaGenerator | None = None) -> list[Incident]:
    """Return the incidents of the period: open before unconfirmed before over, ours first, the largest first.

    Args:
        filters: Period, domain and trust.
        slot: A place of the page that says what is being done, where it takes a while.
    """
    opened = lake(filters.tiers)
    asked: dict[str, Any] = {"as_of": filters.as_of, "days": filters.days, "domain": filters.domain}
    found: list[Incident] = concluded(
        opened,
        "incidents",
        lambda: sorted(api.find_incidents(_asking(opened), settings=settings().insight, known=_known(), most=MOST, **asked), key=_rank),
        slot=slot,
        waiting="Checking for incidents …",
        **asked,
    )
    return found


class Silence(NamedTuple):
    """Who stopped reporting."""

    lines: tuple[Coverage, ...]
    """By reporter and domain."""
    everywhere: frozenset[str]
    """Reporters that are silent on every domain they report on."""
    somewhere: frozenset[str]
    """Those that are silent on some, and go on with others."""
    is_ours: bool
    """All fell silent at once: then it is the mailbox or the ingest."""

    is_known: bool
    """Whether anybody reports often enough to be missed."""

    def told(self) -> str:
        """Say it in a few words."""
        if not self.is_known:
            return "not known who is silent"
        some = f"{len(self.somewhere):,} on some domains" if self.somewhere else ""
        return ", ".join(part for part in (f"{len(self.everywhere):,} silent" if self.everywhere else "none silent", some) if part)


def silence(filters: Filters, *, slot: DeltaGenerator | None = None) -> Silence:
    """Return who stopped reporting."""
    lines = coverage(filters, slot=slot)
    found: Silence = concluded(lake(filters.tiers), "silence", lambda: _silence(lines), **coverage_asked(filters))
    return found


def _silence(lines: list[Coverage]) -> Silence:
    silent = tuple(line for line in lines if line.silent_since is not None)
    names = {line.reporter for line in silent}
    going_on = {line.reporter for line in lines if line.silent_since is None}
    return Silence(
        silent,
        frozenset(names - going_on),
        frozenset(names & going_on),
        is_ours=any(line.state == "ingest-outage" for line in silent),
        is_known=bool(silent) or any(line.state == "reporting" for line in lines),
    )


def _rank(one: Incident) -> tuple[int, ...]:
    state = {"open": 0, "unconfirmed": 1, "resolved": 2}[one.state]
    return state, _SEVERITY[one.fault], -one.last_day.toordinal() if state else 0, -one.failed_sessions


def incident(wanted: str, filters: Filters, *, slot: DeltaGenerator | None = None) -> Incident | None:
    """Return one incident with the reports that prove it, also by an id it had before later reports came.

    Args:
        wanted: Its id or that of its fault, or a beginning that only one has.
        filters: The period it is looked for in first; then as far back as is configured, over all domains.
        slot: A place of the page that says what is being done, where it takes a while; None: nothing is said.

    Raises:
        UsageError: Several begin so.
    """
    found = with_id(incidents(filters, slot=slot), wanted)
    if found is None:
        longer = filters._replace(days=max(filters.days, settings().insight.days), domain=None)
        found = with_id(incidents(longer, slot=slot), wanted)
    if found is None:
        return None
    one, opened = found, lake(filters.tiers)
    proved: Incident = concluded(
        opened,
        "evidence",
        lambda: with_evidence(opened.ask, [one], limit=_EVIDENCE)[0],
        slot=slot,
        waiting="Finding the evidence …",
        id=one.id,
        as_of=filters.as_of,
        last=one.last_day,
    )
    return proved


def same_fault(one: Incident, filters: Filters) -> list[Incident]:
    """Return the other incidents of the fault of one, on whatever domain."""
    return others_of(one, incidents(filters._replace(days=max(filters.days, settings().insight.days), domain=None)))


def readiness(domain: str, filters: Filters, *, slot: DeltaGenerator | None = None) -> Readiness:
    """Return whether a domain may go from `testing` to `enforce`.

    Args:
        domain: As a lower-case A-label.
        filters: Day of asking and tiers; its period and domain are not heeded.
        slot: A place of the page that says what is being done, where it takes a while; None: nothing is said.
    """
    opened = lake(filters.tiers)
    verdict: Readiness = concluded(
        opened,
        "readiness",
        lambda: api.readiness(_asking(opened), domain, as_of=filters.as_of, settings=settings().insight, known=_known()),
        slot=slot,
        waiting="Checking what enforce would have refused …",
        domain=domain,
        as_of=filters.as_of,
    )
    return verdict


def verdicts(domains: tuple[str, ...], filters: Filters, *, slot: DeltaGenerator | None = None) -> dict[str, Readiness]:
    """Return the verdicts on some domains, from incidents found once for all.

    Args:
        domains: The domains, as lower-case A-labels.
        filters: Day of asking and tiers; its period and domain are not heeded.
        slot: A place of the page that says what is being done, where it takes a while; None: nothing is said.
    """
    opened = lake(filters.tiers)
    whole = filters._replace(days=settings().insight.readiness_days, domain=None)

    def weigh() -> dict[str, Readiness]:
        found = incidents(whole)
        # A list that was cut off may lack what blocks: then each domain is looked at by itself.
        given = None if len(found) == MOST else found
        return api.verdicts(_asking(opened), domains, as_of=filters.as_of, settings=settings().insight, known=_known(), incidents=given)

    weighed: dict[str, Readiness] = concluded(
        opened, "verdicts", weigh, slot=slot, waiting="Checking which domains are ready for enforce …", domains=domains, as_of=filters.as_of
    )
    return weighed


def policies(domain: str, filters: Filters) -> PoliciesSeen:
    """Return which policies senders applied to a domain."""
    opened = lake(filters.tiers)
    seen: PoliciesSeen = concluded(
        opened,
        "policies",
        lambda: api.policies_seen(_asking(opened), domain, as_of=filters.as_of, settings=settings().insight, days=filters.days),
        domain=domain,
        as_of=filters.as_of,
        days=filters.days,
    )
    return seen


def coverage_asked(filters: Filters) -> dict[str, Any]:
    """Return what `coverage` depends on, beside the tiers: four weeks at least, or nobody has a habit."""
    return {"as_of": filters.as_of, "days": max(filters.days, 28), "domain": filters.domain}


def coverage(filters: Filters, *, slot: DeltaGenerator | None = None) -> list[Coverage]:
    """Return who reports on what, how often, and who went silent."""
    opened = lake(filters.tiers)
    asked = coverage_asked(filters)
    lines: list[Coverage] = concluded(
        opened,
        "coverage",
        lambda: api.coverage(_asking(opened), settings=settings().insight, **asked),
        slot=slot,
        waiting="Checking who reports …",
        **asked,
    )
    return lines
