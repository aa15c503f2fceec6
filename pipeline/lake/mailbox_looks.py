"""Looks: when each mailbox was last looked into, with what success, as a note of the lake. Also a run that stored nothing leaves one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.lake.storage.notes import Note, open_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.lake.storage.location import Location

NAME = "looks"
VERSION = 1
KEPT = 1_000
"""Looks kept of each mailbox, the newest."""
MOST_WORDS = 300


class Look(NamedTuple):
    """One look of one run into one mailbox."""

    mailbox: str
    run_id: str
    began_at: datetime
    ended_at: datetime | None = None
    """None: it goes on, or was killed."""
    exit_code: int | None = None
    """What it would have ended the command with; 0: all was well. None as before."""
    error: str = ""
    """In one sentence."""
    messages: int = 0
    """Messages that were new."""


class Seen(NamedTuple):
    """What is known of one mailbox, however many looks ago it was."""

    mailbox: str
    first_try: datetime
    last_try: datetime
    last_success: datetime | None
    failing_since: datetime | None
    """The beginning of the first look that failed after the last success."""
    error: str
    """Of the last look that ended; empty where it was well."""


class Looks(NamedTuple):
    """The note."""

    seen: tuple[Seen, ...] = ()
    """One for each mailbox ever looked into; none in a lake older than this note."""
    looks: tuple[Look, ...] = ()
    """Oldest first."""
    own: tuple[tuple[str, date], ...] = ()
    """The domains of ours, and since when runs have known of each (UTC)."""


def begin(location: Location, mailboxes: Iterable[str], run_id: str, now: datetime, own: Sequence[str] = ()) -> None:
    """Write that a run is about to look into these mailboxes, for reports about these domains of ours.

    Args:
        location: Where the lake lies.
        mailboxes: Their names; none where files are imported.
        run_id: Names the run: `end` replaces what was written here under it.
        now: When the run began, aware.
        own: The domains of ours; they replace those of the note, each with the day since which runs have known of it.

    Raises:
        LakeError: The note cannot be read or written.
        TryAgainError: Another process holds it.
    """
    with open_note(location, NAME) as note:
        before = _of(note)
        looks = with_looks(before, [Look(name, run_id, now) for name in mailboxes])
        since = dict(before.own)
        # A note of an earlier version names no domain: they have been waited for since the first look.
        new = now.date() if since else min((each.first_try.date() for each in before.seen), default=now.date())
        looks = looks._replace(own=tuple((name, since.get(name, new)) for name in sorted(own)))
        if looks != before:
            _write(note, looks)


def end(location: Location, ended: Sequence[Look]) -> None:
    """Write how the looks ended that `begin` wrote.

    Raises:
        LakeError: The note cannot be read or written.
        TryAgainError: Another process holds it.
    """
    with open_note(location, NAME) as note:
        _write(note, with_looks(_of(note), ended))


def read_looks(location: Location) -> Looks:
    """Return the looks; takes no lock, and is empty where nobody has left any.

    Raises:
        LakeError: The note cannot be read.
    """
    return _of(Note(location, NAME))


def with_looks(before: Looks, more: Sequence[Look]) -> Looks:
    """Return the note with these looks; one of the same run and mailbox is replaced."""
    names = {(look.mailbox, look.run_id) for look in more}
    looks = [*(look for look in before.looks if (look.mailbox, look.run_id) not in names), *more]
    count: dict[str, int] = {}
    kept = []
    for look in reversed(looks):
        count[look.mailbox] = count.get(look.mailbox, 0) + 1
        if count[look.mailbox] <= KEPT:
            kept.append(look)
    seen = {each.mailbox: each for each in before.seen}
    for look in more:
        seen[look.mailbox] = _after(seen.get(look.mailbox), look)
    return before._replace(seen=tuple(seen[name] for name in sorted(seen)), looks=tuple(reversed(kept)))


def _after(seen: Seen | None, look: Look) -> Seen:
    if seen is None:
        seen = Seen(look.mailbox, look.began_at, look.began_at, None, None, "")
    seen = seen._replace(last_try=max(seen.last_try, look.began_at))
    if look.ended_at is None:
        return seen
    if look.exit_code == 0:
        return seen._replace(last_success=look.ended_at, failing_since=None, error="")
    return seen._replace(failing_since=seen.failing_since or look.began_at, error=look.error[:MOST_WORDS])


def to_plain(looks: Looks) -> dict[str, Any]:
    """Return the note as plain values, for JSON."""
    return {
        "version": VERSION,
        "seen": [_plain(each) for each in looks.seen],
        "looks": [_plain(look) for look in looks.looks],
        "own": {name: since.isoformat() for name, since in looks.own},
    }


def from_plain(plain: dict[str, Any] | None) -> Looks:
    """Return the note from plain values.

    Raises:
        ValueError: They are none that this version knows.
    """
    if plain is None:
        return Looks()
    if plain.get("version") != VERSION:
        raise ValueError(f"it has version {plain.get('version')}; this program reads version {VERSION}")
    try:
        return Looks(
            tuple(Seen(**_moments(each)) for each in plain["seen"]),
            tuple(Look(**_moments(each)) for each in plain["looks"]),
            tuple((name, date.fromisoformat(since)) for name, since in plain.get("own", {}).items()),
        )
    except (KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"not a list of looks: {err}") from err


def _of(note: Note) -> Looks:
    try:
        return from_plain(note.read())
    except ValueError as err:
        raise note.damaged(str(err)) from err


def _write(note: Note, looks: Looks) -> None:
    note.write(to_plain(looks))


_MOMENTS = frozenset({"began_at", "ended_at", "first_try", "last_try", "last_success", "failing_since"})


def _plain(each: Look | Seen) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in each._asdict().items()}


def _moments(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value).astimezone(UTC) if name in _MOMENTS and value else value for name, value in plain.items()}
