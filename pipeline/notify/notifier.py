"""One run of the notifier: look, write what is to be said into the outbox, send it, mark what was sent.

The outbox and the mutes are notes of the lake; no writer of the lake is waited for. The note is open while news is worked out and while an
entry is marked, never while something is sent.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ConfigError, TlsrptError
from pipeline.failpoint import reach
from pipeline.notify import outbox
from pipeline.notify.channel_message import alerts_of, message_of
from pipeline.notify.channels import SendError, channel_of, page_channel, post_alerts
from pipeline.notify.kept_notes import boxes_of, forget_lapsed, observed_without_muted, open_boxes
from pipeline.notify.news import news_for, standing
from pipeline.notify.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.incident import Incident
    from pipeline.lake.storage.location import Location
    from pipeline.notify.news import ChannelNews
    from pipeline.notify.observed import Observed
    from pipeline.notify.outbox import Box, Entry
    from pipeline.settings.notice_tables import ChannelSettings, NotifySettings

_ALERTS_VALID_RUNS = 3


class Delivered(NamedTuple):
    """What became of one channel."""

    channel: str
    events: int
    """Delivered now."""
    waiting: int
    """Still in the outbox."""
    error: str
    """Why, in one sentence; empty where nothing failed."""


def notify(location: Location, settings: NotifySettings, observed: Observed, *, now: datetime, mutes_end: bool = True) -> list[Delivered]:
    """Tell every channel what is new, worse or over for it.

    Args:
        location: The lake, whose notes hold the outbox.
        settings: `[notify]`: its channels, and what each wants to hear.
        observed: The state of things.
        now: The moment, aware.
        mutes_end: Whether mutes that hold no longer are taken away; not where only the domains of a group are observed.

    Returns:
        One entry for each channel, in their order.

    Raises:
        LakeError: The notes cannot be read or written.
        TryAgainError: Another process holds them.
    """
    observed = observed_without_muted(location, observed)
    if mutes_end:
        forget_lapsed(location, observed)
    messages = [channel for channel in settings.channel if channel.kind != "alertmanager"]
    due = _queue_and_claim(location, messages, observed, now)
    sent = {channel.name: _deliver(location, channel, due[channel.name], settings, now) for channel in messages}
    alerts = {channel.name: _post_state(channel, settings, observed, now) for channel in settings.channel if channel.kind == "alertmanager"}
    return [(sent | alerts)[channel.name] for channel in settings.channel]


def would_send(location: Location, settings: NotifySettings, observed: Observed) -> dict[str, list[Notice]]:
    """Return for each channel the events it would be told, for Alertmanager what is open; nothing is written or sent.

    Args:
        location: The lake, whose notes hold outboxes and mutes.
        settings: `[notify]`: its channels, and what each wants to hear.
        observed: The state of things.

    Raises:
        LakeError: The notes cannot be read.
    """
    observed = observed_without_muted(location, observed)
    boxes = boxes_of(location)
    return {
        channel.name: [event for event, _ in _open_now(channel, observed)]
        if channel.kind == "alertmanager"
        else _chosen(channel, boxes.get(channel.name, outbox.Box()), observed).events
        for channel in settings.channel
    }


def send_digest(location: Location, channel: ChannelSettings, subject: str, text: str, page: str, now: datetime) -> str:  # noqa: PLR0917
    """Send a digest as a page; one that could not be delivered is kept, and `notify` sends its text.

    Args:
        location: The lake, whose notes hold the outbox.
        channel: Of kind apprise.
        subject: One line.
        text: The digest as text.
        page: The digest as HTML.
        now: The moment, aware.

    Returns:
        Why it was not delivered, in a sentence; empty where it was.

    Raises:
        ConfigError: The channel is of another kind, or its address cannot be found.
        LakeError: The note cannot be read or written.
        TryAgainError: Another process holds it.
    """
    way = page_channel(channel)
    event = Notice(f"digest:{channel.name}", "digest", "summary", "later", now.isoformat(), (), subject, text, "")
    with open_boxes(location) as (note, boxes):
        boxes[channel.name], entry = outbox.queue_claimed(boxes.get(channel.name, outbox.Box()), event, now)
        note.write(outbox.to_plain(boxes))
    error = ""
    try:
        way.send_page(subject, page)
    except (SendError, ConfigError) as err:
        error = str(err)
    _mark(location, channel.name, entry, error, now)
    return error


def _chosen(channel: ChannelSettings, box: Box, observed: Observed) -> ChannelNews:
    """Return what a channel should hear of what is new for it, and what it knows then."""
    news = news_for(observed, box.memory)
    wanted = set(channel.tags)
    return news._replace(events=[event for event in news.events if not wanted or event.tags & wanted])


def _queue_and_claim(location: Location, channels: Sequence[ChannelSettings], observed: Observed, now: datetime) -> dict[str, list[Entry]]:
    """Write what is to be sent before any of it is sent."""
    with open_boxes(location) as (note, boxes):
        due = {}
        for channel in channels:
            box = boxes.get(channel.name, outbox.Box())
            events, memory = _chosen(channel, box, observed)
            boxes[channel.name], due[channel.name] = outbox.claim(outbox.queue(box, events, memory, now), now)
        reach("outbox-before-write")
        note.write(outbox.to_plain(boxes))
    reach("outbox-written")
    return due


def _deliver(location: Location, channel: ChannelSettings, due: Sequence[Entry], settings: NotifySettings, now: datetime) -> Delivered:
    events, error = 0, ""
    for entry in due:
        message = message_of(entry.events, most=settings.most, link=settings.link)
        try:
            channel_of(channel, settings.link).send(message, now)
        except (SendError, ConfigError) as err:
            error = str(err)
        reach("outbox-sent")
        waiting = _mark(location, channel.name, entry, error, now)
        reach("outbox-marked")
        if error:
            return Delivered(channel.name, events, waiting, error)
        events += len(entry.events)
    return Delivered(channel.name, events, 0, "")


def _mark(location: Location, channel: str, entry: Entry, error: str, now: datetime) -> int:
    """Write how a try ended, and return how many entries wait."""
    with open_boxes(location) as (note, boxes):
        box = boxes.get(channel, outbox.Box())
        boxes[channel] = outbox.mark_failed(box, entry.id, error, now) if error else outbox.mark_sent(box, entry.id, now)
        note.write(outbox.to_plain(boxes))
        return len(boxes[channel].pending)


def _open_now(channel: ChannelSettings, observed: Observed) -> list[tuple[Notice, Incident | None]]:
    wanted = set(channel.tags)
    return [(event, incident) for event, incident in standing(observed) if not wanted or event.tags & wanted]


def _post_state(channel: ChannelSettings, settings: NotifySettings, observed: Observed, now: datetime) -> Delivered:
    """Post what is open to Alertmanager, which keeps state itself."""
    valid = timedelta(hours=_ALERTS_VALID_RUNS * settings.alert_hours)
    open_now = [(event, datetime.combine(one.first_day, time(), UTC) if one else now) for event, one in _open_now(channel, observed)]
    try:
        post_alerts(channel.reveal_url(), alerts_of(open_now, now=now, valid=valid, link=settings.link))
    except (SendError, TlsrptError) as err:
        return Delivered(channel.name, 0, len(open_now), str(err))
    return Delivered(channel.name, len(open_now), 0, "")
