"""From the drafts of a chunk to lists of values: one list for each column whose values differ from report to report."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pipeline.report.domains import report_domains
from pipeline.report.envelope import NO_ENVELOPE
from pipeline.report.model import Rejected, Report
from pipeline.report.moments import EARLIEST
from pipeline.report.plain.details import digest_parts
from pipeline.report.sessions import ALONE, Once, Sent, told_once
from pipeline.verdict import VOUCHED

if TYPE_CHECKING:
    from typing import TypeAlias

    from pipeline.report.domains import Owned
    from pipeline.report.plain.details import Detail
    from pipeline.report.plain.drafts import Counted, Draft
    from pipeline.report.plain.facts import Policy, When, Who

    Named: TypeAlias = tuple[int, Draft, list[str], list[str], tuple[str, ...]]
    """A draft whose recipient domains are known: its place, itself, for each policy the domain and how it is known, quirks."""

_OF_ONE_POLICY = ["policy"]
_NO_QUIRKS: tuple[str, ...] = ()


class PolicyColumns(NamedTuple):
    """The policies of a chunk, column by column."""

    indexes: Sequence[int] = ()
    policies: Sequence[Policy] = ()
    successes: Sequence[int] = ()
    failures: Sequence[int] = ()
    mentions: Sequence[int] = ()
    detail_counts: Sequence[int] = ()
    domains: Sequence[str] = ()
    sources: Sequence[str] = ()
    told: Sequence[Once] = ()
    """What each adds if two sides of its report tell of the same sessions."""


class ReportColumns(NamedTuple):
    """The reports of a chunk, column by column."""

    places: Sequence[int] = ()
    """Which drafts they are of."""
    containers: Sequence[str] = ()
    keys: Sequence[str] = ()
    identities: Sequence[str] = ()
    digests: Sequence[str] = ()
    domains: Sequence[tuple[str, ...]] = ()
    senders: Sequence[Who] = ()
    periods: Sequence[When] = ()
    ids: Sequence[str] = ()
    quirks: Sequence[tuple[str, ...]] = ()
    policy_counts: Sequence[int] = ()
    detail_counts: Sequence[int] = ()


class PlainReports(NamedTuple):
    """The plain reports of a chunk."""

    reports: ReportColumns
    policies: PolicyColumns
    details: list[Detail]


def read_reports(drafts: Sequence[Draft | None], own: Owned) -> PlainReports:
    """Make the reports of a chunk of its drafts; those that are not plain after all are left out."""
    return _columns([each for place, draft in enumerate(drafts) if draft is not None and (each := _named(place, draft, own)) is not None])


def _named(place: int, draft: Draft, own: Owned) -> Named | None:
    """Find the recipient domains of a draft; None where a policy has none, which the careful way refuses in its words."""
    policies = draft[4]
    if len(policies) == 1 and (only := policies[0][0].recipient) is not None:
        return place, draft, [only], _OF_ONE_POLICY, _NO_QUIRKS
    domains = [domain for policy in policies if (domain := policy[0].recipient) is not None]
    if len(domains) == len(policies):
        return place, draft, domains, _OF_ONE_POLICY * len(domains), _NO_QUIRKS
    found = report_domains(_as_report(policies), NO_ENVELOPE, VOUCHED, own)
    if isinstance(found, Rejected):
        return None
    quirks = tuple([quirk for domain in found for quirk in domain.quirks])
    return place, draft, [domain.domain for domain in found], [domain.source for domain in found], quirks


def _as_report(policies: list[Counted]) -> Report:
    return Report(None, None, "", EARLIEST, EARLIEST, "", "", tuple([policy[0].result for policy in policies]), (), (), 0, "")


def _columns(named: list[Named]) -> PlainReports:
    """Make digests and keys, and lay everything out in columns."""
    rows: list[tuple[Any, ...]] = []
    policy_rows: list[tuple[Any, ...]] = []
    details: list[Detail] = []
    domains: list[str] = []
    sources: list[str] = []
    told: list[Once] = []
    for place, draft, recipients, known_by, quirks in named:
        container, who, when, report_id, policies, sent = draft
        texts, found = read_policies(draft, policy_rows)
        details += sent
        domains += recipients
        sources += known_by
        told += _told(policies, recipients)
        keys = _keys(draft, recipients, texts)
        found += quirks + who.quirks + when.quirks
        rows.append(
            (place, container, *keys, who, when, report_id, tuple(sorted(set(found))) if found else found, len(policies), len(sent))
        )
    indexes, applied, successes, failures, mentions, counts = zip(*policy_rows, strict=True) if policy_rows else ((),) * 6
    return PlainReports(
        ReportColumns(*zip(*rows, strict=True)),
        PolicyColumns(indexes, applied, successes, failures, mentions, counts, domains, sources, told),
        details,
    )


def read_policies(draft: Draft, rows: list[tuple[Any, ...]]) -> tuple[list[str], tuple[str, ...]]:
    """Return the texts of the policies of a report for the digest, and the quirks of the policies.

    Args:
        draft: The report.
        rows: Gets a row for each policy: the first columns of `PolicyColumns`.
    """
    if draft[5]:
        return _with_details(draft, rows)
    texts = []
    quirks = _NO_QUIRKS
    for index, (policy, success, failure, _) in enumerate(draft[4]):
        if failure:
            quirks += ("failure_without_details",)
        if policy.quirks:
            quirks += policy.quirks
        texts.append(f"{policy.digest_head}{success},{failure}]")
        rows.append((index, policy, success, failure, 0, 0))
    return texts, quirks


def _with_details(draft: Draft, rows: list[tuple[Any, ...]]) -> tuple[list[str], tuple[str, ...]]:
    policies, details = draft[4], draft[5]
    parts = digest_parts(details)
    texts = []
    quirks = _NO_QUIRKS
    at = 0
    for index, (policy, success, failure, count) in enumerate(policies):
        until = at + count
        text = f"{policy.digest_head}{success},{failure}]"
        mentions = sum([detail[7] for detail in details[at:until]])
        if count:
            text = text + "\t[" + "]\t[".join(sorted(parts[at:until])) + "]"
        quirks += policy.quirks + _count_quirks(failure, mentions, explained=count > 0)
        texts.append(text)
        rows.append((index, policy, success, failure, mentions, count))
        at = until
    return texts, quirks


def content_digest(draft: Draft, texts: list[str]) -> str:
    """Return the content digest of a report from the texts of its policies."""
    _, who, when, report_id, _, _ = draft
    text = texts[0] if len(texts) == 1 else "\n".join(sorted(texts))
    return sha256(f'tlsrpt content 1\n{who.digest_head}"{report_id}",{when.digest_tail}\n{text}'.encode()).hexdigest()


def _keys(draft: Draft, named: list[str], texts: list[str]) -> tuple[str, str, str, tuple[str, ...]]:
    """Return key, identity, digest and domains: the same texts are hashed as by `report_key`, `identity_of` and `content_digest`."""
    _, who, when, report_id, _, _ = draft
    if len(named) == 1:
        domains: tuple[str, ...] = (named[0],)
        listed = f'"{named[0]}"'
    else:
        domains = tuple(sorted(set(named)))
        listed = orjson.dumps(domains)[1:-1].decode()
    digest = content_digest(draft, texts)
    identity = sha256(f'{who.identity_head}"{report_id}",{when.identity_part}[{listed}]]'.encode()).hexdigest()
    return sha256(f"tlsrpt key 1 {identity} vouched {digest}".encode()).hexdigest(), identity, digest, domains


def _told(policies: list[Counted], domains: list[str]) -> list[Once]:
    kinds = [policy[0].result.policy_type for policy in policies]
    if len(kinds) == 1 or "tlsa" not in kinds:
        return [ALONE] * len(policies)
    return told_once([Sent(domain, kind, each[1], each[2]) for domain, kind, each in zip(domains, kinds, policies, strict=True)])


def _count_quirks(failure: int, mentions: int, *, explained: bool) -> tuple[str, ...]:
    """Return what the careful way notes where details and summary disagree."""
    if not explained:
        return ("failure_without_details",) if failure else ()
    without = _NO_QUIRKS if failure else ("details_without_failure",)
    return without if mentions == failure else (*without, "count_mismatch")
