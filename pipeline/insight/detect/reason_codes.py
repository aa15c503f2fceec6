"""What senders write into failure-reason-code, as far as it tells the cause (RFC 8460 §4.4: free text, no registry).

The wordings are in `pipeline.insight.wordings`. Google sends none. A text in which no wording occurs decides nothing, and is shown as sent.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.insight.wordings import cause_in

_WORD_IN_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")

# Texts that say that no certificate was judged; they take the word back that a result type such as certificate-not-trusted gave.
_BROKE_OFF = (
    "handshake",
    "fatal-alert",
    "remote-alert",
    "server-alert",
    "remote-error",
    "timeout",
    "timed-out",
    "connection",
    "eof",
    "protocol-version",
)

_HANDSHAKE: tuple[tuple[str, str], ...] = (
    ("alert-70", "no TLS version in common: the sender requires one that your server has disabled, or the reverse"),
    ("protocol-version", "no TLS version in common"),
    ("alert-40", "no cipher, curve or signature algorithm in common, or your server aborted the handshake"),
    (
        "handshake-failure",
        "the TLS handshake ended before the certificate was checked: no version or cipher in common, or the connection was dropped",
    ),
    ("timeout", "the TLS handshake did not finish in time: an overloaded server, or a firewall or proxy that drops packets"),
    ("connection", "the connection was dropped during the TLS handshake"),
    ("tls-remote-alert", "your server aborted the TLS handshake with an alert; see its log of that time"),
    ("tls-local", "the sender aborted the TLS handshake"),
    ("421", "your server rejected the sender with a temporary error before TLS"),
)


@lru_cache(maxsize=4096)
def fold(reason: str | None) -> str:
    """Return the reason in lower case with one hyphen for each run of other signs; empty for None."""
    return _NOT_A_WORD.sub("-", _WORD_IN_CAMEL_CASE.sub("-", reason or "").lower()).strip("-")


@lru_cache(maxsize=4096)
def cause_from_reason(reason: str | None) -> str | None:
    """Return the cause that a reason code names, or None where it names none."""
    folded = fold(reason)
    return cause_in(folded) if folded else None


def says_broken_off(reason: str | None) -> bool:
    """Say whether the reason speaks of a handshake that broke off, and names no cause."""
    folded = fold(reason)
    judged = "certificate-verif" in folded
    return cause_from_reason(reason) is None and not judged and any(fragment in folded for fragment in _BROKE_OFF)


def handshake_hint(reason: str | None) -> str | None:
    """Return in words what a reason code says on a handshake that failed for no cause of our list, or None."""
    folded = fold(reason)
    return next((words for fragment, words in _HANDSHAKE if fragment in folded), None) if folded else None
