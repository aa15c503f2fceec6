"""The audit: who signed in, was refused, exported, muted, or looked at what a sender wrote; a note of the lake, where there are groups.

A line that cannot be written into the lake (it is read-only, or busy for long) goes to the log: what is done is never held up by it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline import log
from pipeline.errors import TlsrptError, TryAgainError
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.notes import Note, open_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.config import Settings
    from pipeline.lake.storage.location import Location

NAME = "audit"
VERSION = 1
KEPT = 10_000
"""Lines kept. Whoever has most of them loses the oldest of theirs: who signs in again and again pushes out nobody else's."""
REFUSALS_KEPT = 1_000
"""So many of them are refusals at most: whoever has an account at the provider may cause one, and pushes no other line out with it."""
Act = Literal["sign-in", "refusal", "export", "mute", "unmute", "raw-view"]
ERASED = "(erased)"
_MOST_WORDS = 300
_TRIES, _PAUSE_SECONDS = 20, 0.1
_writing = threading.Lock()


class AuditLine(NamedTuple):
    """One thing somebody did."""

    at: datetime
    act: str
    who: str
    """The address of the sign-in, or the user of the command line."""
    groups: tuple[str, ...]
    """As whose reader; none: as operator, or refused."""
    what: str
    """Of what: a domain, a report, a file, a fault."""


def audit(settings: Settings, act: Act, who: str, *, what: str = "", now: datetime | None = None) -> None:
    """Write a line, where there are groups.

    Args:
        settings: Whose lake, and as whose reader.
        act: What was done.
        who: By whom; as a provider or the system says it.
        what: What it was done to: a domain, a fault, a mail; may be empty.
        now: The moment, aware; the clock where it is not given.
    """
    if not settings.group and settings.audience is None:
        return
    groups = settings.audience.groups if settings.audience is not None else ()
    line = AuditLine(now or datetime.now(UTC), act, who[:_MOST_WORDS], groups, what[:_MOST_WORDS])
    try:
        _append(configured_location(settings.lake), line)
    except TlsrptError as err:
        log.warning("audit", act=act, who=line.who, groups=" ".join(groups), what=line.what, not_written=str(err))


def _append(location: Location, line: AuditLine) -> None:
    for tries in range(_TRIES):
        try:
            with _writing, open_note(location, NAME) as note:
                note.write(to_plain(newest([*note.understood(from_plain), line])))
                return
        except TryAgainError:
            if tries == _TRIES - 1:
                raise
            time.sleep(_PAUSE_SECONDS)


def audited(location: Location) -> list[AuditLine]:
    """Return the lines, oldest first; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return Note(location, NAME).understood(from_plain)


def newest(lines: Sequence[AuditLine]) -> list[AuditLine]:
    """Return the lines that are kept, oldest first."""
    too_many = sum(line.act == "refusal" for line in lines) - REFUSALS_KEPT
    kept = []
    for line in lines:
        if line.act == "refusal" and too_many > 0:
            too_many -= 1
        else:
            kept.append(line)
    while len(kept) > KEPT:
        [(busiest, _)] = Counter(line.who for line in kept).most_common(1)
        kept.pop(next(place for place, line in enumerate(kept) if line.who == busiest))
    return kept


def without_domain(lines: Iterable[AuditLine], domain: str) -> list[AuditLine]:
    """Return the lines without a domain that was erased, nor an address at it: that something was done stays."""
    from pipeline.lake.delta.row_masks import pattern_of  # loads Arrow, which whoever writes a line does not need

    named = re.compile(pattern_of(domain))
    erased = [line._replace(what=ERASED) if named.search(line.what) else line for line in lines]
    return [line._replace(who=ERASED) if line.who.lower().rpartition("@")[2] == domain else line for line in erased]


def to_plain(lines: Sequence[AuditLine]) -> dict[str, object]:
    """Return the note as JSON."""
    return {"version": VERSION, "lines": [{**line._asdict(), "at": line.at.isoformat(), "groups": list(line.groups)} for line in lines]}


def from_plain(plain: dict[str, Any] | None) -> list[AuditLine]:
    """Read the note.

    Raises:
        ValueError: It is of a newer version, or damaged.
    """
    if plain is None:
        return []
    if plain["version"] != VERSION:
        raise ValueError(f"it is of version {plain['version']}")
    read = plain["lines"]
    return [AuditLine(datetime.fromisoformat(one["at"]), one["act"], one["who"], tuple(one["groups"]), one["what"]) for one in read]
