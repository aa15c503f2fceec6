"""Who reports, and which reports are the same: identity and report key.

Ids of reports are predictable and repeat over reporters, so an id alone is nothing. The identity is made of organisational domain, id,
reporting period and report domains; the report key adds the trust tier and the content, so that a forged report can never stand in the
place of the real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
from publicsuffixlist import PublicSuffixList

from pipeline.report.json.moments import seconds
from pipeline.report.names import address_domain, valid_domain

if TYPE_CHECKING:
    from pipeline.message.verdict import Verdict
    from pipeline.report.model import Envelope, ParsedReport

UNKNOWN_SUBMITTER = "unknown"
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")
_SLUG_CHARS = 63


@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    """The list that comes with the package; reading it takes some 50 ms, once per process."""
    return PublicSuffixList()


@lru_cache(maxsize=16_384)
def organisational_domain(name: str) -> str:
    """Return the organisational domain of a name (RFC 7489 §3.2): public suffix and one label; the name itself where it has none."""
    return _public_suffixes().privatesuffix(name) or name


def submitter_of(report: ParsedReport, envelope: Envelope, verdict: Verdict) -> tuple[str, str]:
    """Return who reports and how that is known: dkim, authres, contact, from, header or organization.

    Only the first two are proved; the others are claims, in the order in which they are usually right.

    Args:
        report: Names a contact and an organisation, either of which may lie.
        envelope: Of the mail it came in.
        verdict: What authentication says of it.
    """
    if verdict.authenticated_domain:
        return verdict.authenticated_domain, "authres" if verdict.auth_method == "authres" else "dkim"
    contact = address_domain(report.contact_info) if report.contact_info else None
    if contact is not None:
        return contact, "contact"
    if envelope.from_domain is not None:
        return envelope.from_domain, "from"
    header = valid_domain(envelope.tls_report_submitter)
    if header is not None:
        return header, "header"
    named = valid_domain(report.organization_name)
    if named is not None and "." in named:
        # Stalwart gives its host name
        return named, "organization"
    slug = _NOT_IN_A_SLUG.sub("-", (report.organization_name or "").lower()).strip("-")[:_SLUG_CHARS]
    return slug or UNKNOWN_SUBMITTER, "organization"


def identity_of(report: ParsedReport, submitter: str, report_domains: Iterable[str]) -> str:
    """Return the identity, as 64 hex digits: the same for every copy of a report, however it came.

    Args:
        report: Its contact, id and period are part of it.
        submitter: Who reports, used where contact-info names no domain.
        report_domains: The report domains of its policies.
    """
    contact = address_domain(report.contact_info) if report.contact_info else None
    domains = sorted(set(report_domains))
    start, end = seconds(report.window_start), seconds(report.window_end)
    parts = ("tlsrpt identity 1", organisational_domain(contact or submitter), report.report_id, start, end, domains)
    return sha256(orjson.dumps(parts)).hexdigest()


def report_key(identity: str, tier: str, content_sha256: str) -> str:
    """Return the key of a report, as 64 hex digits.

    Args:
        identity: What `identity_of` returns.
        tier: The trust tier of the verdict.
        content_sha256: Digest of the normalised content of the report, as 64 hex digits.
    """
    return sha256(f"tlsrpt key 1 {identity} {tier} {content_sha256}".encode("ascii")).hexdigest()
