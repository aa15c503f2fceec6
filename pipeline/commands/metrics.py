"""`tlsrpt metrics`: current state as a text file for Prometheus' node exporter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import add_as_of, as_of_of

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from pipeline.cli import Context
    from pipeline.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", metavar="FILE", help="write it there as a whole, as the textfile collector wants it (*.prom); default: standard output"
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="stay, and answer GET /metrics there, to anybody who asks",
    )
    add_as_of(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.errors import UsageError

    if args.listen is not None:
        if args.output is not None or args.as_of is not None:
            raise UsageError("--listen answers with what is so now, and writes no file")
        return _serve(args.listen, context)
    text = measured(context.settings, as_of_of(args))
    if args.output is None:
        sys.stdout.write(text)
    else:
        from pipeline.notify.metrics import write_file

        write_file(args.output, text)
    return 0


def measured(settings: Settings, as_of: date) -> str:
    """Return the metrics.

    Raises:
        LakeError: The lake or a note of it cannot be read.
    """
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.metrics import as_text
    from pipeline.notify.notifier import boxes_of, observed_without_muted
    from pipeline.notify.observe import measure, observe
    from pipeline.query import open_lake

    with open_lake(settings=settings) as lake:
        observed = observe(lake, as_of=as_of, own=settings.domains.own)
        numbers = measure(lake, as_of=as_of)
    location = configured_location(settings.lake)
    waiting = {name: len(box.pending) for name, box in boxes_of(location).items()} if settings.notify.channel else {}
    return as_text(observed_without_muted(location, observed), numbers, waiting=waiting, now=datetime.now(UTC))


def _serve(listen: str, context: Context) -> int:
    """Answer until a signal ends it."""
    import signal
    import threading

    from pipeline.notify.metrics_server import PATH, MetricsServer

    with MetricsServer(listen, lambda: measured(context.settings, datetime.now(UTC).date())) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"answering http://{listen}{PATH}", file=sys.stderr, flush=True)
        server.serve_forever()
    return 0
