"""`tlsrpt rebuild`: parse all stored mail again with this version; readers see the old rows until all is done."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from pipeline import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from pipeline.cli import Context
    from pipeline.lake.upkeep.rebuild import Rebuilt
    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import MessageRow
    from pipeline.workers.pool import Pool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the summary (default: a sentence)")
    parser.add_argument("--output", metavar="FILE", help="write it to a file instead of standard output")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log
    from pipeline.ingest.run import make_job
    from pipeline.lake.open_lake import open_for_writing
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.lake.upkeep.rebuild import rebuild
    from pipeline.tables.schema import MADE_ANEW
    from pipeline.workers.pool import Pool

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level)
    began = time.monotonic()
    location = configured_location(settings.lake)
    refuse_missing(location)
    with open_for_writing(location, mending=MADE_ANEW) as lake, Pool(make_job(settings, run_id="rebuild")) as pool:
        bar = _bar(sum(file.rows for file in lake.present("messages")))
        again = partial(_read_again, pool)
        done = rebuild(lake, again, advance=bar)
    seconds = time.monotonic() - began
    if args.format == "json":
        output.deliver_json({**done._asdict(), "seconds": round(seconds, 3)}, args)
    else:
        output.prose(f"{_sentence(done, seconds)}\n")
    return 0


def _read_again(pool: Pool, messages: Sequence[tuple[MessageRow, bytes]]) -> ChunkColumns:
    """Read messages of the lake again, in workers: today's parser, the verdicts of the day they came, the time they came."""
    from pipeline.ingest.kept_mail import as_fetched

    return pool.read_again([(row, as_fetched(row, content)) for row, content in messages])


def _bar(total: int) -> Callable[[int], None]:
    if not sys.stderr.isatty():
        return lambda _messages: None
    from pipeline.commands._bars import Bars

    bars = Bars()
    bars.begin("rebuild", total)
    return bars.advance


def _sentence(done: Rebuilt, seconds: float) -> str:
    told = [f"{done.read_again:,} of {done.messages:,} messages read again"]
    if done.carried_over:
        told.append(f"{done.carried_over:,} carried over, their bytes have expired")
    told.append(f"{done.outcomes_changed:,} with another outcome")
    told.append(f"{done.reports_after:,} reports (before: {done.reports_before:,})")
    return f"{'; '.join(told)} · {seconds:.1f} s"
