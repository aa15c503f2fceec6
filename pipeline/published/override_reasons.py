"""Why somebody went against a verdict (`--despite`): a note of the lake, so that it can be read later, beside what happened."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.lake.storage.notes import Note, open_note

if TYPE_CHECKING:
    from pipeline.lake.storage.location import Location

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


def reasons_of(location: Location) -> list[Reason]:
    """Return the reasons that were given, the oldest first; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return Note(location, NOTE).understood(_from_plain)


def keep_reason(location: Location, reason: Reason) -> None:
    """Add a reason to the note.

    Raises:
        LakeError: The note cannot be read or written.
        TryAgainError: Another process holds it.
    """
    with open_note(location, NOTE) as note:
        note.write(_to_plain([*note.understood(_from_plain), reason]))


def without_domain(note: dict[str, Any], domain: str) -> dict[str, object]:
    """Return the note without the reasons given for a domain that is erased.

    Raises:
        ValueError: It is no such note.
    """
    return _to_plain([each for each in _from_plain(note) if each.domain != domain])


def _from_plain(note: dict[str, Any] | None) -> list[Reason]:
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


def _to_plain(reasons: list[Reason]) -> dict[str, object]:
    return {"version": VERSION, "reasons": [{**each._asdict(), "at": each.at.isoformat(timespec="seconds")} for each in reasons]}
