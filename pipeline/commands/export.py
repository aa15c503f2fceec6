"""`tlsrpt export FILE`: export part of the lake as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands._insight import say_ground, who
from pipeline.insight.phrases import count_of, days_of
from pipeline.output import note

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help=".duckdb (all tables), .csv.zip (all tables, for spreadsheets) or .parquet (one table)"
    )
    parser.add_argument("--since", metavar="DAY", help="first day, UTC (default: the first there is)")
    parser.add_argument("--until", metavar="DAY", help="last day, UTC (default: the last there is)")
    parser.add_argument("--domain", metavar="NAME", help="one report domain only")
    parser.add_argument(
        "--table",
        choices=("sessions", "policies", "failures", "reports"),
        default="sessions",
        help="the table of a .parquet file (default: sessions)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.export.export_files import write_file
    from pipeline.export.extract import part_of
    from pipeline.notify.audit import audit
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        domain = lake.known_domain(args.domain) if args.domain else None
        part = part_of(lake, args.since, args.until, domain)
        ground = lake.ground(domain=domain, since=part.since, until=part.until)
        rows = write_file(lake, part, args.file, table=args.table, force=args.force)
    audit(context.settings, "export", who(), what=f"{args.file} {domain or ''}".strip())
    say_ground(ground, None)
    note(f"{args.file}: {count_of(rows, 'row')}, {days_of(part.since, part.until)}")
    return 1 if ground.is_nothing else 0
