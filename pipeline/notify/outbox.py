"""The outbox: what is to be sent over each channel, written before it is sent and marked after, so that a kill loses nothing.

At least once: a process that dies between sending and marking leaves the entry claimed; when the claim has run out, the same message goes
out again with the same key, by which a receiver can drop it. Everything here is a pure function over plain values;
`pipeline.notify.notifier` reads and writes them as a note of the lake.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.insight import told_incidents
from pipeline.notify import notice as notices
from pipeline.notify.notice import speaks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.insight.told_incidents import Told
    from pipeline.notify.notice import Notice

VERSION = 1
CLAIM = timedelta(minutes=5)
"""How long a process may take to send an entry before another takes it over."""
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
SENT_KEPT = 500
"""Sent entries kept for the page and the digest, newest last."""


class Memory(NamedTuple):
    """What one channel knows. Losing it costs a summary, never a number."""

    incidents: tuple[Told, ...]
    states: Mapping[str, str]
    """By matter, such as `ingest:rua`, the state that was told last; what is well is not in it."""


class Entry(NamedTuple):
    """The events of one run for one channel: one message."""

    events: tuple[Notice, ...]
    created: datetime
    claimed_until: datetime | None = None
    tries: int = 0
    next_try: datetime | None = None
    error: str = ""
    sent: datetime | None = None

    @property
    def id(self) -> str:
        """The key of its events, together: what names the entry from one look at the outbox to the next."""
        return "-".join(sorted(event.key[:12] for event in self.events))


class Box(NamedTuple):
    """The outbox of one channel."""

    memory: Memory | None = None
    """None: this channel was never told anything; its first message is a summary."""
    pending: tuple[Entry, ...] = ()
    sent: tuple[Entry, ...] = ()

    @property
    def failing_since(self) -> datetime | None:
        """When the oldest entry that could not be sent was made."""
        return min((entry.created for entry in self.pending if entry.tries), default=None)


def queue(box: Box, found: Sequence[Notice], memory: Memory, now: datetime) -> Box:
    """Return the box with an entry for these events; of what is pending or was sent before, nothing is queued again.

    Args:
        box: The outbox of the channel.
        found: The events; where all are known, or there are none, no entry is made.
        memory: What the channel knows with these events; takes the place of what it knew.
        now: The moment, aware.
    """
    held = {event.key for entry in (*box.pending, *box.sent) for event in entry.events}
    fresh = tuple(event for event in found if event.key not in held)
    return box._replace(memory=memory, pending=(*box.pending, Entry(fresh, now)) if fresh else box.pending)


def claim(box: Box, now: datetime) -> tuple[Box, list[Entry]]:
    """Take what is due: not claimed by a living process, and past its pause."""
    due = [
        entry
        for entry in box.pending
        if (entry.claimed_until is None or entry.claimed_until <= now) and (entry.next_try is None or entry.next_try <= now)
    ]
    claimed = {entry.id for entry in due}
    return (
        box._replace(pending=tuple(entry._replace(claimed_until=now + CLAIM) if entry.id in claimed else entry for entry in box.pending)),
        due,
    )


def mark_sent(box: Box, entry_id: str, now: datetime) -> Box:
    """Return the box after an entry was delivered.

    Args:
        box: The outbox of the channel.
        entry_id: `Entry.id`; one that is not pending changes nothing.
        now: The moment, aware.
    """
    done = [entry._replace(sent=now, claimed_until=None, next_try=None, error="") for entry in box.pending if entry.id == entry_id]
    return box._replace(pending=tuple(entry for entry in box.pending if entry.id != entry_id), sent=(*box.sent, *done)[-SENT_KEPT:])


def queue_claimed(box: Box, event: Notice, now: datetime) -> tuple[Box, Entry]:
    """Return the box with an entry that is about to be sent by whoever asks, and the entry.

    Args:
        box: The outbox of the channel.
        event: What is to be sent.
        now: The moment, aware; the claim ends `CLAIM` later.
    """
    entry = Entry((event,), now, claimed_until=now + CLAIM)
    return box._replace(pending=(*box.pending, entry)), entry


def mark_failed(box: Box, entry_id: str, error: str, now: datetime) -> Box:
    """Return the box after a try that failed: the next is a minute later, then twice as long each time, at most six hours.

    Args:
        box: The outbox of the channel.
        entry_id: `Entry.id`; one that is not pending changes nothing.
        error: Why, in a sentence; kept up to 300 characters.
        now: The moment, aware; the pause is counted from it.
    """

    def failed(entry: Entry) -> Entry:
        pause = min(_FIRST_PAUSE * 2 ** min(entry.tries, 16), _LONGEST_PAUSE)
        return entry._replace(claimed_until=None, tries=entry.tries + 1, next_try=now + pause, error=error[:300])

    return box._replace(pending=tuple(failed(entry) if entry.id == entry_id else entry for entry in box.pending))


def without_domain(box: Box, domain: str) -> Box:
    """Return the box without a domain whose data is erased: its events, its incidents and its states."""

    def kept(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        left = (entry._replace(events=tuple(one for one in entry.events if not _speaks_of(one, domain))) for entry in entries)
        return tuple(entry for entry in left if entry.events)

    memory = box.memory and box.memory._replace(
        incidents=tuple(one for one in box.memory.incidents if one.domain != domain),
        states={matter: state for matter, state in box.memory.states.items() if not speaks_of(matter, domain)},
    )
    return Box(memory, kept(box.pending), kept(box.sent))


def _speaks_of(notice: Notice, domain: str) -> bool:
    """Say whether a notice names a domain, be it as a host below it."""
    words = f"{notice.lineage} {notice.title} {notice.what} {notice.step} {notice.path}"
    return domain in notice.domains or speaks_of(words, domain)


def to_plain(boxes: dict[str, Box]) -> dict[str, object]:
    """Return all boxes as plain values, for JSON."""
    return {
        "version": VERSION,
        "channels": {
            name: {
                "memory": None if box.memory is None else _memory_plain(box.memory),
                "pending": [_entry_plain(entry) for entry in box.pending],
                "sent": [_entry_plain(entry) for entry in box.sent],
            }
            for name, box in sorted(boxes.items())
        },
    }


def from_plain(plain: dict[str, Any] | None) -> dict[str, Box]:
    """Return the boxes from plain values; there is none where there is no note.

    Raises:
        ValueError: They are not an outbox this version knows.
    """
    if plain is None:
        return {}
    if plain.get("version") != VERSION:
        raise ValueError(f"it has version {plain.get('version')}; this program reads version {VERSION}")
    try:
        return {
            name: Box(
                None if box["memory"] is None else _memory_of(box["memory"]),
                tuple(_entry_of(entry) for entry in box["pending"]),
                tuple(_entry_of(entry) for entry in box["sent"]),
            )
            for name, box in plain["channels"].items()
        }
    except (KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"not an outbox: {err}") from err


def _memory_plain(memory: Memory) -> dict[str, object]:
    """Return a memory as plain values, for JSON."""
    return {"incidents": told_incidents.to_plain(memory.incidents), "states": dict(sorted(memory.states.items()))}


def _memory_of(plain: dict[str, Any]) -> Memory:
    """Return a memory from plain values.

    Raises:
        ValueError: They are not those of a memory this version knows.
    """
    try:
        states = {str(matter): str(state) for matter, state in plain["states"].items()}
        return Memory(tuple(told_incidents.from_plain(plain["incidents"])), states)
    except (KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"not a memory of notices: {err}") from err


_MOMENTS = ("created", "claimed_until", "next_try", "sent")


def _entry_plain(entry: Entry) -> dict[str, object]:
    plain = entry._asdict()
    moments = {name: plain[name] and plain[name].isoformat() for name in _MOMENTS}
    return {**plain, **moments, "events": [notices.to_plain(event) for event in entry.events]}


def _entry_of(plain: dict[str, Any]) -> Entry:
    moments = {name: plain[name] and datetime.fromisoformat(plain[name]) for name in _MOMENTS}
    return Entry(**{**plain, **moments, "events": tuple(notices.from_plain(event) for event in plain["events"])})
