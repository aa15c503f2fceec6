"""What is known of the policies of a domain: live, from checks however old, and from what senders applied. Pure.

Not knowing is never "nothing is there": what could not be looked at is filled in from the next best source, and said.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pipeline.insight.applied_policies import checked_policy, read_policies
from pipeline.insight.ask import rows_of
from pipeline.insight.checked_policies import FRESH_DAYS
from pipeline.insight.phrases import count_of
from pipeline.published.plan_state import PlanState, Served
from pipeline.published.seen_by_senders import LOOK_BACK_DAYS
from pipeline.published.stored_checks import PolicyRun, last_checks
from pipeline.report.sts_policy import parse_policy, policy_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.insight.ask import Ask
    from pipeline.published.published_now import Live
    from pipeline.published.stored_checks import LastCheck


def gather_evidence(ask: Ask, domain: str, live: Live | None, *, today: date) -> PlanState:
    """Return what a plan begins with.

    Args:
        ask: Answers questions.
        domain: Lower-case A-label.
        live: What is published at this moment; None where the plan is about another day.
        today: The day of the plan.
    """
    runs = list(rows_of(ask("published_policies", domain=domain, checked_until=today), PolicyRun))
    last = next((row for row in last_checks(ask, today) if row.domain == domain), None)
    recent = today - timedelta(days=FRESH_DAYS)
    fresh = last if last is not None and last.checked_at.date() >= recent else None
    mx_before = _if_seen(last, "mx", recent)
    published, source = _published(live, runs, fresh, today)
    seen = read_policies(ask, domain, since=today - timedelta(days=LOOK_BACK_DAYS), until=today, published=published)
    if published is None and live is not None and live.policy_known:
        seen = replace(seen, published=None)
    elif published is None and seen.published is None and runs:
        published, source = _checked(runs[-1]), f"the policy that a check read on {runs[-1].last_checked_at:%Y-%m-%d}"
        seen = replace(seen, published=published)
    elif published is None and seen.published is not None:
        source = f"the policy that most senders applied lately ({_says(seen.published)})"
    return PlanState(
        domain,
        today,
        seen,
        live.mx_hosts if live is not None and live.mx_known else mx_before,
        live.tlsa if live is not None and live.tlsa_known else _if_seen(last, "tlsa", recent),
        tuple(_served(row) for row in runs),
        mx_before,
        tuple(last.tlsa_records if last else ()),
        _tlsa_since(last, live),
        live.ttl_seconds if live is not None else 0,
        live.tlsa_owners if live is not None else (),
        tuple(_sentences(live, source, runs, [held.reporter for held in seen.held])),
    )


def _if_seen(last: LastCheck | None, kind: Literal["mx", "tlsa"], recent: date) -> tuple[str, ...]:
    """Return the MX hosts or TLSA records of the last check, if one saw them lately: what was not seen since may be another."""
    if last is None:
        return ()
    seen_at, found = (last.mx_seen_at, last.mx_hosts) if kind == "mx" else (last.tlsa_seen_at, last.tlsa_records)
    return tuple(found) if seen_at is not None and seen_at.date() >= recent else ()


def _tlsa_since(last: LastCheck | None, live: Live | None) -> datetime | None:
    """Return since when the TLSA records that the last check found are known to be there."""
    if last is None:
        return None
    same = live is None or tuple(last.tlsa_records) == live.tlsa
    return last.tlsa_since if same else last.checked_at


def _published(live: Live | None, runs: Sequence[PolicyRun], fresh: LastCheck | None, today: date) -> tuple[PublishedPolicy | None, str]:
    if live is not None and live.policy_known:
        if live.policy is None:
            return None, "no policy is served now"
        same = bool(runs) and policy_hash(runs[-1].policy_lines) == policy_hash(live.policy.lines)
        policy = checked_policy(live.policy.lines, since=runs[-1].first_checked_at.date() if same else today)
        return policy, f"the policy served now ({_says(policy)})"
    if fresh is not None and runs:
        policy = _checked(runs[-1])
        return policy, f"the policy that a check read on {runs[-1].last_checked_at:%Y-%m-%d} ({_says(policy)})"
    return None, "no published policy is known"


def _checked(run: PolicyRun) -> PublishedPolicy:
    return checked_policy(run.policy_lines, since=run.first_checked_at.date())


def _served(run: PolicyRun) -> Served:
    policy = parse_policy(run.policy_lines)
    return Served(policy.mode, policy.max_age_seconds, policy.mx, run.replaced_at.date() if run.replaced_at else None)


def _says(policy: PublishedPolicy) -> str:
    names = "".join(f", mx: {pattern}" for pattern in policy.mx)
    return f"mode: {policy.mode}, max_age: {policy.max_age_seconds}{names}"


def _sentences(live: Live | None, source: str, runs: Sequence[PolicyRun], reporters: Sequence[str]) -> list[str]:
    found = [source]
    if live is not None and not live.policy_known:
        found.append("what is served now could not be checked; it may be another policy, with a longer max_age")
    if live is not None and live.ttl_seconds and not live.ttl_of_zone:
        found.append(
            f"the TTL that the resolver gives ({live.ttl_seconds:,} seconds), for no authoritative server could be asked; where your zone "
            "has a longer one, wait twice that long between two changes"
        )
    found.append(
        f"{count_of(len(runs), 'policy text')} read by checks since {min(row.first_checked_at for row in runs):%Y-%m-%d}"
        if runs
        else "no check has read a policy before"
    )
    found.append(
        f"the policies that {count_of(len(set(reporters)), 'sender')} applied in the last {LOOK_BACK_DAYS} days"
        if reporters
        else f"no sender has reported a policy of it in the last {LOOK_BACK_DAYS} days"
    )
    return found
