"""`tlsrpt restore`: a lake of what `tlsrpt backup` wrote, at a place where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what `tlsrpt backup` wrote; the lake is made where --lake or the configuration says")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.upkeep.backup import restore
    from pipeline.output import prose
    from pipeline.query import open_lake

    location = configured_location(context.settings.lake)
    copied = restore(location, Path(args.file))
    open_lake(settings=context.settings).close()
    what = f"{count_of(copied.files, 'file')}, {copied.size_bytes / 1e6:,.1f} MB"
    prose(f"{what} are in {location.uri}; the next `tlsrpt ingest` goes on from there\n")
    return 0
