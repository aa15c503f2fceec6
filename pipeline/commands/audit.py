"""`tlsrpt audit`: who signed in, was refused, exported, muted, or looked at mails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import day

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context

_COLUMNS = ("at", "act", "who", "groups", "what")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="DAY", type=day, help="first day, UTC (default: all that is kept)")
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.notify.audit import audited

    location = configured_location(context.settings.lake)
    refuse_missing(location)
    lines = [line for line in audited(location) if args.since is None or line.at.date() >= args.since]
    rows = [{**line._asdict(), "at": line.at.isoformat(timespec="seconds"), "groups": ", ".join(line.groups)} for line in reversed(lines)]
    if args.format == "json":
        output.deliver_json(rows, args)
    elif rows or args.format == "csv":
        output.deliver_rows(_COLUMNS, [[row[name] for name in _COLUMNS] for row in rows], args)
    else:
        since = f" since {args.since}" if args.since is not None else ""
        output.deliver_text(f"no line in the audit{since}; it is kept only where a [[group]] is configured\n", args)
    return 0
