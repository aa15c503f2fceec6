"""What the commands of the insight share: the period, the as-of date, and who is known."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipeline.insight.ground import NO_OWN
from pipeline.output import escape, note

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.insight.ground import Ground
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """Declare `--as-of`."""
    parser.add_argument("--as-of", metavar="DAY", help="as-of date, UTC (default: today); a day is complete two days later")


def add_period(parser: argparse.ArgumentParser) -> None:
    """Declare `--days` and `--as-of`."""
    parser.add_argument("--days", type=_days, metavar="N", help="complete days to look at (default: 90)")
    add_as_of(parser)


def _days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 3660:
        raise ValueError(text)
    return number


def say_ground(ground: Ground, args: argparse.Namespace | None) -> None:
    """Say on standard error what a conclusion rests on, and before that which mailboxes are not read.

    To somebody who asks for JSON or CSV it is said where nothing is known.
    """
    in_full = args is None or args.format == "table" or not ground.reports
    for line in ground.said() if in_full else ground.unread:
        note(escape(line))


def say_whose(settings: Settings, args: argparse.Namespace) -> None:
    """Say on standard error that no domain is named as ours, where none is."""
    if not settings.domains.own and args.format == "table":
        note(NO_OWN)


def silent_mailboxes(lake: Lake, args: argparse.Namespace) -> list[MailboxHealth]:
    """Return the mailboxes that nobody reads or that give nothing; none where it is asked about another day than today."""
    return [] if args.as_of is not None else [box for box in lake.mailboxes() if box.why is not None]


def as_of_of(args: argparse.Namespace) -> date:
    """Return the as-of date.

    Raises:
        UsageError: It is not a day, or before there were reports.
    """
    from pipeline.insight.period import as_of_from

    return datetime.now(UTC).date() if args.as_of is None else as_of_from(args.as_of, "--as-of")


def who() -> str:
    """Return the name of whoever runs the command, for a note that says by whom."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def day(text: str) -> date:
    """Return the day of an option, for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-23") from err
