"""What the notifier keeps in notes of the lake, the outbox of each channel and the mutes: read without a lock, or held to be changed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import log
from pipeline.lake.storage.notes import Note, open_note
from pipeline.notify import mutes as muting
from pipeline.notify import outbox
from pipeline.notify.channel_state import states_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.lake.storage.location import Location
    from pipeline.notify.channel_state import ChannelState
    from pipeline.notify.mutes import Mute
    from pipeline.notify.observed import Observed
    from pipeline.notify.outbox import Box
    from pipeline.settings.notice_tables import NotifySettings

OUTBOX, MUTES = "outbox", "mutes"
_Values = TypeVar("_Values")


def boxes_of(location: Location) -> dict[str, Box]:
    """Return the outbox of every channel, for status and page; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return _read(Note(location, OUTBOX), outbox.from_plain)


def channel_states(location: Location, settings: NotifySettings) -> list[ChannelState]:
    """Return how the channels are; Alertmanager is posted the state and has no outbox. Takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return states_of(boxes_of(location), [channel.name for channel in settings.channel if channel.kind != "alertmanager"])


def mutes_of(location: Location) -> list[Mute]:
    """Return what is muted; takes no lock.

    Raises:
        LakeError: The note cannot be read.
    """
    return _read(Note(location, MUTES), muting.from_plain)


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
        yield note, _read(note, muting.from_plain)


@contextmanager
def open_boxes(location: Location) -> Iterator[tuple[Note, dict[str, Box]]]:
    """Hold the note of the outboxes."""
    with open_note(location, OUTBOX) as note:
        yield note, _read(note, outbox.from_plain)


def _read(note: Note, from_plain: Callable[[dict[str, Any] | None], _Values]) -> _Values:
    try:
        return from_plain(note.read())
    except ValueError as err:
        raise note.damaged(str(err)) from err
