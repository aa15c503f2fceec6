"""Why somebody went against a verdict (`--despite`): a note of the lake, so that it can be read later, beside what happened. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

NOTE = "reasons"
VERSION = 1


class Reason(NamedTuple):
    """One step taken against what the program advised."""

    at: datetime
    domain: str
    what: str
    """The step: `mode enforce`."""
    against: tuple[str, ...]
    """What spoke against it."""
    reason: str
    by: str
    """Who, as the system names them."""


def from_plain(note: dict[str, Any] | None) -> list[Reason]:
    """Return the reasons of a note, the oldest first.

    Raises:
        ValueError: It is no such note.
    """
    if note is None:
        return []
    if note.get("version") != VERSION:
        raise ValueError(f"version {note.get('version')!r}")
    return [
        Reason(
            datetime.fromisoformat(each["at"]),
            str(each["domain"]),
            str(each["what"]),
            tuple(each["against"]),
            str(each["reason"]),
            str(each["by"]),
        )
        for each in note["reasons"]
    ]


def to_plain(reasons: list[Reason]) -> dict[str, object]:
    """Return the note."""
    return {"version": VERSION, "reasons": [{**each._asdict(), "at": each.at.isoformat(timespec="seconds")} for each in reasons]}
