"""One plain report, taken apart with what was learnt from those before it: who reports, about which period, under which policy.

All that is remembered is made by the functions of the careful way. The caches are bounded, and what is too long to be worth remembering is
made anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pipeline.report.json.fields import host, text
from pipeline.report.json.moments import check_age, read_window, seconds
from pipeline.report.keys.content_digest import content_digest
from pipeline.report.model import ParsedReport, PolicyResult
from pipeline.report.parse.document import read_contact
from pipeline.report.parse.policy_entry import compare_counts, mx_hosts, policy_strings, policy_type
from pipeline.report.parse_notes import Notes, Refusal
from pipeline.report.plain.details import DetailReader

if TYPE_CHECKING:
    from pipeline.report.json.moments import Window
    from pipeline.report.limits import Limits
    from pipeline.report.model import FailureDetail

Key = TypeVar("Key")
Value = TypeVar("Value")
_Texts: TypeAlias = "tuple[Any, ...] | str | None"
"""A list of texts, or a lone one, as sent."""

REMEMBERED = 8_192
"""Entries of each cache; a full one begins anew. Some thirty megabytes, should somebody fill them."""

_REMEMBERED_CHARS = 1_024
_TOP_MEMBERS, _PERIOD_MEMBERS, _SUMMARY_MEMBERS, _ENTRY_MEMBERS = 5, 2, 2, 2
_UNDERSCORE = frozenset({"key_underscore"})
_TOP_STRINGS = _TOP_MEMBERS + _PERIOD_MEMBERS + 3
"""Member names and texts of a report beside organization-name, contact-info and the policies."""


class _Period(NamedTuple):
    window: Window
    start: int
    end: int
    quirks: frozenset[str]


class _Sender(NamedTuple):
    organization: str | None
    contact: str | None
    quirks: frozenset[str]
    texts: int
    """How many texts the two members are: a null is none."""


class _Policy(NamedTuple):
    applied: tuple[Any, ...]
    """The first fields of a `PolicyResult`, up to the counts."""
    quirks: frozenset[str]
    texts: int
    """How many texts there are in it, beside the names of its members."""


class _Learnt:
    """The caches of one set of limits, by process: values derived from nothing but their key, so nobody sees that they are kept."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.periods: dict[tuple[Any, Any], _Period] = {}
        self.senders: dict[tuple[Any, Any], _Sender] = {}
        self.policies: dict[tuple[Any, ...], _Policy] = {}
        self.details = DetailReader(limits)

    def period(self, start: Any, end: Any) -> _Period:
        """Read a reporting period.

        Raises:
            Refusal: It cannot be read, or cannot be true.
        """
        notes = self._notes()
        window = read_window(start, end, notes)
        found = _Period(window, seconds(window.start), seconds(window.end), frozenset(notes.quirks))
        return _remember(self.periods, (start, end), found)

    def sender(self, organization: Any, contact: Any) -> _Sender:
        """Read who reports.

        Raises:
            Refusal: It is not shaped like that.
        """
        notes = self._notes()
        named = text(organization, self.limits.organization_chars, "organization-name", notes)
        mail = read_contact(contact, notes)
        found = _Sender(named, mail, frozenset(notes.quirks), _texts_in(organization, contact))
        return _remember(self.senders, (organization, contact), found)

    def policy(self, key: tuple[Any, Any, _Texts, _Texts]) -> _Policy:
        """Read an applied policy: policy-type, policy-domain, policy-string and mx-host.

        Raises:
            Refusal: It is not shaped like one, or beyond a limit.
        """
        notes = self._notes()
        kind, kind_raw = policy_type(key[0], notes)
        strings = policy_strings(_as_sent(key[2]), kind, notes)
        domain = host(key[1], "policies[].policy.policy-domain", notes)
        patterns = mx_hosts(_as_sent(key[3]), kind, notes) if key[3] is not None else ()
        texts = _texts_in(*key[:2]) + sum(1 if type(some) is str else _texts_in(*(some or ())) for some in key[2:])
        found = _Policy((kind, kind_raw, domain, strings, patterns), frozenset(notes.quirks), texts)
        if sum(map(len, strings)) + sum(map(len, patterns)) > _REMEMBERED_CHARS:
            return found
        return _remember(self.policies, key, found)

    def _notes(self) -> Notes:
        notes = Notes(self.limits)
        notes.clean = True
        return notes


@lru_cache(maxsize=4)
def _learnt(limits: Limits) -> _Learnt:
    return _Learnt(limits)


def plain_report(value: Any, text: bytes, notes: Notes) -> ParsedReport | None:
    """Return the report that a JSON text is, None where it is not plain.

    Args:
        value: What the JSON parser made of the text.
        text: The same in bytes, in which duplicate members can be seen.
        notes: When it came, and the quirks of its container; nothing is added where it is not plain.

    Raises:
        Refusal: It is of the future.
    """
    try:
        marks = text.count(b'"') - notes.escapes
        found = _taken_apart(value, marks, _learnt(notes.limits)) if notes.clean else None
    except (KeyError, TypeError, AttributeError, ValueError, Refusal):
        return None
    if found is None:
        return None
    sender, period, report_id, policies, quirks = found
    notes.quirks |= quirks
    for policy in policies:
        if policy.failure_count or policy.failures:
            compare_counts(policy, notes)
    if notes.received_at is not None:
        check_age(period.window.end, notes.received_at, notes)
    head = (sender.organization, sender.contact, report_id, period.start, period.end)
    return ParsedReport(
        sender.organization,
        sender.contact,
        report_id,
        *period.window,
        policies,
        tuple(sorted(notes.quirks)),
        (),
        0,
        content_digest(head, policies),
    )


