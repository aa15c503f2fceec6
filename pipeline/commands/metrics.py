"""`tlsrpt metrics`: the state of things as a text file for Prometheus' node exporter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import add_as_of, as_of_of

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", metavar="FILE", help="write it there as a whole, as the textfile collector wants it (*.prom); default: standard output"
    )
    add_as_of(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.metrics import as_text, write_file
    from pipeline.notify.notifier import boxes_of, observed_without_muted
    from pipeline.notify.observe import measure, observe
    from pipeline.query import open_lake

    settings = context.settings
    with open_lake(settings=settings) as lake:
        observed = observe(lake, as_of=as_of_of(args), own=settings.domains.own)
        measured = measure(lake, as_of=as_of_of(args))
    location = configured_location(settings.lake)
    waiting = {name: len(box.pending) for name, box in boxes_of(location).items()} if settings.notify.channel else {}
    observed = observed_without_muted(location, observed)
    text = as_text(observed, measured, waiting=waiting, now=datetime.now(UTC))
    if args.output is None:
        sys.stdout.write(text)
    else:
        write_file(args.output, text)
    return 0
