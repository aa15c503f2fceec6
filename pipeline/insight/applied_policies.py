"""Which MTA-STS policy each sender applied, and when; who still holds an old one, and until when at the latest (RFC 8461 §3.3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.output.markup import html_table, joined, text
from pipeline.report.sts_policy import parse_policy, policy_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask

_SECONDS_PER_DAY = 86_400


class PublishedPolicy(NamedTuple):
    """The policy that is published now."""

    policy_hash: str
    mode: str | None
    max_age_seconds: int | None
    mx: tuple[str, ...]
    lines: tuple[str, ...]
    source: str
    """`checked`: looked up; `reports`: what most sessions of the last three complete days carried."""
    since: date | None = None
    """The first day it is known to have been published or applied."""


def checked_policy(lines: Sequence[str], *, since: date | None = None) -> PublishedPolicy:
    """Return the published policy from its lines, as a check found them."""
    policy = parse_policy(lines)
    return PublishedPolicy(policy_hash(lines), policy.mode, policy.max_age_seconds, policy.mx, tuple(lines), "checked", since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One policy text as one sender applied it."""

    reporter: str
    policy_hash: str
    lines: tuple[str, ...]
    """Trimmed and sorted, so that two senders' texts can be compared; empty where the sender gives none."""
    mode: str | None
    max_age_seconds: int | None
    mx: tuple[str, ...]
    first_day: date
    last_day: date
    days: int
    sessions: int
    is_published: bool
    is_latest: bool
    """Whether this sender has applied no other since."""
    held_until: date | None
    """The last day on which it may be applied, if it is an old one: fetched on the day of the change at the latest, plus max_age."""
    replaced_on: date | None = None
    """The first day on which a newer text is known to have been published, if it is an old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A policy text that senders began to apply, after another."""

    day: date
    """The first day any sender applied it."""
    policy_hash: str
    before: str
    what: tuple[str, ...]
    """What differs, in words."""
    is_unexpected: bool
    """Protection became weaker, an earlier text came back, or one sender alone ever applied it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesSeen:
    """The policies of one domain as senders applied them."""

    domain: str
    published: PublishedPolicy | None
    held: tuple[Held, ...]
    changes: tuple[Change, ...]

    @property
    def stale(self) -> tuple[Held, ...]:
        """The senders whose latest text is not the published one."""
        return tuple(held for held in self.held if held.is_latest and not held.is_published and self.published is not None)

    def _repr_html_(self) -> str:
        return policies_html(self)


class _Row(NamedTuple):
    submitter_domain: str
    policy_hash: str
    first_day: date
    last_day: date
    days: int
    sessions: int
    sessions_last_three_days: int
    policy_strings: list[str]
    sts_mode: str | None
    sts_max_age_seconds: int | None
    mx_patterns: list[str]


def read_policies(ask: Ask, domain: str, *, since: date, until: date, published: PublishedPolicy | None = None) -> PoliciesSeen:
    """Ask which policies were applied to a domain.

    Args:
        ask: Answers questions.
        domain: The recipient domain, a lower-case A-label.
        since: First day, inclusive.
        until: Last complete day, inclusive.
        published: The policy now published, as last checked; None: what most sessions of the last three days carried.
    """
    # A text without a mode is one that could not be read (RFC 8460 §4.4 has it reported with its errors); nobody applied it.
    rows = [
        row for row in rows_of(between(ask, "insight_policies_by_reporter", since=since, until=until, domain=domain), _Row) if row.sts_mode
    ]
    by_hash: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_hash[row.policy_hash].append(row)
    current = published or _published(by_hash)
    first_seen = {text: min(row.first_day for row in same) for text, same in by_hash.items()}
    sure = {text: first_seen[text] for text, same in by_hash.items() if len(same) > 1 or _is(same[0], current)}
    replaced = {text: _replaced_on(text, first_seen[text], sure) for text in by_hash}
    if current is not None and current.since is not None:
        replaced = {text: min(day or current.since, current.since) for text, day in replaced.items()}
    judged = [(row, _is(row, current)) for row in rows]
    # On the day of a change a sender reports both; then the published one is the later.
    order = sorted(judged, key=lambda each: (each[0].last_day, each[1], each[0].first_day, each[0].policy_hash))
    latest = {row.submitter_domain: row for row, _ in order}
    held = tuple(
        _held(
            row,
            None if is_published else replaced[row.policy_hash],
            is_published=is_published,
            is_latest=latest[row.submitter_domain] is row,
        )
        for row, is_published in judged
    )
    return PoliciesSeen(domain=domain, published=current, held=held, changes=tuple(_changes(by_hash, first_seen)))


def _published(by_hash: dict[str, list[_Row]]) -> PublishedPolicy | None:
    recent = {text: sum(row.sessions_last_three_days for row in rows) for text, rows in by_hash.items()}
    text = max(recent, key=lambda text: (recent[text], text), default=None)
    if text is None or not recent[text]:
        return None
    row = by_hash[text][0]
    since = min(row.first_day for row in by_hash[text])
    return PublishedPolicy(
        text, row.sts_mode, row.sts_max_age_seconds, tuple(row.mx_patterns), _lines(row.policy_strings), "reports", since
    )


def _lines(strings: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(line.strip() for line in strings))


def _replaced_on(text: str, begun: date, sure: dict[str, date]) -> date | None:
    """Return when a text was replaced by a newer one.

    `sure` are the first days of texts that were published: two senders applied them, or a check saw them. A text that one sender alone ever
    applied may be its own mistake, and says nothing about when another was replaced.
    """
    return min((day for other, day in sure.items() if other != text and day > begun), default=None)


def _held(row: _Row, replaced_on: date | None, *, is_published: bool, is_latest: bool) -> Held:
    return Held(
        reporter=row.submitter_domain,
        policy_hash=row.policy_hash,
        lines=_lines(row.policy_strings),
        mode=row.sts_mode,
        max_age_seconds=row.sts_max_age_seconds,
        mx=tuple(row.mx_patterns),
        first_day=row.first_day,
        last_day=row.last_day,
        days=row.days,
        sessions=row.sessions,
        is_published=is_published,
        is_latest=is_latest,
        held_until=None if replaced_on is None else replaced_on + timedelta(days=_days(row.sts_max_age_seconds)),
        replaced_on=replaced_on,
    )


def _is(row: _Row, published: PublishedPolicy | None) -> bool:
    """Whether the text is the published policy: the same text, or one that says the same; some senders leave lines out or add some."""
    if published is None:
        return False
    if row.policy_hash == published.policy_hash:
        return True
    says = (row.sts_mode, row.sts_max_age_seconds, sorted(row.mx_patterns))
    return says == (published.mode, published.max_age_seconds, sorted(published.mx))


def _days(seconds: int | None) -> int:
    return -(-(seconds or 0) // _SECONDS_PER_DAY)


def _changes(by_hash: dict[str, list[_Row]], first_seen: dict[str, date]) -> Iterable[Change]:
    """Texts in the order in which they were first seen, each held against the one before it."""
    order = sorted(first_seen, key=lambda text: (first_seen[text], text))
    for before, after in pairwise(order):
        old, new = by_hash[before][0], by_hash[after][0]
        lone = len(by_hash[after]) == 1 and len({row.submitter_domain for rows in by_hash.values() for row in rows}) > 2
        came_back = max(row.last_day for row in by_hash[before]) > max(row.last_day for row in by_hash[after])
        yield Change(
            day=first_seen[after],
            policy_hash=after,
            before=before,
            what=tuple(_differences(old, new)),
            is_unexpected=_is_weaker(old, new) or lone or came_back,
        )


def _differences(old: _Row, new: _Row) -> Iterable[str]:
    if old.sts_mode != new.sts_mode:
        yield f"mode {old.sts_mode} became {new.sts_mode}"
    if old.sts_max_age_seconds != new.sts_max_age_seconds:
        yield f"max_age {old.sts_max_age_seconds} became {new.sts_max_age_seconds} seconds"
    if gone := sorted(set(old.mx_patterns) - set(new.mx_patterns)):
        yield f"mx without {', '.join(gone)}"
    if come := sorted(set(new.mx_patterns) - set(old.mx_patterns)):
        yield f"mx with {', '.join(come)}"


_STRENGTH = {"none": 0, "testing": 1, "enforce": 2}


def _is_weaker(old: _Row, new: _Row) -> bool:
    shorter = (new.sts_max_age_seconds or 0) * 10 < (old.sts_max_age_seconds or 0)
    return _STRENGTH.get(new.sts_mode or "", 0) < _STRENGTH.get(old.sts_mode or "", 0) or shorter


def policies_html(seen: PoliciesSeen) -> str:
    """Return which policy which sender applied, and when."""
    rows = [
        (
            held.reporter,
            held.mode or "",
            joined(held.mx),
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
