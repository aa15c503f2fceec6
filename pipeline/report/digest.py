"""The digest of a report's normalised content: the same for the same report however it was packed, ordered or spelt.

Policies and failure details are a set in all but name (RFC 8460 §4.4 gives their order no meaning, and senders read them out of databases),
so their order does not count. Quirks do not count either. The digest is kept in lakes for years: it is made of JSON texts, not of a
representation that another version of Python could change.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import orjson

from pipeline.report.model import PolicyResult

_VERSION = b"tlsrpt content 1"


def content_digest(
    organization: str | None,
    contact: str | None,
    report_id: str,
    start: datetime,
    end: datetime,
    policies: tuple[PolicyResult, ...],
) -> str:
    """Return the digest as 64 hex digits. JSON texts have no raw control characters, so line feeds and tabs separate without doubt."""
    parts = [_policy_bytes(policy) for policy in policies]
    if len(parts) > 1:
        parts.sort()
    head = orjson.dumps((organization, contact, report_id, int(start.timestamp()), int(end.timestamp())))
    return sha256(b"\n".join((_VERSION, head, *parts))).hexdigest()


def _policy_bytes(policy: PolicyResult) -> bytes:
    head = orjson.dumps((policy.policy_type, *policy[2:7]))
    if not policy.failures:
        return head
    details = [orjson.dumps((detail[0], *detail[2:])) for detail in policy.failures]
    if len(details) > 1:
        details.sort()
    return b"\t".join((head, *details))
