"""`tlsrpt mute` and `unmute`: silence a known fault or host for the notices, until a day, until it is over, never beyond getting worse."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import who
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.insight.incident import Incident
    from pipeline.lake.storage.location import Location
    from pipeline.notify.mutes import Mute


_LEAST_PREFIX = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="ID|HOST",
        help="an incident or fault (the whole fault is muted) or an MX host; without it: list the mutes",
    )
    parser.add_argument(
        "--until", type=_day, metavar="DATE", help="last day it holds, UTC (default: until it is over); it lapses when it gets worse"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; shown wherever the mute is")
    parser.add_argument("--remove", action="store_true", help="end the mute; `tlsrpt unmute` does the same")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location

    location = configured_location(context.settings.lake)
    if args.what is None:
        return _list(location)
    if args.remove:
        return remove(args.what, location)
    if not args.reason:
        raise UsageError("say why with --reason; whoever reads the list later will want to know")
    incidents = _incidents(context)
    mute = _mute_of(args, incidents)
    from pipeline.notify.mutes import to_plain
    from pipeline.notify.notifier import open_mutes

    with open_mutes(location) as (note, mutes):
        note.write(to_plain([*(one for one in mutes if one.what != mute.what), mute]))
    print(f"muted {mute.title} until {mute.until or 'it is over'}, or until it gets worse")
    return 0


def remove(what: str, location: Location) -> int:
    """End the mute whose fault or host is named by its title, name or a unique beginning of it.

    Raises:
        UsageError: There is none, or several.
    """
    from pipeline.notify.mutes import to_plain
    from pipeline.notify.notifier import open_mutes

    with open_mutes(location) as (note, mutes):
        found = [
            one
            for one in mutes
            if what in (one.what, one.title, one.what.removeprefix("host:")) or any(_is(what, told.id) for told in one.as_it_was)
        ]
        if len(found) != 1:
            listed = ", ".join(one.title for one in mutes) or "none"
            raise UsageError(f"{what[:60]!r} names {len(found)} mutes; there are: {listed}")
        note.write(to_plain([one for one in mutes if one is not found[0]]))
    print(f"{found[0].title} is no longer muted")
    return 0


def _is(prefix: str, identifier: str) -> bool:
    return len(prefix) >= _LEAST_PREFIX and identifier.startswith(prefix)


def _incidents(context: Context) -> Sequence[Incident]:
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        return lake.incidents()


def _mute_of(args: argparse.Namespace, incidents: Sequence[Incident]) -> Mute:
    from pipeline.insight.faults import named_by
    from pipeline.insight.notifications import remembered
    from pipeline.notify.mutes import Mute, covers
    from pipeline.notify.notice import lineage_of
    from pipeline.notify.notice_text import names

    today = datetime.now(UTC).date()
    if args.until is not None and args.until < today:
        raise UsageError(f"--until {args.until} is in the past")
    found = named_by(incidents, args.what) if len(args.what) >= _LEAST_PREFIX else []
    hosts = {host for one in incidents for host in one.mx_hosts}
    if found:
        what, title = lineage_of(found[0]), f"{found[0].title} on {names(found[0].mx_hosts) or found[0].domain}"
    elif args.what.lower() in hosts:
        what, title = f"host:{args.what.lower()}", args.what.lower()
    else:
        raise UsageError(f"{args.what[:60]!r} is neither an incident nor an MX host of one; `tlsrpt incidents` lists them")
    mute = Mute(what, title, args.until, args.reason, who(), today, ())
    return mute._replace(as_it_was=tuple(remembered(one) for one in incidents if covers(mute, one)))


def _list(location: Location) -> int:
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.notify.notifier import mutes_of
    from pipeline.output import escape

    refuse_missing(location)
    mutes = mutes_of(location)
    for mute in mutes:
        print(f"{escape(mute.title)}\n  until {mute.until or 'it is over'}, by {escape(mute.by)} on {mute.since}: {escape(mute.reason)}")
    if not mutes:
        print("nothing is muted")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-23") from err
