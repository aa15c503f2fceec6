"""`tlsrpt ingest`: new reports out of the configured mailboxes, or out of files."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.output import escape, note, prose

if TYPE_CHECKING:
    from pipeline.cli import Context
    from pipeline.ingest.options import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help=".eml, .json, .gz, .zip, mbox, Maildir, folders of them; - for standard input"
    )
    parser.add_argument("--mailbox", action="append", metavar="NAME", help="only this mailbox of the configuration (may be repeated)")
    parser.add_argument("--dry-run", action="store_true", help="read everything, store and change nothing, report what would happen")
    parser.add_argument(
        "--vouch-before",
        type=_day,
        metavar="DATE",
        help="count mail received before DATE (UTC) as vouched: for old mail whose DKIM keys have been rotated",
    )
    parser.add_argument("--watch", action="store_true", help="keep running and ingest new mail as it arrives, instead of running from cron")
    parser.add_argument(
        "--apply-after",
        metavar="NAME",
        help="apply the `after` setting of this mailbox to mail that was ingested before it was set; asks first",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--format", choices=("table", "json"), help="how to print the summary (default: a sentence, on a terminal only)")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that read mail (0: none, in this one; default: one a processor, two at most)",
    )
    parser.add_argument("--verbose", action="store_true", help="log every step")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log
    from pipeline.ingest.options import Progress as Quiet
    from pipeline.ingest.options import RunOptions
    from pipeline.ingest.run import ingest

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level, verbose=args.verbose)
    options = RunOptions(
        paths=tuple(args.paths),
        mailboxes=tuple(args.mailbox or ()),
        dry_run=args.dry_run,
        vouch_before=args.vouch_before,
        workers=args.workers,
        progress=_bars() if sys.stderr.isatty() else Quiet(),
    )
    if args.apply_after:
        from pipeline.ingest.apply_after import apply_after

        return apply_after(settings, args.apply_after, confirm=(lambda _question: True) if args.yes else _asked)
    if args.watch:
        from pipeline.ingest.watch import watch

        return watch(settings, options)
    from pipeline.ingest.counted_reports import counted_reports, what_counts
    from pipeline.notify.hooks import dead_man, tell

    polling = not args.paths and not args.dry_run
    with dead_man(settings.notify.ping_url if polling else "") as ending:
        before = counted_reports(settings) if args.vouch_before else 0
        outcome = ingest(settings, options)
        ending.code = outcome.exit_code
    if polling and settings.notify.after_ingest:
        tell(settings)
    if args.format == "json":
        import json

        print(json.dumps(outcome.tally.summary(outcome.seconds)))
    elif args.paths and not outcome.tally.messages:
        note(f"{outcome.tally.sentence(outcome.seconds)}; none of these files holds mail or a report")
    elif args.format == "table" or sys.stdout.isatty():
        prose(f"{'would be: ' if args.dry_run else ''}{outcome.tally.sentence(outcome.seconds)}\n")
    if args.vouch_before and not args.dry_run:
        more = counted_reports(settings) - before
        note(f"{more:,} {'report now counts' if more == 1 else 'reports now count'} that did not before")
    if not args.dry_run:
        for line in what_counts(settings, datetime.now(UTC).date(), always=sys.stderr.isatty() or args.format == "table"):
            note(escape(line))
    return outcome.exit_code


def _day(text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-23") from err
    if day > datetime.now(UTC):
        raise argparse.ArgumentTypeError(f"{text} is in the future; only mail already received can be vouched for")
    return day


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _bars() -> Progress:
    from pipeline.commands._bars import Bars

    return Bars()
