"""`tlsrpt backup`: write the lake to one file, while no other command writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the file to write, for example tlsrpt-2026-11-28.tar.gz; it must not exist yet")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.upkeep.backup import back_up
    from pipeline.output import prose
    from pipeline.query import open_lake

    open_lake(settings=context.settings).close()  # refuses a lake that is not there, or that is broken
    copied = back_up(configured_location(context.settings.lake), Path(args.file))
    what = f"{count_of(copied.files, 'file')}, {copied.size_bytes / 1e6:,.1f} MB"
    prose(f"{what} of the lake are in {args.file}; `tlsrpt restore` makes a lake of it\n")
    return 0
