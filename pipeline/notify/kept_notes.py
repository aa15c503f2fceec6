"""What the notifier keeps in notes of the lake, the outbox of each channel and the mutes: read without a lock, or held to be changed.

Erasure of a domain reaches them, and the other notes that speak of domains.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline import log
from pipeline.insight import told_incidents
from pipeline.insight.phrases import count_of
from pipeline.lake.storage.notes import Note, open_note
from pipeline.notify import audit, outbox
from pipeline.notify import mutes as muting
from pipeline.notify.outbox import Box
from pipeline.published import override_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from pipeline.lake.storage.location import Location
    from pipeline.notify.mutes import Mute
    from pipeline.notify.observed import Observed
    from pipeline.settings.notice_tables import NotifySettings

OUTBOX, MUTES = "outbox", "mutes"
FORMER = "told"
"""The note in which earlier versions remembered what `incidents --new-since-last` told; read where the outbox knows nothing yet."""


class ChannelState(NamedTuple):
    """One channel, configured or not: what it was told stays in its outbox."""

    channel: str
    configured: bool
    waiting: int
    """Messages that are not sent."""
    failing_since: datetime | None
    error: str
    """Of the last try, where it failed."""
    next_try: datetime | None
    last_sent: datetime | None
    last_subject: str
    """The first thing it was told then."""

    def sentence(self) -> str:
        """Return it in a sentence or two."""
        told = f"last sent {self.last_sent:%Y-%m-%d %H:%M} UTC" if self.last_sent else "nothing was ever sent"
        if self.failing_since:
            again = f", tried again after {self.next_try:%Y-%m-%d %H:%M} UTC" if self.next_try else ""
            waiting = f"{count_of(self.waiting, 'message')} waiting{again}"
            return f"failing since {self.failing_since:%Y-%m-%d %H:%M} UTC: {self.error}; {waiting}; {told}"
        waiting = f"{count_of(self.waiting, 'message')} waiting" if self.waiting else "nothing waiting"
        return f"{waiting}, {told}"

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in self._asdict().items()}


def boxes_of(location: Location) -> dict[str, Box]:
    """Return the outbox of every channel, for status and page; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return Note(location, OUTBOX).understood(outbox.from_plain)


def channel_states(location: Location, settings: NotifySettings) -> list[ChannelState]:
    """Return how the channels are; Alertmanager is posted the state and has no outbox. Takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return states_of(boxes_of(location), [channel.name for channel in settings.channel if channel.kind != "alertmanager"])


def states_of(boxes: Mapping[str, Box], configured: Iterable[str]) -> list[ChannelState]:
    """Return the state of every channel that is configured, and of those that still have something to send.

    Args:
        boxes: The outboxes by name.
        configured: The names of the configuration, without channels that have no outbox.
    """
    names = list(configured)
    return [
        _state(name, boxes.get(name, Box()), configured=name in names)
        for name in [*names, *(name for name, box in sorted(boxes.items()) if name not in names and box.pending)]
    ]


def _state(name: str, box: Box, *, configured: bool) -> ChannelState:
    failed = [entry for entry in box.pending if entry.tries]
    last = box.sent[-1] if box.sent else None
    return ChannelState(
        name,
        configured,
        len(box.pending),
        box.failing_since,
        failed[-1].error if failed else "",
        min((entry.next_try for entry in failed if entry.next_try), default=None),
        last.sent if last else None,
        last.events[0].title if last else "",
    )


def mutes_of(location: Location) -> list[Mute]:
    """Return what is muted; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return Note(location, MUTES).understood(muting.from_plain)


def observed_without_muted(location: Location, observed: Observed) -> Observed:
    """Return what is observed with the mutes that hold now."""
    holding = muting.holding(mutes_of(location), observed.incidents, observed.as_of)
    return replace(observed, muted=holding)


def forget_lapsed(location: Location, observed: Observed) -> None:
    """Take away the mutes that hold no longer; what they silenced is told from now on."""
    if len(observed.muted) == len(mutes_of(location)):
        return
    with open_mutes(location) as (note, mutes):
        for mute in mutes:
            if why := muting.lapsed(mute, observed.incidents, observed.as_of):
                log.info("mute-lapsed", what=mute.title, reason=why)
        note.write(muting.to_plain(muting.holding(mutes, observed.incidents, observed.as_of)))


@contextmanager
def open_mutes(location: Location) -> Iterator[tuple[Note, list[Mute]]]:
    """Hold the note of the mutes."""
    with open_note(location, MUTES) as note:
        yield note, note.understood(muting.from_plain)


@contextmanager
def open_boxes(location: Location) -> Iterator[tuple[Note, dict[str, Box]]]:
    """Hold the note of the outboxes."""
    with open_note(location, OUTBOX) as note:
        yield note, note.understood(outbox.from_plain)


def forget_domain(location: Location, domain: str) -> None:
    """Take a domain out of every note that speaks of domains.

    Args:
        location: Where the lake lies.
        domain: A lower-case A-label.

    Raises:
        LakeError: A note cannot be read or written.
        TryAgainError: Another process holds the notes.
    """
    _rewrite(location, override_reasons.NOTE, lambda plain: override_reasons.without_domain(plain, domain))
    _rewrite(location, audit.NAME, lambda plain: audit.to_plain(audit.without_domain(audit.from_plain(plain), domain)))
    _rewrite(location, OUTBOX, lambda plain: outbox.to_plain(_without(outbox.from_plain(plain), domain)))
    _rewrite(location, MUTES, lambda plain: muting.to_plain(muting.without_domain(muting.from_plain(plain), domain)))
    _rewrite(
        location, FORMER, lambda plain: told_incidents.to_plain([one for one in told_incidents.from_plain(plain) if one.domain != domain])
    )


def _without(boxes: dict[str, outbox.Box], domain: str) -> dict[str, outbox.Box]:
    return {name: outbox.without_domain(box, domain) for name, box in boxes.items()}


def _rewrite(location: Location, name: str, rewritten: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with open_note(location, name) as note:
        if (plain := note.understood(lambda plain: None if plain is None else rewritten(plain))) is not None:
            note.write(plain)
