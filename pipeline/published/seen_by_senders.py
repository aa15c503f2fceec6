"""What senders saw, held against what is published: who applies an old policy, until when; old TLSA records (RFC 8461 §5.1). Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.applied_policies import checked_policy, read_policies
from pipeline.insight.ask import between, rows_of
from pipeline.insight.phrases import listed
from pipeline.published.finding import Finding, Severity
from pipeline.published.tlsa import parse_tlsa
from pipeline.report.sts_policy import covers_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.applied_policies import Held, PoliciesSeen
    from pipeline.insight.ask import Ask
    from pipeline.published.check import Checked
    from pipeline.published.history import Published

LOOK_BACK_DAYS = 400
"""Days of reports that are looked at: max_age is at most about a year (RFC 8461 §3.2)."""
TTL_DAYS = 1
"""Days after a change of TLSA records on which resolvers may still hold the old ones."""


class TlsaSeen(NamedTuple):
    """One set of TLSA records as one sender applied it."""

    submitter_domain: str
    mx_hosts: list[str]
    tlsa_records: list[str]
    last_day: date


class Before(NamedTuple):
    """What the last checks know, and since when."""

    published: Published
    policy_since: date
    tlsa_since: date
    together: Published
    """The same with the id and the policy that were last read in one check, however long ago: what a new text is held against."""


def hold_against_reports(ask: Ask, checked: Checked, before: Before | None) -> Checked:
    """Add what senders saw to a check.

    Args:
        ask: Answers questions.
        checked: What a look found, before it is known what senders saw.
        before: The last one, if there was one.
    """
    today, now = checked.at.date(), checked.published
    since = today - timedelta(days=LOOK_BACK_DAYS)
    found: list[Finding] = []
    if now.policy_lines is not None:
        same = before is not None and before.published.policy_lines == now.policy_lines
        policy = checked_policy(now.policy_lines, since=before.policy_since if before is not None and same else today)
        seen = read_policies(ask, checked.domain, since=since, until=today, published=policy)
        found += judge_policies(seen, now.mx_hosts, today=today)
    if before is not None and not any(each.check in {"tlsa", "smtp", "mx"} and each.severity == "unknown" for each in checked.findings):
        tlsa_since = before.tlsa_since if before.published.tlsa == now.tlsa else today
        rows = rows_of(between(ask, "published_tlsa_seen", since=tlsa_since, until=today, domain=checked.domain), TlsaSeen)
        found += judge_tlsa_seen(rows, now, since=tlsa_since)
    return checked._replace(findings=(*checked.findings, *found))


def stale_on(seen: PoliciesSeen, today: date) -> list[Held]:
    """Return the old policies that senders may hold on that day, or go on applying though they may not."""
    return [held for held in seen.stale if held.held_until is None or held.held_until >= today or held.last_day > held.held_until]


def judge_policies(seen: PoliciesSeen, mx_hosts: Sequence[str], *, today: date) -> list[Finding]:
    """Say who applies a policy that is no longer published, since when, and until when at the latest; one finding for each text.

    Args:
        seen: The policies applied, held against the published one.
        mx_hosts: The MX hosts there are.
        today: Old policies that ended before are not told of.
    """
    stale = stale_on(seen, today)
    by_text: dict[str, list[Held]] = {}
    for held in stale:
        by_text.setdefault(held.policy_hash, []).append(held)
    last = max((held.held_until for held in stale if held.held_until is not None), default=None)
    return [_stale(seen.domain, same, mx_hosts, today=today, last=last) for same in by_text.values()]


def _stale(domain: str, same: Sequence[Held], mx_hosts: Sequence[str], *, today: date, last: date | None) -> Finding:
    held = same[0]
    who = listed(sorted(each.reporter for each in same))
    what = f"{who} applied an older policy (mode {held.mode}, max_age {held.max_age_seconds}) up to {max(each.last_day for each in same)}"
    if held.replaced_on is not None and held.held_until is not None:
        what += f"; outdated since {held.replaced_on}; its max_age ends by {held.held_until}"
    uncovered = [host for host in mx_hosts if not covers_host(held.mx, host)]
    refuses = held.mode == "enforce" and bool(uncovered)
    severity: Severity = "error" if refuses else "warn"
    why = "a sender applies the policy it holds until max_age ends or it sees another id (RFC 8461 §5.1)"
    if refuses:
        why = f"these senders deliver no mail to {listed(uncovered)}, which the old policy does not cover (RFC 8461 §4.1)"
    return Finding("seen", "policy-stale-seen", severity, domain, what, why, _wait(held, today, last))


def _wait(held: Held, today: date, last: date | None) -> str:
    if held.held_until is not None and held.held_until < today:
        return "it applies the policy longer than it may: tell the sender"
    if last is None:
        return "change the id of the TXT record, so that senders look for the new policy"
    return f"change the id if it is still the old one; after {last} no sender may apply an old policy any more"


def judge_tlsa_seen(rows: Iterable[TlsaSeen], now: Published, *, since: date) -> list[Finding]:
    """Say who goes on seeing TLSA records of which none is published any more.

    Args:
        rows: What senders saw.
        now: What is published.
        since: The first day on which the records were those of now; for a day after it, resolvers may hold others.
    """
    late: dict[tuple[str, ...], list[TlsaSeen]] = {}
    for row in rows:
        hosts = tuple(host for host in row.mx_hosts if host in now.mx_hosts)
        named_others_alone = bool(row.mx_hosts) and not hosts
        if row.last_day > since + timedelta(days=TTL_DAYS) and not named_others_alone and not _published(row, hosts, now):
            late.setdefault(hosts or now.mx_hosts, []).append(row)
    return [_late(hosts, same, since) for hosts, same in sorted(late.items())]


def _published(row: TlsaSeen, hosts: Sequence[str], now: Published) -> bool:
    """Whether one of the records is published, at one of these hosts if some are named."""
    there = {parse_tlsa(text.partition(" ")[2]) for text in now.tlsa if not hosts or text.partition(" ")[0] in hosts}
    return any(record is not None and record in there for record in map(parse_tlsa, row.tlsa_records))


def _late(hosts: Sequence[str], same: Sequence[TlsaSeen], since: date) -> Finding:
    who = listed(sorted({row.submitter_domain for row in same}))
    what = f"{who} saw other TLSA records than the published ones up to {max(row.last_day for row in same)}; these are there since {since}"
    why = "records of which none matches the certificate stop the mail of senders that support DANE (RFC 7672 §2.2)"
    fix = "query every name server of the zone; one of them may serve an old version"
    return Finding("seen", "tlsa-stale-seen", "error", listed(hosts), what, why, fix)
