"""`tlsrpt mute` and `unmute`: silence a known fault or host for the notices, until a day, until it is over, never beyond getting worse."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import day, who

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.insight.incident import Incident
    from pipeline.lake.storage.location import Location


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="ID|HOST",
        help="an incident or fault (the whole fault is muted) or an MX host; without it: list the mutes",
    )
    parser.add_argument(
        "--until",
        type=day,
        metavar="DATE",
        help="last day of the mute, UTC (default: until resolved); it ends early if the fault gets worse",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; shown wherever the mute is")
    parser.add_argument("--remove", action="store_true", help="end the mute; `tlsrpt unmute` does the same")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location

    location = configured_location(context.settings.lake)
    if args.what is None:
        return _list(location)
    if args.remove:
        return remove(args.what, context.settings)
    from pipeline.notify.audit import audit
    from pipeline.notify.mute_notes import mute
    from pipeline.output import prose

    today = datetime.now(UTC).date()
    made = mute(location, _incidents(context), args.what, until=args.until, reason=args.reason or "", by=who(), today=today)
    audit(context.settings, "mute", who(), what=f"{made.title}: {made.reason}")
    prose(f"muted {made.title} until {made.until or 'it is over'}, or until it gets worse\n")
    return 0


def remove(what: str, settings: Settings) -> int:
    """End a mute, and say so.

    Raises:
        UsageError: There is none, or several.
    """
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.audit import audit
    from pipeline.notify.mute_notes import unmute
    from pipeline.output import escape, prose

    ended = unmute(configured_location(settings.lake), what)
    audit(settings, "unmute", who(), what=ended.title)
    prose(f"{escape(ended.title)} is no longer muted\n")
    return 0


def _incidents(context: Context) -> Sequence[Incident]:
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        return lake.incidents()


def _list(location: Location) -> int:
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.notify.kept_notes import mutes_of
    from pipeline.output import escape, prose

    refuse_missing(location)
    mutes = mutes_of(location)
    for mute in mutes:
        prose(f"{escape(mute.title)}\n  until {mute.until or 'it is over'}, by {escape(mute.by)} on {mute.since}: {escape(mute.reason)}\n")
    if not mutes:
        print("nothing is muted")
    return 0