def _taken_apart(
    report: Any, marks: int, learnt: _Learnt
) -> tuple[_Sender, _Period, str, tuple[PolicyResult, ...], set[str] | frozenset[str]]:
    """Take a report apart that has the members of RFC 8460 §4.4 and no others; `failure_details` is one of them, as Fastmail writes it.

    No member name occurs twice where the text has as many quotation marks, escaped ones left out, as the values found in it need.

    Raises:
        KeyError, TypeError, AttributeError, ValueError, Refusal: It is not plain.
    """
    limits = learnt.limits
    period, entries, report_id = report["date-range"], report["policies"], report["report-id"]
    if len(report) != _TOP_MEMBERS or len(period) != _PERIOD_MEMBERS or type(entries) is not list or type(report_id) is not str:
        raise TypeError
    if not 0 < len(report_id) <= limits.report_id_chars or not 0 < len(entries) <= limits.policies:
        raise ValueError
    sender = report["organization-name"], report["contact-info"]
    who = learnt.senders.get(sender) or learnt.sender(*sender)
    span = period["start-datetime"], period["end-datetime"]
    when = learnt.periods.get(span) or learnt.period(*span)
    strings = _TOP_STRINGS + who.texts
    quirks = who.quirks | when.quirks
    claimed = 0
    counted: list[tuple[_Policy, int, int, int]] = []
    details: list[Any] = []
    for entry in entries:
        success, failure = _counts(entry["summary"], limits.policy_sessions)
        claimed += success + failure
        applied = entry["policy"]
        key = _key(applied)
        policy = learnt.policies.get(key) or learnt.policy(key)
        quirks |= policy.quirks
        sent = None
        if len(entry) != _ENTRY_MEMBERS:
            sent = _details(entry)
            if "failure_details" in entry:
                quirks |= _UNDERSCORE
        strings += _ENTRY_MEMBERS + _SUMMARY_MEMBERS + len(applied) + policy.texts + (sent is not None)
        details += sent or ()
        counted.append((policy, success, failure, len(sent or ())))
    if claimed > limits.report_sessions:
        raise ValueError
    # of each member of a detail its name and, but for one number, a text
    if len(details) > limits.failure_details or marks != 2 * (strings + 2 * sum(map(len, details)) - len(details)):
        raise ValueError
    return who, when, report_id, _policies(counted, learnt.details.read(details) if details else []), quirks


def _counts(summary: Any, most: int) -> tuple[int, int]:
    success, failure = summary["total-successful-session-count"], summary["total-failure-session-count"]
    if type(success) is not int or type(failure) is not int or len(summary) != _SUMMARY_MEMBERS:
        raise TypeError
    if success < 0 or failure < 0 or success + failure > most:
        raise ValueError
    return success, failure


def _details(entry: Any) -> list[Any]:
    sent = entry["failure-details"] if "failure-details" in entry else entry["failure_details"]
    sent = [] if sent is None else sent
    if type(sent) is not list or len(entry) != _ENTRY_MEMBERS + 1:
        raise TypeError
    return sent


def _policies(counted: list[tuple[_Policy, int, int, int]], details: list[FailureDetail]) -> tuple[PolicyResult, ...]:
    if not details:
        return tuple([PolicyResult._make((*policy.applied, success, failure, ())) for policy, success, failure, _ in counted])
    made, at = [], 0
    for policy, success, failure, count in counted:
        made.append(PolicyResult._make((*policy.applied, success, failure, tuple(details[at : at + count]))))
        at += count
    return tuple(made)


def _key(policy: Any) -> tuple[Any, Any, _Texts, _Texts]:
    """Return what an applied policy says: policy-type, policy-domain, policy-string, mx-host; a lone text for a list is common enough.

    Raises:
        KeyError, TypeError, AttributeError: It is not plain.
    """
    strings, patterns = policy.get("policy-string"), policy.get("mx-host")
    if type(strings) is list:
        strings = tuple(strings)
    elif strings is not None and type(strings) is not str:
        raise TypeError
    if type(patterns) is list:
        patterns = tuple(patterns)
    elif patterns is not None and type(patterns) is not str:
        raise TypeError
    # a null is there, and the same as nothing
    if len(policy) != 2 + (strings is not None or "policy-string" in policy) + (patterns is not None or "mx-host" in policy):
        raise KeyError
    return policy["policy-type"], policy["policy-domain"], strings, patterns


def _as_sent(some: _Texts) -> list[Any] | str | None:
    """Return a list again that became a tuple to be a key."""
    return list(some) if isinstance(some, tuple) else some


def _remember(cache: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(cache) >= REMEMBERED:
        cache.clear()
    cache[key] = value
    return value


def _texts_in(*values: Any) -> int:
    return sum(type(value) is str for value in values)
