"""What to write to the postmaster of a sender at fault, with the proof: days, hosts, counts, and the reports by their own ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.phrases import count_of, span_of
from pipeline.insight.safe_commands import is_host, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.incident import Incident

_SAID = {
    "policy-lost": "find no policy any more",
    "policy-unreachable": "cannot fetch the MTA-STS policy",
    "policy-stale": "apply an MTA-STS policy that was replaced",
    "starttls-missing": "are not offered STARTTLS",
    "starttls-stripped": "are not offered STARTTLS",
}


def letter(incident: Incident, report_ids: Sequence[str] = ()) -> str | None:
    """Return a letter; None where the sender is not at fault, or has no name to write to.

    Args:
        incident: Whose fault it is decides whether there is a letter.
        report_ids: Ids of reports that show it, as their sender gave them; text of strangers, to be escaped by who shows it.
    """
    if incident.fault not in ("sender", "path") or not incident.reporters or not is_host(incident.reporters[0]):
        return None
    sender = incident.reporters[0]
    name = incident.domain if is_host(incident.domain) else "our domain"
    what = _SAID.get(incident.cause, f"{'fail' if incident.state == 'open' else 'failed'} ({incident.title})")
    days = f"since {incident.first_day}" if incident.state == "open" else span_of(incident.first_day, incident.last_day)
    hosts = shown(incident.mx_hosts)
    lines = [
        f"To: postmaster@{sender}",
        f"Subject: SMTP sessions from {sender} to {name} {days}",
        "",
        f"Your TLS reports (RFC 8460) say that sessions from your servers to {name} {what} {days}: "
        f"{incident.failed_sessions:,} of {count_of(incident.sessions, 'session')}.",
        "",
        *([f"MX hosts: {', '.join(hosts)}"] if hosts else []),
        *([f"Addresses: {', '.join(incident.receiving_ips)}"] if incident.receiving_ips else []),
        f"Result types: {', '.join(name or 'none given' for name in incident.result_types)}",
        *([f"Reasons as sent: {'; '.join(incident.reasons[:5])}"] if incident.reasons else []),
        *([f"Report-ids: {', '.join(report_ids)}"] if report_ids else []),
        "",
        f"How this compares with other senders: {incident.comparison}",
        "",
        "Could you look at your side? If you think that it is ours, please tell us what you see.",
    ]
    return "\n".join(lines)
