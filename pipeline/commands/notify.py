"""`tlsrpt notify`: send the configured channels what is new, worse or resolved."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import add_as_of, as_of_of
from pipeline.errors import ConfigError, UsageError
from pipeline.output import note

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.notify.notice import Notice
    from pipeline.notify.notifier import Delivered
    from pipeline.settings.notice_tables import NotifySettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show what each channel would get; send and record nothing")
    parser.add_argument("--test", metavar="CHANNEL", help="send one test message to this channel, and nothing else")
    add_as_of(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    settings = context.settings.notify
    if not settings.channel:
        raise ConfigError("no channel is configured; add a [[notify.channel]] with a name, a kind and url_file")
    now = datetime.now(UTC)
    if args.test is not None:
        return _test(args.test, context, now)
    return max(_tell(told, args, now) for told in context.settings.tellings())


def _tell(settings: Settings, args: argparse.Namespace, now: datetime) -> int:
    """Tell the operator, or the readers of a group what is theirs."""
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.notifier import notify, would_send
    from pipeline.notify.observe import observe
    from pipeline.query import open_lake

    with open_lake(settings=settings) as lake:
        observed = observe(lake, as_of=as_of_of(args), own=settings.domains.own)
    location = configured_location(settings.lake)
    if args.dry_run:
        _show(would_send(location, settings.notify, observed), settings.notify)
        return 0
    return _exit_code(notify(location, settings.notify, observed, now=now, mutes_end=settings.audience is None))


def _test(wanted: str, context: Context, now: datetime) -> int:
    """Send one message that says what it is; a channel that fails says why and ends with 75, or 78 where it is set up wrong."""
    from pipeline.notify.channel_message import message_of
    from pipeline.notify.channels import SendError, channel_of, post_alerts
    from pipeline.notify.notice import Notice

    settings = context.settings.notify
    channel = next((one for one in settings.channel if one.name == wanted), None)
    if channel is None:
        raise UsageError(f"there is no channel {wanted!r}; configured are: {', '.join(one.name for one in settings.channel)}")
    event = Notice(
        f"test:{now.isoformat()}",
        "summary",
        "summary",
        "now",
        now.isoformat(),
        (),
        "a test",
        "This channel works.",
        "No action needed.",
    )
    try:
        if channel.kind == "alertmanager":
            post_alerts(channel.reveal_url(), ())
        else:
            channel_of(channel, settings.link).send(message_of([event], most=1, link=settings.link), now)
    except SendError as err:
        note(f"channel {wanted}: {err}")
        return 75
    print(f"sent to {wanted}")
    return 0


def _show(events: Mapping[str, Sequence[Notice]], settings: NotifySettings) -> None:
    """Print what each channel would be sent, as it would be sent; Alertmanager is posted what is open, by title."""
    from pipeline.notify.channel_message import message_of
    from pipeline.output import escape, prose

    for channel in settings.channel:
        found = events[channel.name]
        print(f"{channel.name}: {'' if found else 'nothing'}".rstrip())
        if channel.kind == "alertmanager":
            lines = [event.title for event in found]
        else:
            message = message_of(found, most=settings.most, link=settings.link) if found else None
            lines = [f"Subject: {message.subject}", "", *message.text.splitlines()] if message else []
        for line in lines:
            prose(f"  {escape(line)}".rstrip() + "\n")


def _exit_code(sent: Sequence[Delivered]) -> int:
    """Say on a terminal what was sent; a channel that failed is told on stderr and tried again by the next run."""
    for one in sent:
        if one.error:
            note(f"channel {one.channel}: {one.error}; {one.waiting} waiting, tried again by the next runs")
        elif one.events and sys.stdout.isatty():
            print(f"{one.channel}: {one.events} sent")
    return 75 if any(one.error for one in sent) else 0
