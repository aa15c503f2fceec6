"""The digest of a report's normalised content: the same for the same report however it was packed, ordered or spelt.

Policies and failure details are a set in all but name (RFC 8460 §4.4 gives their order no meaning, and senders read them out of databases),
so their order does not count. Quirks do not count either. The digest is kept in lakes for years: it is made of JSON texts, not of a
representation that another version of Python could change.
"""

from __future__ import annotations

from hashlib import sha256

import orjson

from pipeline.report.model import PolicyResult

_VERSION = b"tlsrpt content 1"


def content_digest(head: tuple[str | int | None, ...], policies: tuple[PolicyResult, ...]) -> str:
    """Return the digest as 64 hex digits.

    Args:
        head: What the report says on top: organization, contact, id, start and end in seconds.
        policies: In any order; the digest is that of all orders.

    JSON texts have no raw control characters, so line feeds and tabs separate without doubt.
    """
    parts = [_policy_bytes(policy) for policy in policies]
    if len(parts) > 1:
        parts.sort()
    return sha256(b"\n".join((_VERSION, orjson.dumps(head), *parts))).hexdigest()


def _policy_bytes(policy: PolicyResult) -> bytes:
    head = orjson.dumps((policy.policy_type, *policy[2:7]))
    if not policy.failures:
        return head
    # as sent in other letters (result_type_raw) is the same
    plain = [(detail[0], *detail[2:]) for detail in policy.failures]
    if len(plain) == 1:
        return head + b"\t" + orjson.dumps(plain[0])
    # one call for all is ten times as fast as one for each; a text that looks like the seam between two makes too many pieces
    details = orjson.dumps(plain)[1:-1].replace(b"],[", b"]\t[").split(b"\t")
    if len(details) != len(plain):
        details = [orjson.dumps(detail) for detail in plain]
    details.sort()
    return b"\t".join((head, *details))
