"""Failures as cells of a cube, each with the cause it speaks of, and the policies that were applied when they happened."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of
from pipeline.insight.causes import Sign, cause_of, is_outside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.insight.ask import Ask
    from pipeline.insight.policies import PublishedPolicy


class Cell(NamedTuple):
    """Failed sessions that agree in everything that is told about them."""

    report_domain: str
    report_day: date
    submitter_domain: str
    policy_type: str
    policy_hash: str | None
    result_type: str
    """Empty: the sender counted failures and detailed none."""
    failure_reason_code: str | None
    receiving_mx_hostname: str | None
    receiving_ip: str | None
    mentions: int
    """Details may overlap, so mentions may be more than sessions (RFC 8460 §4)."""
    policy_failures: int
    """Sessions the reporter counts as failed under this policy type, for this domain and day: no cause can have more."""


class PolicyText(NamedTuple):
    """One MTA-STS policy text as senders applied it to one domain, over the days looked at."""

    report_domain: str
    policy_hash: str
    first_day: date
    last_day: date
    sessions: int
    sessions_last_three_days: int
    sts_mode: str | None
    sts_max_age_seconds: int | None
    mx_patterns: tuple[str, ...]


class Failure(NamedTuple):
    """A cell with its cause."""

    cause: str
    cell: Cell


Texts = dict[str, dict[str, PolicyText]]
"""Policy texts by domain and hash."""


def read_cells(ask: Ask, *, since: date, until: date, domain: str | None = None, domains: Sequence[str] | None = None) -> list[Cell]:
    """Ask for what failed between two days, both inclusive."""
    answer = between(ask, "insight_failures", since=since, until=until, domain=domain, domains=None if domains is None else list(domains))
    return list(rows_of(answer, Cell))


def read_texts(
    ask: Ask, *, since: date, until: date, domains: Iterable[str], published: Mapping[str, PublishedPolicy] | None = None
) -> Texts:
    """Ask for the policy texts that senders applied to the given domains, and add those published as far as they were looked up."""
    texts: Texts = defaultdict(dict)
    names = sorted(domains)
    if not names:
        return texts
    for text in rows_of(between(ask, "insight_policies", since=since, until=until, domains=names), PolicyText):
        texts[text.report_domain][text.policy_hash] = text._replace(mx_patterns=tuple(text.mx_patterns or ()))
    for name, policy in (published or {}).items():
        if name in names and policy.policy_hash not in texts[name]:
            texts[name][policy.policy_hash] = _published_text(name, policy, until)
    return texts


def _published_text(domain: str, policy: PublishedPolicy, until: date) -> PolicyText:
    """A policy that is published and that no sender has applied yet, as if one had since the day it was first found."""
    return PolicyText(domain, policy.policy_hash, policy.since or until, until, 0, 0, policy.mode, policy.max_age_seconds, policy.mx)


def with_causes(cells: Iterable[Cell], texts: Texts) -> list[Failure]:
    """Return the cells with the cause of each."""
    return [Failure(_cause(cell, texts.get(cell.report_domain, {})), cell) for cell in cells]


def _cause(cell: Cell, texts: Mapping[str, PolicyText]) -> str:
    applied = texts.get(cell.policy_hash or "")
    patterns = applied.mx_patterns if applied is not None else ()
    sign = Sign(cell.policy_type, cell.result_type, cell.failure_reason_code, cell.receiving_mx_hostname, patterns)
    cause = cause_of(sign)
    if cause == "mx-not-in-policy" and applied is not None and _newer_covers(applied, cell, texts.values()):
        return "policy-stale"
    return cause


def _newer_covers(applied: PolicyText, cell: Cell, texts: Iterable[PolicyText]) -> bool:
    """Say whether, on that day, some sender already applied a newer policy, which covers the host."""
    host = cell.receiving_mx_hostname
    newer = (text for text in texts if text.first_day <= cell.report_day and _is_newer(text, applied) and text.mx_patterns)
    if host is None:
        # Microsoft's MX_HOSTS_MISMATCH names no host; a newer policy that adds hosts is what there is to go by.
        return any(set(text.mx_patterns) - set(applied.mx_patterns) for text in newer)
    return any(not is_outside(host, text.mx_patterns) for text in newer)


def _is_newer(text: PolicyText, applied: PolicyText) -> bool:
    """Compare by the day a text was first seen; where the look-back shows no beginning, by the day it was last seen."""
    return (text.first_day, text.last_day) > (applied.first_day, applied.last_day)
