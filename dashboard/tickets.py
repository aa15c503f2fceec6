"""An incident as plain text for a ticket or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.formatting import listed, number, plain, span
from dashboard.incident_cards import headline
from dashboard.signs import FAULTS, STATES
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.insight.api import Incident

_REPORTS = 5


def ticket(incident: Incident, reports: Sequence[Mapping[str, Any]]) -> str:
    """Return all somebody needs who does not have this page.

    Args:
        incident: As the insight tells it; the hosts and reasons in it are text of strangers.
        reports: Those that prove it, the newest first, with `report_day`, `submitter_domain` and `report_id`: names the sender knows, too.
    """
    lines = [
        f"{headline(incident)}: {plain(incident.domain)}",
        "",
        f"State:     {STATES[incident.state].words.lower()} ({span(incident.first_day, incident.last_day)}, UTC)",
        f"Fault:     {FAULTS[incident.fault].words.lower()}",
        f"Sessions:  {number(incident.failed_sessions)} of {number(incident.sessions)} {incident.went} ({incident.share_said})",
        f"MX hosts:  {listed(incident.mx_hosts, 12) or 'none named'}",
        f"Addresses: {listed(incident.receiving_ips, 12) or 'none named'}",
        f"Reporters: {listed(incident.reporters, 12)}",
        f"Results:   {listed((name or 'no details given' for name in incident.result_types), 12)}",
        f"Reasons:   {listed(incident.reasons, 6) or 'none given'}",
        "",
        f"What it means: {plain(incident.meaning)} ({incident.rfc})",
        "",
        f"What to do: {plain(incident.fix)}",
        *(f"  $ {plain(command)}" for command in incident.commands),
        "",
        f"Why this verdict: {plain(incident.comparison)}",
        *([plain(incident.last_check.sentence)] if incident.last_check else []),
        "",
        f"Incident {incident.id}. Evidence: {count_of(incident.report_count, 'TLS report')} (RFC 8460), the newest:",
        *(f"  {one['report_day']}  {plain(one['submitter_domain'])}  {plain(one['report_id'])}" for one in reports[:_REPORTS]),
    ]
    return "\n".join(lines)
