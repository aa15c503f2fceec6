"""Which messages `after` applies to: from the outcome of a message to the group that the settings speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.settings.mailbox_tables import MailboxSettings

_GROUPS = {
    "stored": "processed",
    "conflict": "processed",
    "duplicate": "processed",
    "expired": "processed",
    "erased": "processed",
    "quarantined": "quarantined",
    "too_large": "quarantined",
    "not_tlsrpt": "other",
}
"""Outcome → the group the settings speak of. What is too large was not read, so that nobody knows what it is."""


def outcome_group(outcome: str) -> str:
    """Return the group of an outcome; empty for what is left alone whatever the settings say, as `pending`."""
    return _GROUPS.get(outcome, "")


def groups_touched(settings: MailboxSettings) -> dict[str, str]:
    """Return the groups that `after` applies to, each with the folder it moves to (empty unless `after = "move"`)."""
    if settings.after == "keep":
        return {}
    if settings.after == "move":
        return {group: folder for group, folder in settings.move_to if folder}
    wanted = {"processed": True, "quarantined": settings.touch_quarantined, "other": settings.touch_other}
    return {group: "" for group, touched in wanted.items() if touched}
