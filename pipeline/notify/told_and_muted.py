"""What was told, when and to whom, and what is muted: for the page, which also mutes where it may write there.

All of it is the operator's: by the settings of a group nothing was told, nothing is muted, and nothing can be.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import TlsrptError
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.notes import FOLDER
from pipeline.notify import mute_notes
from pipeline.notify.kept_notes import boxes_of, channel_states, mutes_of
from pipeline.notify.mutes import lapsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.config import Settings
    from pipeline.insight.incident import Incident
    from pipeline.lake.storage.location import Location
    from pipeline.notify.kept_notes import ChannelState
    from pipeline.notify.mutes import Mute
    from pipeline.notify.notice import Notice
    from pipeline.notify.outbox import Box, Entry


class ToldNotice(NamedTuple):
    """One thing that was told, or waits to be."""

    notice: Notice
    channels: tuple[str, ...]
    """To whom."""
    at: datetime
    """When it was sent first; of what waits, when it was found."""
    waiting: tuple[str, ...]
    """Channels that have not got it yet."""


class MuteState(NamedTuple):
    """A mute, and whether it holds."""

    mute: Mute
    lapsed: str | None
    """Why it holds no longer, as the end of a sentence; None: it does."""


class Inbox(NamedTuple):
    """All there is to know of notices."""

    told: tuple[ToldNotice, ...]
    """Newest first."""
    channels: tuple[ChannelState, ...]
    mutes: tuple[MuteState, ...]


def read_inbox(settings: Settings, incidents: Sequence[Incident], today: date) -> Inbox:
    """Return what was told over every channel; takes no lock.

    Args:
        settings: Whose lake and channels.
        incidents: All there are now: by them a mute holds or has lapsed.
        today: UTC.

    Raises:
        LakeError: A note cannot be read.
    """
    location = configured_location(settings.lake)
    if settings.audience is not None or not location.exists():
        return Inbox((), (), ())
    return Inbox(
        tuple(told_of(boxes_of(location))), tuple(channel_states(location, settings.notify)), read_mutes(settings, incidents, today)
    )


def read_mutes(settings: Settings, incidents: Sequence[Incident], today: date) -> tuple[MuteState, ...]:
    """Return the mutes, those that hold first; takes no lock.

    Args:
        settings: Whose lake; by those of a group there are none.
        incidents: All there are now: by them a mute holds or has lapsed.
        today: UTC: says which of them hold.

    Raises:
        LakeError: The note cannot be read.
    """
    if settings.audience is not None:
        return ()
    location = configured_location(settings.lake)
    found = [MuteState(mute, lapsed(mute, incidents, today)) for mute in (mutes_of(location) if location.exists() else ())]
    return tuple(sorted(found, key=lambda one: one.lapsed is not None))


def any_mutes(settings: Settings) -> bool:
    """Say whether anything is muted, or was and has lapsed.

    Raises:
        LakeError: The note cannot be read.
    """
    location = configured_location(settings.lake)
    return settings.audience is None and location.exists() and bool(mutes_of(location))


def told_of(boxes: Mapping[str, Box]) -> list[ToldNotice]:
    """Return each event once, with all the channels it went or is to go to; newest first."""
    found: dict[str, ToldNotice] = {}
    for channel, box in sorted(boxes.items()):
        for entry in (*box.sent, *box.pending):
            for notice in entry.events:
                found[notice.key] = _with(found.get(notice.key), notice, channel, entry)
    return sorted(found.values(), key=lambda one: one.at, reverse=True)


def _with(before: ToldNotice | None, notice: Notice, channel: str, entry: Entry) -> ToldNotice:
    waiting = () if entry.sent else (channel,)
    at = entry.sent or entry.created
    if before is None:
        return ToldNotice(notice, (channel,), at, waiting)
    return before._replace(channels=(*before.channels, channel), at=min(before.at, at), waiting=(*before.waiting, *waiting))


def may_write(settings: Settings) -> bool:
    """Say whether this process can be expected to write notes into the lake; on object storage only the try tells."""
    if settings.audience is not None:
        return False
    path = settings.lake.path
    notes = Path(path, FOLDER)
    return "://" in path or os.access(notes if notes.exists() else path, os.W_OK)


def mute(settings: Settings, incidents: Iterable[Incident], what: str, *, until: date | None, reason: str, by: str, today: date) -> str:
    """Mute a fault or host; return why it could not be done, or an empty text.

    Args:
        settings: Whose lake; a group may not mute.
        incidents: All there are now.
        what: The id of an incident or a fault, or a beginning of it that only one has; or an MX host of one.
        until: The last day it holds, UTC; None: until it is over.
        reason: Why; not empty.
        by: Who wants it.
        today: UTC; the mute holds from this day on.
    """

    def write(location: Location) -> None:
        mute_notes.mute(location, list(incidents), what, until=until, reason=reason, by=by, today=today)

    return _why_not(settings, write)


def unmute(settings: Settings, what: str) -> str:
    """End a mute; return why it could not be done, or an empty text."""
    return _why_not(settings, lambda location: mute_notes.unmute(location, what))


def _why_not(settings: Settings, write: Callable[[Location], object]) -> str:
    if settings.audience is not None:
        return "muting is the operator's"
    try:
        write(configured_location(settings.lake))
    except TlsrptError as err:
        return str(err)
    return ""
