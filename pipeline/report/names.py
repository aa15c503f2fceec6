"""Domain names and addresses in one spelling each: lower-case A-labels without a final dot, canonical IP texts.

Names and addresses repeat over the failure details of a report and over the reports of a day, so the work is done once per spelling.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from typing import NamedTuple

from pipeline.report.parse_notes import clean_text

_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*", re.ASCII)
_NO_QUIRKS: tuple[str, ...] = ()
_HOST_CHARS = 253
_CACHED = 16_384


class Name(NamedTuple):
    """A host or domain name in its one spelling, and what was tolerated on the way."""

    text: str | None
    """None where nothing can be made of it."""
    quirks: tuple[str, ...]
    valid: bool
    """Whether it has the form of a domain name; where not, `text` is the text as sent, for people to look at."""


class Address(NamedTuple):
    """An IP address in canonical text, or the text that is none."""

    text: str | None
    raw: str | None
    quirks: tuple[str, ...]


@lru_cache(maxsize=_CACHED)
def domain_name(text: str) -> Name:
    """Return a domain name, or a wildcard pattern of one, in lower-case A-labels without a final dot (RFC 8460 §4.4, RFC 1035 §2.3.4).

    A name that is too long is dropped; one of another form than a domain name is kept as text, marked `host_invalid`.
    """
    shown = clean_text(text)
    quirks: tuple[str, ...] = _NO_QUIRKS if shown == text.strip() else ("control_chars",)
    name = shown.strip().rstrip(".").lower()
    if not name.isascii():
        name, more = _a_labels(name)
        quirks += more
    if not name:
        return Name(None, (*quirks, "empty_as_null"), valid=False)
    if len(name) > _HOST_CHARS:
        return Name(None, (*quirks, "host_invalid"), valid=False)
    if _HOST.fullmatch(name):
        return Name(name, quirks, valid=True)
    return Name(name, (*quirks, "host_invalid"), valid=False)


def _a_labels(name: str) -> tuple[str, tuple[str, ...]]:
    """Turn Unicode labels into A-labels (RFC 5890 §2.3.2.1); a name that has none comes back as it was."""
    try:
        return name.encode("idna").decode("ascii").lower(), ("idn_ulabel",)
    except UnicodeError:
        return name, _NO_QUIRKS


@lru_cache(maxsize=_CACHED)
def valid_domain(text: str | None) -> str | None:
    """Return the one spelling of a domain name, None for anything else (a wildcard is none). `text` is at most a few hundred characters."""
    if not text or len(text) > _HOST_CHARS + 1:
        return None
    name = domain_name(text)
    return name.text if name.valid and name.text is not None and not name.text.startswith("*") else None


@lru_cache(maxsize=_CACHED)
def ip_address(text: str) -> Address:
    """Return an address in canonical text (RFC 5952 for IPv6; an IPv4-mapped address as IPv4)."""
    stripped = text.strip()
    if not stripped:
        return Address(None, None, ("ip_empty",))
    try:
        if ":" not in stripped:
            return Address(socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, stripped)), None, _NO_QUIRKS)
        packed = socket.inet_pton(socket.AF_INET6, stripped)
    except (OSError, ValueError):
        return Address(None, clean_text(stripped) or None, ("ip_invalid",))
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        return Address(socket.inet_ntop(socket.AF_INET, packed[12:]), None, _NO_QUIRKS)
    return Address(socket.inet_ntop(socket.AF_INET6, packed), None, _NO_QUIRKS)


@lru_cache(maxsize=_CACHED)
def address_domain(text: str) -> str | None:
    """Return the domain of a mail address, bare or in angle brackets (RFC 5322 §3.4), None where there is none."""
    start, end = text.rfind("<"), text.rfind(">")
    address = text[start + 1 : end] if 0 <= start < end else text
    local, at, domain = address.strip().rpartition("@")
    return valid_domain(domain.partition("(")[0].strip()) if at and local else None
