"""The tags of a DKIM-Signature field (RFC 6376 §3.5), read and not yet believed."""

from __future__ import annotations

from dkim.util import parse_tag_value

from pipeline.trust.key_lookup import is_host_name

MAXIMUM_FIELD_BYTES = 8 * 1024
"""A signature field with a 4096 bit key and fifty signed headers has about two thousand."""


def tags_of(value: bytes) -> dict[bytes, bytes]:
    """Return the tags of a signature field; none where they cannot be read."""
    if len(value) > MAXIMUM_FIELD_BYTES:
        return {}
    try:
        tags: dict[bytes, bytes] = parse_tag_value(value)
    except Exception:  # noqa: BLE001 -- dkimpy raises what it stumbles on
        return {}
    return tags


def tag_text(tags: dict[bytes, bytes], name: bytes) -> str | None:
    """Return a tag that is a domain name or a selector, lower-case; None for anything else."""
    text = tags.get(name, b"").decode("ascii", "replace")
    return text.lower() if is_host_name(text) else None


def signed_names(tags: dict[bytes, bytes]) -> list[bytes]:
    """Return the names of h=, lower-case, in order."""
    return [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
