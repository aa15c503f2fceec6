"""Small notes a reader leaves in the lake, such as what was told last: one JSON file each, replaced as a whole, one process at a time.

They are not tables: losing one costs a repetition, never a number.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import LakeError
from pipeline.lake.storage.near import refuse_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.lake.storage.location import Location

FOLDER = "_notes"
_Values = TypeVar("_Values")


class Note:
    """One note, while its lock is held."""

    def __init__(self, location: Location, name: str) -> None:
        self._location, self._path = location, f"{FOLDER}/{name}.json"

    def read(self) -> dict[str, Any] | None:
        """Return the note, or None where there is none.

        Raises:
            LakeError: It cannot be read; the sentence says what to do.
        """
        with self._location.errors("read"):
            content = self._location.store.get(self._path)
        if content is None:
            return None
        try:
            note = json.loads(content)
        except ValueError as err:
            raise self.damaged(str(err)) from err
        if not isinstance(note, dict):
            raise self.damaged("no JSON object")
        return note

    def understood(self, from_plain: Callable[[dict[str, Any] | None], _Values]) -> _Values:
        """Return what `from_plain` makes of the note, or of None where there is none.

        Raises:
            LakeError: It cannot be read, or `from_plain` can make nothing of it.
        """
        plain = self.read()
        try:
            return from_plain(plain)
        except (ValueError, KeyError, TypeError) as err:
            raise self.damaged(str(err)) from err

    def damaged(self, why: str) -> LakeError:
        """Return the error for a note that cannot be used."""
        return LakeError(
            f"the note {self._location.uri_of(self._path)} cannot be used ({why}); remove it; all incidents will be reported again"
        )

    def write(self, note: dict[str, Any]) -> None:
        """Replace the note.

        Raises:
            LakeError: It cannot be written.
        """
        with self._location.errors("write"):
            self._location.store.put(self._path, json.dumps(note, indent=1, sort_keys=True).encode())


@contextmanager
def open_note(location: Location, name: str) -> Iterator[Note]:
    """Hold a note for reading and writing; writers of the lake are not held up.

    Args:
        location: Where the lake lies.
        name: A name of ours, never out of a report.

    Raises:
        InputError: There is no lake.
        TryAgainError: Another process holds a note.
        LakeError: The folder cannot be made.
    """
    refuse_missing(location)
    with location.notes_lock(FOLDER):
        yield Note(location, name)
