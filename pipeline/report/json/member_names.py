"""The member names of RFC 8460 §4.4, and the other spellings of them that were seen.

`canonical` hands an object back as it is when all its members are the standard's, which is nearly always, and otherwise makes a copy in
the standard's words. Members that nobody knows are counted and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.report.parse_notes import Refusal

if TYPE_CHECKING:
    from pipeline.report.parse_notes import Notes

_SPELLINGS_KEPT = 512
"""Orders of members remembered per kind of object; a stranger cannot make it grow beyond."""


class Kind(NamedTuple):
    """One kind of object in a report."""

    path: str
    depth: int
    """How deep the object itself is nested; the report is 1."""
    names: frozenset[str]
    aliases: dict[str, str]
    """Name of an earlier draft, or placeholder of the figure in RFC 8460 §4.4, to the member it means."""
    seen: set[tuple[str, ...]]
    """Member orders that were found to need no change."""


def _kind(path: str, depth: int, names: str, **aliases: str) -> Kind:
    return Kind(path, depth, frozenset(names.split()), {old.replace("_", "-"): new for old, new in aliases.items()}, set())


REPORT = _kind("", 1, "organization-name date-range contact-info report-id policies")
DATE_RANGE = _kind("date-range.", 2, "start-datetime end-datetime")
POLICY_ENTRY = _kind("policies[].", 3, "policy summary failure-details")
POLICY = _kind(
    "policies[].policy.",
    4,
    "policy-type policy-string policy-domain mx-host",
    # the placeholder of the figure; parsedmarc reads and so writes it
    mx_host_pattern="mx-host",
)
SUMMARY = _kind(
    "policies[].summary.",
    4,
    "total-successful-session-count total-failure-session-count",
    # drafts of 2016 and 2017
    success_aggregate="total-successful-session-count",
    success_count="total-successful-session-count",
    total_success_session_count="total-successful-session-count",
    failure_aggregate="total-failure-session-count",
    failure_count="total-failure-session-count",
)
FAILURE_DETAIL = _kind(
    "policies[].failure-details[].",
    5,
    "result-type sending-mta-ip receiving-mx-hostname receiving-mx-helo receiving-ip failed-session-count additional-information"
    " failure-reason-code",
    # drafts from October 2016 to August 2018
    failure_error_code="failure-reason-code",
    session_count="failed-session-count",
    failure_sessions="failed-session-count",
    receiving_mta_hostname="receiving-mx-hostname",
    # the placeholder of the figure; parsedmarc reads and so writes it
    additional_info_uri="additional-information",
)


def canonical(value: Any, kind: Kind, notes: Notes) -> dict[str, Any]:
    """Return an object with the member names of RFC 8460 §4.4.

    Args:
        value: As JSON gave it; None where the member is absent, which is refused.
        kind: Which object of a report it should be.
        notes: Takes the quirks and unknown members, and counts all members.

    Raises:
        Refusal: It is not an object.
        Refusal: What nobody reads in it is nested too deep.
    """
    if type(value) is not dict:
        raise Refusal("schema_invalid", f"{kind.path.rstrip('.') or 'the report'} is not JSON object")
    notes.members += len(value)
    order = tuple(value)
    if order in kind.seen:
        return value
    if kind.names.issuperset(order):
        if len(kind.seen) < _SPELLINGS_KEPT:
            kind.seen.add(order)
        return value
    return _renamed(value, kind, notes)


def _renamed(value: dict[str, Any], kind: Kind, notes: Notes) -> dict[str, Any]:
    """Copy an object into the standard's words; where a name occurs in both spellings, the standard's wins."""
    found = {name: member for name, member in value.items() if name in kind.names}
    for name, member in value.items():
        if name in kind.names:
            continue
        standard, quirk = _meaning(name, kind)
        if standard is None:
            notes.add_unknown(kind.path + name)
            notes.members += members_in(member, notes.limits.json_depth - kind.depth)
            continue
        notes.add(quirk)
        if standard in found:
            notes.members += members_in(member, notes.limits.json_depth - kind.depth)
        else:
            found[standard] = member
    return found


def _meaning(name: str, kind: Kind) -> tuple[str | None, str]:
    """Return the member that a name means and the quirk of writing it so; None for a name that means nothing."""
    hyphenated = name.replace("_", "-")
    if hyphenated in kind.names:
        # the Perl module Mail::TLSRPT writes `failure_details`
        return hyphenated, "key_underscore"
    return kind.aliases.get(hyphenated), "key_draft_alias"


def members_in(value: Any, depth: int) -> int:
    """Count the members of all objects in a value that nobody reads.

    Raises:
        Refusal: It is nested deeper than `depth`.
    """
    if type(value) is not dict and type(value) is not list:
        return 0
    if depth <= 0:
        raise Refusal("json_depth", "the JSON text is nested deeper than the limit")
    if type(value) is dict:
        return len(value) + sum(members_in(member, depth - 1) for member in value.values())
    return sum(members_in(element, depth - 1) for element in value)
