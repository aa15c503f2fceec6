"""`tlsrpt backfill`: archives of millions of report files, on all cores or on a Dask cluster."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.cli import Context
    from pipeline.ingest.backfill.import_progress import Shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="folder, Maildir, mbox, tar (also .gz, .zst, .bz2), .eml, .json, .gz, .zip, or s3://bucket/prefix",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_count, metavar="N", help="processes on this machine (default: one a processor)")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="tcp://host:port of a Dask scheduler: its workers read and write (needs the extra `cluster`)"
    )
    parser.add_argument("--dry-run", action="store_true", help="read everything, store nothing, report what would happen")
    parser.add_argument("--format", choices=("table", "json"), help="how to print the summary (default: a sentence, on a terminal only)")
    parser.add_argument("--verbose", action="store_true", help="log every step")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log
    from pipeline.ingest.backfill.bulk_import import BulkOptions, backfill
    from pipeline.output import prose

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level, verbose=args.verbose)
    options = BulkOptions(tuple(args.sources), args.workers, args.scheduler, args.dry_run, _shown())
    outcome = backfill(settings, options)
    if args.format == "json":
        import json

        print(json.dumps(outcome.tally.summary(outcome.seconds)))
    elif args.format == "table" or sys.stdout.isatty():
        prose(f"{'would be: ' if args.dry_run else ''}{outcome.tally.sentence(outcome.seconds)}\n")
    return outcome.exit_code


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes")
    return int(text)


def _shown() -> Shown:
    from pipeline.ingest.backfill.import_progress import Bar, Lines

    return Bar() if sys.stderr.isatty() else Lines()
