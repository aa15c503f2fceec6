"""`tlsrpt report DOMAIN`: a report on one domain, to mail or print; `--month`: on every domain, to hand over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import add_period, as_of_of, say_ground, who
from pipeline.errors import UsageError
from pipeline.insight.phrases import count_of, days_of

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context

_MOST_DAYS = 400
"""One bar a day: more cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", metavar="DOMAIN", nargs="?", help="the recipient domain; with --month all")
    add_period(parser)
    parser.add_argument("--pdf", metavar="FILE", help="write it as PDF; needs the extra pdf")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the page to a file instead of standard output")
    parser.add_argument(
        "--month",
        metavar="FOLDER",
        help="the last complete month of every domain, with --group of the group's, as pages below FOLDER/YYYY-MM",
    )
    parser.add_argument("--with-pdf", action="store_true", help="with --month: each page as PDF, too; needs the extra pdf")


def run(args: argparse.Namespace, context: Context) -> int:
    if args.month is not None:
        return _month(args, context)
    if args.domain is None or args.with_pdf:
        raise UsageError("--with-pdf goes with --month FOLDER" if args.domain else "name a domain, or --month FOLDER for all of them")
    from pipeline.export.page import page
    from pipeline.export.page_facts import gather_facts
    from pipeline.query import open_lake

    days = args.days or context.settings.insight.days
    if days > _MOST_DAYS:
        raise UsageError(f"--days is at most {_MOST_DAYS} for a page: it shows one bar a day")
    as_of = as_of_of(args)
    with open_lake(settings=context.settings) as lake:
        facts = gather_facts(lake, lake.known_domain(args.domain), since=as_of - timedelta(days=days - 1), as_of=as_of)
    if args.pdf is not None:
        from pipeline.output.pdf import write_pdf

        write_pdf(page(facts), args.pdf)
    if args.pdf is None or args.output is not None:
        output.deliver_text(page(facts), args)
    say_ground(facts.ground, None)
    return 1 if facts.ground.is_nothing else 0


def _month(args: argparse.Namespace, context: Context) -> int:
    from pathlib import Path

    from pipeline.export.month_folder import last_month, write_month
    from pipeline.notify.audit import audit
    from pipeline.query import open_lake

    if args.domain is not None or args.days is not None or args.pdf is not None or args.output is not None:
        raise UsageError("--month FOLDER is about every domain and one month: it goes with --as-of, --group and --with-pdf")
    settling = timedelta(days=context.settings.insight.settling_days)
    since, until = last_month(as_of_of(args) - settling)
    as_of = until + settling
    with open_lake(settings=context.settings) as lake:
        ground = lake.ground(since=since, until=until, as_of=as_of)
        reported = (row["report_domain"] for row in lake.ask("sessions_by_domain", since=since, until=until, as_of=as_of).to_pylist())
        named = lake.audience.domains if lake.audience is not None else ()
        names = sorted(context.settings.domains.own or {*named, *reported})
        if names:
            write_month(lake, names, Path(args.month), since=since, until=until, as_of=as_of, pdf=args.with_pdf)
    say_ground(ground, None)
    if not names:
        output.note(f"nothing is written: no report about {days_of(since, until)} counts")
        return 1 if ground.is_nothing else 0
    audit(context.settings, "export", who(), what=f"{args.month} {since:%Y-%m}")
    output.note(f"{Path(args.month) / f'{since:%Y-%m}'}: {count_of(len(names), 'domain')}, {days_of(since, until)}; begin with index.html")
    return 1 if ground.is_nothing else 0
