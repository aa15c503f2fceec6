"""`tlsrpt report DOMAIN`: a report on one domain, to mail or print."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import add_period, as_of_of, say_ground
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context

_MOST_DAYS = 400
"""One bar a day: more cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help="the recipient domain")
    add_period(parser)
    parser.add_argument("--pdf", metavar="FILE", help="write it as PDF; needs the extra pdf")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the page to a file instead of standard output")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.export.page import page
    from pipeline.export.page_facts import gather
    from pipeline.query import open_lake

    days = args.days or context.settings.insight.days
    if days > _MOST_DAYS:
        raise UsageError(f"--days is at most {_MOST_DAYS} for a page: it shows one bar a day")
    as_of = as_of_of(args)
    with open_lake(settings=context.settings) as lake:
        facts = gather(lake, lake.known_domain(args.domain), since=as_of - timedelta(days=days - 1), as_of=as_of)
    if args.pdf is not None:
        from pipeline.output.pdf import write_pdf

        write_pdf(page(facts), args.pdf)
    if args.pdf is None or args.output is not None:
        output.deliver_text(page(facts), args)
    say_ground(facts.ground, None)
    return 1 if facts.ground.is_nothing else 0
