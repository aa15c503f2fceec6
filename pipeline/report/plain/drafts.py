"""From the bytes of one file to a draft: a plain report that lacks only its keys, and the recipient domains that others name."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.report.notes import Refusal
from pipeline.report.strict_json import check_size

if TYPE_CHECKING:
    from typing import TypeAlias

    from pipeline.report.plain.details import Detail
    from pipeline.report.plain.facts import Facts, Policy, When, Who

    Counted: TypeAlias = tuple[Policy, int, int, int]
    """One policy of a draft: the policy, its successful and failed sessions, how many failure details it has."""
    Draft: TypeAlias = tuple[str, Who, When, str, list[Counted], list[Detail]]
    """A plain report: container, sender, period, report id, policies, the failure details of all. A bare tuple, and so is each policy:
    a named one takes four times as long to make."""

_GZIP = b"\x1f\x8b"
_TOP_MEMBERS, _PERIOD_MEMBERS, _SUMMARY_MEMBERS, _ENTRY_MEMBERS = 5, 2, 2, 2
_TOP_STRINGS = _TOP_MEMBERS + _PERIOD_MEMBERS + 3
"""Member names and texts of a report beside organization-name, contact-info and the policies."""


def draft_of(content: bytes, facts: Facts) -> Draft | None:
    """Read a report file; None where it is not plain."""
    limits = facts.limits
    try:
        if content.startswith(_GZIP):
            if len(content) > limits.attachment_bytes or len(content) > limits.message_bytes:
                return None
            container = "gzip"
            inflater = zlib.decompressobj(wbits=31)
            # never 0, which would mean without limit
            text = inflater.decompress(content, limits.json_bytes + 1)
            if not inflater.eof or inflater.unused_data:
                return None
        else:
            container, text = "json", content
        # the same as `Notes.clean`: then no text in it needs to be looked at
        if len(text) > limits.json_bytes or not text.isascii() or b"\\" in text or b"\x7f" in text or not text.startswith(b"{"):
            return None
        if len(text) > facts.few_values:
            check_size(text, limits)
        return draft_in(container, orjson.loads(text), text, facts)
    except (ValueError, Refusal, zlib.error):
        return None


def draft_in(container: str, report: Any, text: bytes, facts: Facts) -> Draft | None:
    """Take apart what a JSON text says; None where it is not plain.

    Args:
        container: How the text came.
        report: The value of the text.
        text: The text: printable ASCII without escapes, within the limits.
        facts: What is known already.
    """
    try:
        return _draft(container, report, text, facts)
    except (KeyError, TypeError, AttributeError, ValueError, Refusal):
        return None


def _draft(container: str, report: Any, text: bytes, facts: Facts) -> Draft:
    """Take a report apart that has the members of RFC 8460 §4.4 and no others.

    No member name occurs twice where the text has as many quotation marks as the values found in it need: there are no escaped ones in it.

    Raises:
        KeyError, TypeError, AttributeError, ValueError, Refusal: It is not plain.
    """
    limits = facts.limits
    period, entries, report_id = report["date-range"], report["policies"], report["report-id"]
    if len(report) != _TOP_MEMBERS or len(period) != _PERIOD_MEMBERS or type(entries) is not list or type(report_id) is not str:
        raise TypeError
    if not 0 < len(report_id) <= limits.report_id_chars or not 0 < len(entries) <= limits.policies:
        raise ValueError
    sender = report["organization-name"], report["contact-info"]
    who = facts.senders.get(sender) or facts.who(*sender)
    span = period["start-datetime"], period["end-datetime"]
    when = facts.periods.get(span) or facts.when(*span)
    strings = _TOP_STRINGS + who.texts
    policies: list[Counted] = []
    details: list[Any] = []
    claimed = 0
    for entry in entries:
        summary = entry["summary"]
        success, failure = summary["total-successful-session-count"], summary["total-failure-session-count"]
        if type(success) is not int or type(failure) is not int or len(summary) != _SUMMARY_MEMBERS:
            raise TypeError
        if success < 0 or failure < 0 or success + failure > limits.policy_sessions:
            raise ValueError
        claimed += success + failure
        applied = entry["policy"]
        key = _key(applied)
        policy = facts.policies.get(key) or facts.policy(key)
        strings += _ENTRY_MEMBERS + _SUMMARY_MEMBERS + len(applied) + policy.texts
        count = 0
        if len(entry) != _ENTRY_MEMBERS:
            sent = entry["failure-details"]
            sent = [] if sent is None else sent
            if type(sent) is not list or len(entry) != _ENTRY_MEMBERS + 1:
                raise TypeError
            count = len(sent)
            details += sent
            strings += 1
        policies.append((policy, success, failure, count))
    if claimed > limits.report_sessions:
        raise ValueError
    # of each member of a detail its name and, but for one number, a text
    if len(details) > limits.failure_details or text.count(b'"') != 2 * (strings + 2 * sum(map(len, details)) - len(details)):
        raise ValueError
    return container, who, when, report_id, policies, facts.details.read(details) if details else []


def _key(policy: Any) -> tuple[Any, Any, tuple[Any, ...] | None, tuple[Any, ...] | None]:
    """Return what an applied policy says: policy-type, policy-domain, policy-string, mx-host.

    Raises:
        KeyError, TypeError, AttributeError: It is not plain.
    """
    strings, patterns = policy.get("policy-string"), policy.get("mx-host")
    if type(strings) is list:
        strings = tuple(strings)
    elif strings is not None:
        raise TypeError
    if type(patterns) is list:
        patterns = tuple(patterns)
    elif patterns is not None:
        raise TypeError
    # a null is there, and the same as nothing
    if len(policy) != 2 + (strings is not None or "policy-string" in policy) + (patterns is not None or "mx-host" in policy):
        raise KeyError
    return policy["policy-type"], policy["policy-domain"], strings, patterns
