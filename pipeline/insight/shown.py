"""One incident, verdict or set of policies in full, as HTML for notebooks and the printed report. All text of strangers is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.markup import Html, html_table, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.incident import Incident
    from pipeline.insight.policies import PoliciesSeen
    from pipeline.insight.readiness import Readiness


def incident_html(incident: Incident) -> str:
    """Return all that is said of an incident, but for the reports that prove it."""
    until = "" if incident.state == "open" else f" to {incident.last_day}"
    facts = [
        ("state", f"{incident.state}, fault: {incident.fault}{', stands in the way of enforce' if incident.blocking else ''}"),
        ("days", f"{'since ' if incident.state == 'open' else ''}{incident.first_day}{until}"),
        ("sessions", f"{incident.failed_sessions:,} of {incident.sessions:,} failed ({incident.share:.1%})"),
        ("MX hosts", _listed(incident.mx_hosts)),
        ("addresses", _listed(incident.receiving_ips) + (f" (only {incident.node})" if incident.node else "")),
        ("senders", _listed(incident.reporters)),
        ("results", _listed(name or "no details" for name in incident.result_types)),
        ("reasons", _listed(incident.reasons)),
        ("what it means", f"{incident.meaning} ({incident.rfc})"),
        ("what to do", _with_commands(incident.fix, incident.commands)),
        ("how the fault was told", incident.comparison),
    ]
    caption = f"<b>{text(incident.domain)}: {text(incident.title)}</b> – incident {text(incident.id)}"
    return html_table(caption, ("", ""), facts)


def readiness_html(verdict: Readiness) -> str:
    """Return all that is said of a verdict, but for the days and senders of the what-if."""
    facts = [
        ("sessions", f"{verdict.sessions:,}, of which enforce would have refused {verdict.would_refuse:,}"),
        ("upper bound, 95 %", f"{verdict.upper_bound_95:.2%}. {verdict.arithmetic}"),
        ("known reporters", _listed(verdict.reporters)),
        ("days with sessions", verdict.days_covered),
        *(("reason", reason) for reason in verdict.reasons),
        ("next", verdict.next_step),
    ]
    caption = f"<b>{text(verdict.domain)}: {text(verdict.verdict)}</b> – {verdict.since} to {verdict.until}"
    return html_table(caption, ("", ""), facts)


def policies_html(seen: PoliciesSeen) -> str:
    """Return which policy which sender applied, and when."""
    rows = [
        (
            held.reporter,
            held.mode or "",
            _listed(held.mx),
            held.max_age_seconds if held.max_age_seconds is not None else "",
            held.first_day,
            held.last_day,
            f"{held.sessions:,}",
            "the published one" if held.is_published else f"old; held until {held.held_until}" if held.held_until else "another",
        )
        for held in seen.held
    ]
    head = ("sender", "mode", "mx", "max_age", "first day", "last day", "sessions", "which")
    return html_table(f"<b>{text(seen.domain)}</b>: policies as senders applied them", head, rows)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "–"


def _with_commands(fix: str, commands: Sequence[str]) -> Html:
    return Html(text(fix) + "".join(f"<br><code>{text(command)}</code>" for command in commands))
