"""From one parsed JSON value to a `ParsedReport`: the top level of RFC 8460 §4.4, and the digest of the normalised content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.json.fields import text
from pipeline.report.json.member_names import DATE_RANGE, REPORT, canonical, members_in
from pipeline.report.json.moments import read_window, seconds
from pipeline.report.keys.content_digest import content_digest
from pipeline.report.model import ParsedReport
from pipeline.report.names import address_domain
from pipeline.report.parse.policy_entry import read_policy
from pipeline.report.parse_notes import Notes, Refusal

if TYPE_CHECKING:
    from pipeline.report.limits import Limits
    from pipeline.report.model import PolicyResult


def parse_report(value: Any, notes: Notes) -> ParsedReport:
    """Normalise and check a report.

    Args:
        value: What the JSON text says.
        notes: Takes quirks, unknown members and the count of members; what it holds already (of the container) is kept.

    Raises:
        Refusal: It is not a report, or one beyond the limits.
    """
    if type(value) is dict and "policy" in value and "policies" not in value:
        value = _single_policy(value, notes)
    members = canonical(value, REPORT, notes)
    policies = _policies(members.get("policies"), notes)
    period = canonical(members.get("date-range"), DATE_RANGE, notes)
    window = read_window(period.get("start-datetime"), period.get("end-datetime"), notes)
    limits = notes.limits
    report_id = text(members.get("report-id"), limits.report_id_chars, "report-id", notes)
    if report_id is None:
        raise Refusal("schema_invalid", "report-id is absent or empty")
    organization = text(members.get("organization-name"), limits.organization_chars, "organization-name", notes)
    contact = read_contact(members.get("contact-info"), notes)
    head = (organization, contact, report_id, seconds(window.start), seconds(window.end))
    return ParsedReport(
        organization,
        contact,
        report_id,
        *window,
        policies,
        tuple(sorted(notes.quirks)),
        tuple(sorted(notes.unknown)),
        notes.unknown_count,
        content_digest(head, policies),
    )


def _single_policy(value: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Put the one `policy` and `summary` of the drafts before November 2017 into `policies` (`key_draft_alias`)."""
    notes.add("key_draft_alias")
    notes.members -= 1  # `policies` is ours, not the text's
    entry = {name: member for name, member in value.items() if name in {"policy", "summary", "failure-details", "failure_details"}}
    rest = {name: member for name, member in value.items() if name not in entry}
    return {**rest, "policies": [entry]}


def _policies(value: Any, notes: Notes) -> tuple[PolicyResult, ...]:
    if type(value) is not list or not value:
        raise Refusal("schema_invalid", "policies is " + ("empty" if value == [] else "absent" if value is None else "no array"))
    if len(value) > notes.limits.policies:
        raise Refusal("limits_exceeded", f"the report has {len(value):,} policies, the limit is {notes.limits.policies:,}")
    policies = tuple([read_policy(element, notes) for element in value])
    _check_sums(policies, notes.limits)
    return policies


def _check_sums(policies: tuple[PolicyResult, ...], limits: Limits) -> None:
    most = limits.report_sessions
    claimed = sum([policy.success_count + policy.failure_count for policy in policies])
    mentioned = sum([sum([detail.failed_session_count for detail in policy.failures]) for policy in policies if policy.failures])
    if max(claimed, mentioned) > most:
        raise Refusal("limits_exceeded", f"the report claims {max(claimed, mentioned):,} sessions, the limit is {most:,}")


def read_contact(value: Any, notes: Notes) -> str | None:
    """Return contact-info; Stalwart sends null (`contact_missing`)."""
    if value is None or value == "":
        notes.add("contact_missing")
        return None
    contact = text(value, notes.limits.contact_chars, "contact-info", notes)
    if contact is None or address_domain(contact) is None:
        notes.add("contact_invalid")
    return contact


def too_deep(value: Any, most: int) -> bool:
    """Whether a value is nested deeper than `most`; used on what was refused, to name the graver reason."""
    try:
        members_in(value, most)
    except Refusal:
        return True
    return False
