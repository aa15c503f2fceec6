"""Looks at an open lake for the notifier: everything it may speak of, by the same questions as page and command line."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from pipeline.errors import ConfigError, SignInError
from pipeline.insight.ask import rows_of
from pipeline.notify.digest import DigestDays, NotCounted, Totals
from pipeline.notify.observed import Certificate, MailboxState, Measured, Observed, PublishedState, RollOver
from pipeline.notify.published_clauses import clauses_of
from pipeline.published.stored_checks import PublishedChange, StoredFinding, last_checks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pipeline.notify.mutes import Mute
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth

ROLL_OVER = "dane-roll-over"
"""The code of the finding (`pipeline.published.dane`)."""
_SERVICE = re.compile(r"^_[0-9]+\._tcp\.")
_LASTING = (SignInError.exit_code, ConfigError.exit_code)
_FRESH_DAYS = 7
"""A check older than this says nothing about what is published now."""
_CHANGE_DAYS = 30
"""So far back a change is looked for: the month of a digest, and more than a channel is usually behind."""


def observe(lake: Lake, *, as_of: date, own: Iterable[str], now: datetime | None = None) -> Observed:
    """Return the state of things.

    Args:
        lake: Where to look.
        as_of: The day of asking (UTC).
        own: Our domains, whose verdicts are watched; none: those that are reported about.
        now: The moment of asking, aware; the clock where it is not given.

    Raises:
        LakeError: The lake cannot be read.
    """
    incidents = tuple(lake.incidents(as_of=as_of))
    coverage = tuple(lake.coverage(as_of=as_of))
    domains = sorted(set(own) or {line.domain for line in coverage})
    verdicts = lake.verdicts(domains, as_of=as_of)
    published = _published(lake, as_of)
    enforcing = {one.domain for one in published if one.mode == "enforce"}
    enforcing |= {domain for domain, verdict in verdicts.items() if verdict == "already-enforcing"}
    checks = _fresh_checks(lake, as_of)
    return Observed(
        as_of=as_of,
        incidents=incidents,
        enforcing=frozenset(enforcing),
        coverage=coverage,
        mailboxes=_mailboxes(lake, now) if as_of >= (now or datetime.now(UTC)).date() else (),
        certificates=_certificates(checks),
        roll_overs=_roll_overs(checks),
        published=published,
        verdicts=tuple(verdicts.items()),
        ground=lake.ground(as_of=as_of),
    )


def _mailboxes(lake: Lake, now: datetime | None) -> tuple[MailboxState, ...]:
    """Return the mailboxes as they are now; of another day nothing is known."""
    return tuple(
        MailboxState(
            box.mailbox,
            failing_since=_failing_since(box),
            silent_since=box.silent_since if box.why == "nothing-found" else None,
            error="It has never been polled." if box.why == "not-looked-into" else box.error,
        )
        for box in lake.mailboxes(now=now)
        if box.configured and box.last_try is not None
    )


def _failing_since(box: MailboxHealth) -> datetime | None:
    """Return since when nobody reads a mailbox. What mends itself has its day; what the server refuses stays so until somebody acts."""
    if box.exit_code in _LASTING:
        return box.failing_since or box.silent_since
    return (box.failing_since or box.silent_since) if box.why in ("failing", "not-looked-into") else None


def _published(lake: Lake, as_of: date) -> tuple[PublishedState, ...]:
    """Return what the last fresh checks found; what one could not look at is as it was known before."""
    from pipeline.insight.applied_policies import checked_policy

    changed = rows_of(lake.ask("published_changes", since=as_of - timedelta(days=_CHANGE_DAYS), until=as_of), PublishedChange)
    last = {row.domain: row for row in changed}
    found = []
    for row in last_checks(lake.ask, as_of):
        domain, checked = row.domain, row.checked_at.date()
        if (as_of - checked).days > _FRESH_DAYS:
            continue
        lines = row.known_policy_lines or []
        parts = (
            lines,
            row.known_sts_id,
            row.known_tlsrpt_record,
            sorted(row.mx_hosts),
            sorted(row.tlsa_records),
        )
        digest = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
        mode = checked_policy(lines, since=checked).mode if lines else None
        change = last.get(domain)
        found.append(
            PublishedState(domain, checked, digest, mode)
            if change is None
            else PublishedState(domain, checked, digest, mode, change.changed_day, tuple(clauses_of(change)))
        )
    return tuple(found)


def _fresh_checks(lake: Lake, as_of: date) -> list[StoredFinding]:
    """Return the findings of the last check of each domain, where it was lately."""
    rows = rows_of(lake.ask("checks_latest", checked_until=as_of), StoredFinding)
    return [row for row in rows if (as_of - row.checked_at.date()).days <= _FRESH_DAYS]


def _certificates(checks: Iterable[StoredFinding]) -> tuple[Certificate, ...]:
    """Return when the certificates of hosts end, whatever their addresses; of an end that a roll-over speaks of it alone does."""
    dated = [(row, row.expires_at.date()) for row in checks if row.expires_at is not None]
    told = {(_host(row.place), expires) for row, expires in dated if row.code == ROLL_OVER}
    ends = {Certificate(row.domain, _host(row.place), expires) for row, expires in dated}
    return tuple(sorted(one for one in ends if (one.place, one.expires) not in told))


def _roll_overs(checks: Iterable[StoredFinding]) -> tuple[RollOver, ...]:
    """Return the hosts all of whose TLSA records are of a certificate that is soon renewed."""
    found = [row for row in checks if row.code == ROLL_OVER]
    return tuple(sorted(RollOver(row.domain, _host(row.place), row.what, row.fix) for row in found))


def _host(place: str) -> str:
    """Return the host of a place such as `mx1.example.org [192.0.2.1]` or `_25._tcp.mx1.example.org`."""
    return _SERVICE.sub("", place.split(" ", 1)[0])


def measure(lake: Lake, *, as_of: date) -> Measured:
    """Return the numbers of the metrics that are not events.

    Args:
        lake: Where to look.
        as_of: The day of asking (UTC).
    """
    last: dict[str, datetime] = {}
    for row in lake.ask("mailboxes").to_pylist():
        if row["last_ingested_at"] is not None:
            last[row["account"]] = max(row["last_ingested_at"], last.get(row["account"], row["last_ingested_at"]))
    quarantined = sum(row["messages"] for row in lake.ask("outcomes").to_pylist() if row["outcome"] in ("quarantined", "too_large"))
    left_out = sum(row["reports"] for row in lake.ask("not_counted", until=as_of).to_pylist())
    looked = {box.mailbox: box.last_success for box in lake.mailboxes() if box.last_success is not None}
    return Measured(last, looked, quarantined, left_out)


_LEFT_OUT = {
    "tier": "their sender was not authenticated",
    "conflict": "another report of the same identity counts",
    "superseded": "a better authenticated copy of the same report counts",
    "not_our_domain": "they are about domains that are not configured as yours",
}


def look_back(lake: Lake, observed: Observed, mutes: Iterable[Mute], *, days: int, link: str) -> DigestDays:
    """Return all that a digest is made of.

    Args:
        lake: Where to look.
        observed: The state of things on the last day.
        mutes: What is muted now.
        days: How many complete days the digest covers.
        link: The address of the page, or an empty text.
    """
    until = observed.as_of - timedelta(days=2)
    since = until - timedelta(days=days - 1)
    row = lake.ask("success_rate", since=since, until=until, as_of=observed.as_of).to_pylist()[0]
    left_out: dict[str, int] = {}
    for one in lake.ask("not_counted", since=since, until=until).to_pylist() if lake.audience is None else ():
        left_out[one["reason"]] = left_out.get(one["reason"], 0) + one["reports"]
    before = tuple(lake.verdicts((domain for domain, _ in observed.verdicts), as_of=since).items())
    return DigestDays(
        since=since,
        until=until,
        observed=observed,
        totals=Totals(row["sessions"], row["authenticated"], row["failed"], row["unprotected"], row["success_rate"]),
        left_out=tuple(NotCounted(_LEFT_OUT.get(reason, reason), count) for reason, count in sorted(left_out.items())),
        verdicts_before=before,
        mutes=tuple(mutes),
        link=link,
    )
