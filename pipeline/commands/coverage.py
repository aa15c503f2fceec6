"""`tlsrpt coverage`: who reports, how often, and who has stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import add_period, as_of_of, say_ground, silent_mailboxes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.insight.api import Coverage
    from pipeline.query.health import MailboxHealth


_COLUMNS = ("domain", "reporter", "usual_every_days", "last_day", "silent_since", "lag_hours", "state", "habits")
_ROWS = 500
"""A longer table nobody reads."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period(parser)
    parser.add_argument("--domain", metavar="NAME", help="one domain only")
    parser.add_argument(
        "--fail-on",
        choices=("ingest", "silent"),
        help="ingest: exit 1 if a mailbox is not polled or all reporters stopped at once; silent: also if one reporter stopped",
    )
    parser.add_argument("--all", action="store_true", help="show every row")
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.insight.api import coverage
    from pipeline.insight.coverage import as_json, unreported_json
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        domain = lake.known_domain(args.domain) if args.domain else None
        lines = coverage(lake.ask, as_of=as_of_of(args), settings=context.settings.insight, days=args.days, domain=domain)
        silent = silent_mailboxes(lake, args)
        ground = lake.ground(days=args.days, domain=domain, as_of=as_of_of(args))
    say_ground(ground, args)
    rows = [*(unreported_json(name, state) for name, state in ground.without_reports()), *map(as_json, lines)]
    if args.format == "json":
        output.deliver_json(rows, args)
    elif args.format == "csv":
        output.deliver_rows(_COLUMNS, [[_cell(row[name]) for name in _COLUMNS] for row in rows], args)
    else:
        shown = rows if args.all else rows[:_ROWS]
        columns = _COLUMNS if any(row["habits"] for row in shown) else _COLUMNS[:-1]
        output.deliver_rows(columns, [[_cell(row[name]) for name in columns] for row in shown], args)
        if len(shown) < len(rows):
            output.note(f"the first {_ROWS} of {len(rows):,} rows, the silent ones first; --all shows all of them")
    if args.format == "table" and any(line.state == "ingest-outage" for line in lines):
        output.note("every reporter stopped at once: check the mailbox, the ingest run and the _smtp._tls record, not the senders")
    return 1 if ground.is_nothing or _fails(lines, silent, args.fail_on) else 0


def _fails(lines: Sequence[Coverage], silent: Sequence[MailboxHealth], fail_on: str | None) -> bool:
    states = {"ingest": {"ingest-outage"}, "silent": {"ingest-outage", "silent"}}.get(fail_on or "", set())
    return fail_on is not None and (bool(silent) or any(line.state in states for line in lines))


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
