"""`tlsrpt digest`: the last week or month in a mail that reads as text and as HTML."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import add_as_of, as_of_of
from pipeline.errors import ConfigError
from pipeline.output import note, prose

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.notify.digest import Digest
    from pipeline.settings.notice_tables import ChannelSettings

_WEEK, _MONTH = 7, 30
TAG = "digest"
"""The tag of the channels that a digest goes to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--month", action="store_true", help="the last 30 complete days instead of 7")
    parser.add_argument(
        "--send",
        action="store_true",
        help=f"send it to the channels with the tag {TAG!r}, and each group's digest to its own channels, instead of printing it",
    )
    parser.add_argument("--pdf", metavar="FILE", help="write it as PDF instead of printing it; needs the extra pdf")
    parser.add_argument("--format", choices=("text", "html"), default="text", help="how to print it (default: text)")
    add_as_of(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.notify.digest_page import as_html, as_text

    settings = context.settings
    if args.send:
        told = [one for one in settings.tellings() if _channels(one)]
        if not told:
            whose = f"of group {settings.audience.groups[0]} " if settings.audience is not None else ""
            raise ConfigError(f"no channel {whose}has the tag {TAG!r}; add it to the tags of a [[notify.channel]] of kind apprise")
        digests = [(one, _digest(one, args)) for one in told]
    else:
        digests = [(settings, _digest(settings, args))]
    if args.pdf is not None:
        from pipeline.output.pdf import write_pdf

        write_pdf(as_html(digests[0][1]), args.pdf)
    if args.send:
        return max(_send(digest, one) for one, digest in digests)
    if args.pdf is None:
        if args.format == "html":
            sys.stdout.write(as_html(digests[0][1]))
        else:
            prose(as_text(digests[0][1]))
    return 0


def _channels(settings: Settings) -> list[ChannelSettings]:
    return [channel for channel in settings.notify.channel if TAG in channel.tags]


def _digest(settings: Settings, args: argparse.Namespace) -> Digest:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.digest import digest_of
    from pipeline.notify.kept_notes import mutes_of
    from pipeline.notify.observe import look_back, observe
    from pipeline.query import open_lake

    with open_lake(settings=settings) as lake:
        observed = observe(lake, as_of=as_of_of(args), own=settings.domains.own)
        mutes = mutes_of(configured_location(settings.lake)) if settings.audience is None else []
        return digest_of(look_back(lake, observed, mutes, days=_MONTH if args.month else _WEEK, link=settings.notify.link))


def _send(digest: Digest, settings: Settings) -> int:
    """Send it to each channel of its tag; where it could not be delivered, it is kept and `notify` tries again."""
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.digest_page import as_html, as_text
    from pipeline.notify.notifier import send_digest

    location, text, page = configured_location(settings.lake), as_text(digest), as_html(digest)
    failed = False
    for channel in _channels(settings):
        if error := send_digest(location, channel, digest.subject, text, page, datetime.now(UTC)):
            failed = True
            note(f"channel {channel.name}: {error}; it is kept, and tlsrpt notify tries again")
    return 75 if failed else 0
