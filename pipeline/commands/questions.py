"""`tlsrpt questions`: list the named questions, show the SQL of one, or run it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands.sql import named_values
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse

    import pyarrow as pa

    from pipeline.cli import Context
    from pipeline.query import Lake


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("list", "show", "run"), default="list", help="list them, show the SQL of one, run one"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the question to show or run")
    parser.add_argument("--since", metavar="DAY", help="first day of the period, UTC (default: 90 days up to --until)")
    parser.add_argument("--until", metavar="DAY", help="last day of the period (default: --as-of)")
    parser.add_argument("--as-of", metavar="DAY", help="ask as on that day (default: today)")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="another parameter; lists are comma-separated, or JSON"
    )
    output.add_arguments(parser, parquet=True)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    if args.action == "list":
        output.deliver(_listed(), args)
        return 0
    if args.name is None:
        raise UsageError(f"questions {args.action} needs the NAME of a question; `tlsrpt questions` lists them")
    with open_lake(settings=context.settings) as lake:
        if args.action == "show":
            sys.stdout.write(lake.question(args.name).sql)
        else:
            with lake.ending_the_process(output.note):
                answer = _answer(lake, args)
            output.deliver(answer, args)
    return 0


def _answer(lake: Lake, args: argparse.Namespace) -> pa.Table:
    values = named_values(args.param)
    period = {"since": args.since, "until": args.until, "as_of": args.as_of}
    given = {name: value for name, value in period.items() if value is not None}
    if twice := sorted(given.keys() & values.keys()):
        raise UsageError(f"{twice[0]} is given twice")
    return lake.ask(args.name, **{**values, **given})


def _listed() -> pa.Table:
    import pyarrow as pa

    from pipeline.query.catalogue import load_questions

    names = ("question", "title", "parameters", "description")
    rows = [(q.name, q.title, ", ".join(q.parameter_names), q.description) for q in load_questions().values()]
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
