"""Incidents as text and as rows, for every command that tells them; what strangers wrote is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.failed_share import share_of
from pipeline.insight.live_opinion import Opinion
from pipeline.insight.phrases import and_more, count_of, days_of
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.insight.api import Incident
    from pipeline.query import Lake

BRIEF = (
    "id",
    "state",
    "fault",
    "domain",
    "title",
    "mx_hosts",
    "reporters",
    "first_day",
    "last_day",
    "failed_sessions",
    "share",
    "last_check",
)
"""The columns of a table for eyes: one row a fault."""


def names_of(lake: Lake, incidents: Sequence[Incident]) -> dict[str, str]:
    """Return by report key what a ticket calls a report: day, reporter and the id the reporter gave it."""
    keys = [key for incident in incidents for key in incident.report_keys]
    rows = lake.ask("report_names", keys=keys).to_pylist() if keys else []
    return {row["report_key"]: f"{row['report_day']}  {row['submitter_domain']}  {row['report_id']}" for row in rows}


def in_full(incident: Incident, names: Mapping[str, str] | None = None) -> list[str]:
    """Return all that is said of an incident, as lines of text; what strangers wrote is escaped."""
    days = days_of(incident.first_day, incident.last_day) if incident.state != "open" else f"since {incident.first_day}"
    lines = [
        f"{escape(incident.domain)}: {incident.title}",
        f"  {incident.state}, fault: {incident.fault}, {days}, id {incident.id}",
        f"  {incident.failed_sessions:,} of {incident.sessions:,} sessions {incident.went} ({incident.share_said})",
        f"  MX hosts:  {_joined(incident.mx_hosts)}",
        f"  addresses: {_joined(incident.receiving_ips)}{f' (only {escape(incident.node)})' if incident.node else ''}",
        f"  senders:   {_joined(incident.reporters)}",
        f"  results:   {_joined(tuple(name or 'no details' for name in incident.result_types))}",
        f"  reasons:   {_joined(incident.reasons)}",
        f"  What it means ({incident.rfc}): {incident.meaning}",
        f"  What to do: {incident.fix}",
        *(f"    $ {command}" for command in incident.commands),
        f"  Why this verdict: {escape(incident.comparison)}",
        *([f"  {escape(incident.last_check.sentence)}"] if incident.last_check else []),
    ]
    if incident.report_keys:
        more = incident.report_count - len(incident.report_keys)
        lines.append(
            f"  Evidence: {count_of(incident.report_count, 'report')}{f', the newest {len(incident.report_keys)}' if more else ''}:"
        )
        lines += [f"    {escape((names or {}).get(key, key))}" for key in incident.report_keys]
    return lines


def _joined(texts: Sequence[str], most: int = 12) -> str:
    return and_more([escape(text) for text in texts], most) or "none named"


def the_same(other: Incident) -> str:
    """Return the line about another domain with the same fault."""
    return (
        f"  the same fault on {escape(other.domain)}: {other.failed_sessions:,} of {other.sessions:,} sessions {other.went}, "
        f"{other.state}, id {other.id}"
    )


def brief_rows(incidents: Sequence[Incident]) -> list[list[object]]:
    """Return the rows of a table for eyes, one a fault; their columns are `BRIEF`."""
    from pipeline.insight.faults import by_fault

    return [[_brief(_of_fault(group, name)) for name in BRIEF] for group in by_fault(incidents)]


def full_rows(incidents: Sequence[Incident]) -> list[list[object]]:
    """Return incidents as rows with the members of the JSON, for a spreadsheet; their columns are `PROMISED`."""
    from pipeline.insight.incident import PROMISED

    return [[getattr(incident, name) for name in PROMISED] for incident in incidents]


def _of_fault(group: Sequence[Incident], name: str) -> object:
    """Return what a table says of one fault: its domains together, its sessions summed."""
    first = group[0]
    if len(group) == 1:
        return getattr(first, name)
    if name == "domain":
        return tuple(sorted(one.domain for one in group))
    if name == "reporters":
        return tuple(sorted({reporter for one in group for reporter in one.reporters}))
    together: dict[str, object] = {
        "first_day": min(one.first_day for one in group),
        "last_day": max(one.last_day for one in group),
        "failed_sessions": sum(one.failed_sessions for one in group),
        "share": share_of(group),
    }
    return together.get(name, getattr(first, name))


def _brief(value: object) -> object:
    """Of many texts the first three, and how many more; of what the last check says its kind."""
    if isinstance(value, Opinion):
        return value.state
    if not isinstance(value, tuple):
        return value
    return "; ".join(value[:3]) + (f" +{len(value) - 3}" if len(value) > 3 else "")
