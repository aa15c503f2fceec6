"""Words and signs for verdicts, faults and states: a sign beside every colour; red and orange mark what we have to mend ourselves."""

from __future__ import annotations

from typing import Literal, NamedTuple

Colour = Literal["red", "orange", "blue", "green", "gray"]


class Sign(NamedTuple):
    """How something is called on the page."""

    short: str
    words: str
    colour: Colour


VERDICTS = {
    "ready": Sign("✓ ready", "Ready: mode enforce may be published", "green"),
    "not-ready": Sign("✕ not ready", "Not ready: enforce would refuse mail", "orange"),
    "not-enough-evidence": Sign("… not known yet", "Not enough evidence yet", "gray"),
    "already-enforcing": Sign("● enforcing", "Enforcing already", "blue"),
    "no-policy": Sign("– no policy", "There is no MTA-STS policy to enforce", "gray"),
}
FAULTS = {
    "ours": Sign("● ours", "The fault is ours", "red"),
    "sender": Sign("→ the sender's", "The fault is the sender's", "gray"),
    "path": Sign("⇢ on the path", "The fault is on the path between sender and host", "gray"),
    "unknown": Sign("? unknown", "Whose fault it is cannot be determined", "gray"),
}
STATES = {
    "open": Sign("● open", "Still failing", "blue"),
    "resolved": Sign("✓ over", "Over", "green"),
    "unconfirmed": Sign("… unconfirmed", "Too few sessions since to tell", "gray"),
}
SEVERITIES = {
    "error": Sign("✕ error", "Mail or reports suffer from it", "red"),
    "warn": Sign("! warning", "Mail or reports will suffer from it, or might", "orange"),
    "unknown": Sign("? not checked", "It could not be checked, which proves nothing", "gray"),
    "ok": Sign("✓ passed", "All is well", "green"),
}
COVERAGE = {
    "reporting": "✓ reporting",
    "silent": "✕ silent",
    "rare": "… rare",
    "inactive": "– inactive",
    "new": "+ new",
    "failures-only": "… failures only",
    "ingest-outage": "! all silent",
    "waiting": "… no report yet",
    "never": "– no report ever",
}
