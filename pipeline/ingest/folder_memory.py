"""What is remembered of each mailbox folder between runs, in the lake.

That is: since when `after` is set as it is, what is half moved, and until when to stay away. Kept as one small JSON
file beside the tables and written under the writer lock.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.mailbox.copy_note import Copying

if TYPE_CHECKING:
    from pipeline.lake.storage.location import Location

_PATH = "_state/folders.json"


class FolderMemory(NamedTuple):
    """One folder of one mailbox."""

    after: str = ""
    """The setting as it was at the last run."""
    since: datetime | None = None
    """Messages ingested from then on are treated by it; older ones were promised something else."""
    not_before: datetime | None = None
    """The server asked to be left alone until then."""
    stays: bool = False
    """It was said that mail stays, because the server can neither move nor delete it safely."""
    copying: Copying | None = None
    """Messages that are being moved by COPY and UID EXPUNGE."""


class CopyNotes:
    """The journal of one folder for mail that is moved by COPY: each note is written at once, for a killed run to be finished."""

    def __init__(self, location: Location, memories: dict[str, FolderMemory], folder: str) -> None:
        """Keep notes in `memories`.

        Args:
            location: The lake, locked for writing.
            memories: All that is remembered.
            folder: `account/folder`.
        """
        self._location = location
        self._memories = memories
        self._folder = folder

    def copying(self) -> Copying | None:
        """Return what was noted last."""
        return self._memories.get(self._folder, FolderMemory()).copying

    def note(self, copying: Copying | None) -> None:
        """Remember it; None: all of it is done."""
        self._memories[self._folder] = self._memories.get(self._folder, FolderMemory())._replace(copying=copying)
        save(self._location, self._memories)


def load(location: Location) -> dict[str, FolderMemory]:
    """Return what is remembered, by `account/folder`; nothing where the lake is new."""
    content = location.store.get(_PATH)
    if content is None:
        return {}
    return {
        key: FolderMemory(
            each["after"],
            _moment(each["since"]),
            _moment(each["not_before"]),
            stays=each.get("stays", False),
            copying=_copying(each.get("copying")),
        )
        for key, each in json.loads(content).items()
    }


def save(location: Location, memories: dict[str, FolderMemory]) -> None:
    """Remember."""
    told = {
        key: {
            "after": each.after,
            "since": _text(each.since),
            "not_before": _text(each.not_before),
            "stays": each.stays,
            "copying": each.copying,
        }
        for key, each in memories.items()
    }
    location.store.put(_PATH, json.dumps(told, indent=1, sort_keys=True).encode())


def _copying(noted: list[Any] | None) -> Copying | None:
    if noted is None:
        return None
    uidvalidity, uids, *target = noted
    return Copying(uidvalidity, tuple(uids), *target)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
