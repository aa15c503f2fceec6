"""What repeats from report to report, worked out once: who reports, about which period, under which policy.

All of it is made by the functions of the careful way. The caches are bounded, and what is too long to be worth remembering is made anew.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from pipeline.report.envelope import NO_ENVELOPE
from pipeline.report.fields import host, text
from pipeline.report.identity import organisational_domain, submitter_of
from pipeline.report.model import PolicyResult, Report
from pipeline.report.moments import EARLIEST, read_window, report_day, seconds
from pipeline.report.names import address_domain, valid_domain
from pipeline.report.notes import Notes
from pipeline.report.parse import read_contact
from pipeline.report.plain.details import DetailReader
from pipeline.report.policies import mx_hosts, policy_strings, policy_type
from pipeline.report.sts import NO_POLICY, parse_policy, policy_hash
from pipeline.verdict import VOUCHED

if TYPE_CHECKING:
    from pipeline.report.limits import Limits
    from pipeline.report.sts import StsPolicy

Key = TypeVar("Key")
Value = TypeVar("Value")

REMEMBERED = 8_192
"""Entries of each cache; a full one begins anew. Some thirty megabytes, should somebody fill them."""

_REMEMBERED_CHARS = 1_024
_NAMES_RECIPIENT = frozenset({"sts", "no-policy-found"})


class When(NamedTuple):
    """A reporting period."""

    month: str
    day: date
    start: datetime
    end: datetime
    start_raw: str
    end_raw: str
    digest_tail: str
    """The end of the head of the content digest, after the report id."""
    identity_part: str
    quirks: tuple[str, ...]


class Who(NamedTuple):
    """Who reports, as the report says."""

    organization: str | None
    contact: str | None
    submitter: str
    source: str
    digest_head: str
    """The head of the content digest up to the report id."""
    identity_head: str
    quirks: tuple[str, ...]
    texts: int
    """How many texts the two members are: a null is none."""


class Policy(NamedTuple):
    """An applied policy, without its counts."""

    result: PolicyResult
    """With counts of 0 and no failures."""
    recipient: str | None
    """The recipient domain, where the policy names it (RFC 8460 §1.1)."""
    sts: StsPolicy
    hashed: str | None
    digest_head: str
    """Its part of the content digest up to the counts."""
    quirks: tuple[str, ...]
    texts: int
    """How many texts there are in it, beside the names of its members."""


class Facts:
    """The caches of one set of limits, by process: values derived from nothing but their key, so nobody sees that they are kept."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.few_values = min(limits.json_objects, limits.json_arrays, limits.json_values)
        """A JSON text of no more bytes has no more values than the limits allow."""
        self.periods: dict[tuple[Any, Any], When] = {}
        self.senders: dict[tuple[Any, Any], Who] = {}
        self.policies: dict[tuple[Any, ...], Policy] = {}
        self.details = DetailReader(limits)

    def when(self, start: Any, end: Any) -> When:
        """Read a reporting period.

        Raises:
            Refusal: It cannot be read, or cannot be true.
        """
        notes = self._notes()
        window = read_window(start, end, notes)
        day, first, last = report_day(window.start, window.end), seconds(window.start), seconds(window.end)
        month = f"{day.year:04}-{day.month:02}"
        found = When(month, day, *window, f"{first},{last}]", f"{first},{last},", tuple(notes.quirks))
        return _remember(self.periods, (start, end), found)

    def who(self, organization: Any, contact: Any) -> Who:
        """Read who reports.

        Raises:
            Refusal: It is not shaped like that.
        """
        notes = self._notes()
        named = text(organization, self.limits.organization_chars, "organization-name", notes)
        mail = read_contact(contact, notes)
        submitter, source = submitter_of(_report_of(named, mail), NO_ENVELOPE, VOUCHED)
        organisational = organisational_domain((address_domain(mail) if mail else None) or submitter)
        found = Who(
            named,
            mail,
            submitter,
            source,
            _opened((named, mail)),
            _opened(("tlsrpt identity 1", organisational)),
            tuple(notes.quirks),
            _texts_in(organization, contact),
        )
        return _remember(self.senders, (organization, contact), found)

    def policy(self, key: tuple[Any, Any, tuple[Any, ...] | None, tuple[Any, ...] | None]) -> Policy:
        """Read an applied policy: policy-type, policy-domain, policy-string and mx-host.

        Raises:
            Refusal: It is not shaped like one, or beyond a limit.
        """
        notes = self._notes()
        kind, kind_raw = policy_type(key[0], notes)
        strings = policy_strings(None if key[2] is None else list(key[2]), kind, notes)
        domain = host(key[1], "policies[].policy.policy-domain", notes)
        patterns = mx_hosts(list(key[3]), kind, notes) if key[3] is not None else ()
        sts = parse_policy(strings) if strings and kind == "sts" else NO_POLICY
        found = Policy(
            PolicyResult(kind, kind_raw, domain, strings, patterns, 0, 0, ()),
            valid_domain(domain) if kind in _NAMES_RECIPIENT else None,
            sts,
            policy_hash(strings) if strings else None,
            _opened((kind, domain, strings, patterns)),
            tuple(notes.quirks),
            _texts_in(*key[:2], *(key[2] or ()), *(key[3] or ())),
        )
        if sum(map(len, strings)) + sum(map(len, patterns)) > _REMEMBERED_CHARS:
            return found
        return _remember(self.policies, key, found)

    def _notes(self) -> Notes:
        notes = Notes(self.limits)
        notes.clean = True
        return notes


@lru_cache(maxsize=4)
def facts_of(limits: Limits) -> Facts:
    """Return what was learnt under these limits."""
    return Facts(limits)


def _remember(cache: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(cache) >= REMEMBERED:
        cache.clear()
    cache[key] = value
    return value


def _texts_in(*values: Any) -> int:
    return sum(type(value) is str for value in values)


def _opened(values: tuple[Any, ...]) -> str:
    """Return the JSON text of an array that goes on."""
    return orjson.dumps(values)[:-1].decode() + ","


def _report_of(organization: str | None, contact: str | None) -> Report:
    return Report(organization, contact, "", EARLIEST, EARLIEST, "", "", (), (), (), 0, "")
