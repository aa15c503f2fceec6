"""`tlsrpt receive`: takes reports over HTTPS, and raw mail from whoever has the token, into the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.extras import require

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="ADDR", help="where to listen (default: the configuration, else 127.0.0.1)")
    parser.add_argument("--port", metavar="P", type=int, help="port (default: the configuration, else 8460)")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level)
    require("receive", "tlsrpt receive")
    from pipeline.receive.server import serve

    given = {name: value for name, value in (("address", args.address), ("port", args.port)) if value is not None}
    serve(settings.model_copy(update={"receive": settings.receive.model_copy(update=given)}))
    return 0
