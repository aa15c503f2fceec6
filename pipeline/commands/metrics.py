"""`tlsrpt metrics`: current state as a text file for Prometheus' node exporter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.commands._insight import add_as_of, as_of_of
from pipeline.output import note

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


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
    from pipeline.notify.metrics import metrics_now

    text = metrics_now(context.settings, as_of_of(args))
    if args.output is None:
        sys.stdout.write(text)
    else:
        from pipeline.notify.metrics import write_metrics

        write_metrics(args.output, text)
    return 0


def _serve(listen: str, context: Context) -> int:
    """Answer until a signal ends it."""
    import signal
    import threading

    from pipeline.notify.metrics import metrics_now
    from pipeline.notify.metrics_server import PATH, MetricsServer

    with MetricsServer(listen, lambda: metrics_now(context.settings, datetime.now(UTC).date())) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        note(f"answering http://{listen}{PATH}")
        server.serve_forever()
    return 0
