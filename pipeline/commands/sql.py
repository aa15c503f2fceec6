"""`tlsrpt sql`: one SELECT, EXPLAIN or DESCRIBE over the views of the lake."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.errors import InputError, SqlError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pipeline.cli import Context

_HEADROOM_BYTES = 1 << 30
"""For threads, and for files and answers on their way."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="?", metavar="QUERY", help="the statement; $name marks a parameter")
    parser.add_argument("--file", metavar="FILE", help="read the statement from a .sql file")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="the value of a parameter; may be repeated")
    output.add_arguments(parser, parquet=True)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    query = _query(args)
    with open_lake(settings=context.settings) as lake:
        with lake.ending_the_process(output.note), _bounded(context.settings.query.memory_bytes):
            answer = lake.sql(query, named_values(args.param))
        output.deliver(answer, args)
    return 0


@contextmanager
def _bounded(memory_bytes: int) -> Iterator[None]:
    """Bound the address space: DuckDB counts what it keeps, not what a single function makes of a text."""
    now = Path("/proc/self/statm")
    if not now.exists():  # not Linux
        yield
        return
    here = int(now.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    before, highest = resource.getrlimit(resource.RLIMIT_AS)
    bound = here + memory_bytes + _HEADROOM_BYTES
    if highest == resource.RLIM_INFINITY or bound < highest:
        resource.setrlimit(resource.RLIMIT_AS, (bound, highest))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, highest))


def named_values(pairs: list[str]) -> dict[str, str]:
    """Return the values of `--param NAME=VALUE`.

    Raises:
        UsageError: One has no `=`.
    """
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise UsageError(f"--param is NAME=VALUE, which {bad[0]!r} is not")
    return dict(pair.split("=", 1) for pair in pairs)


def _query(args: argparse.Namespace) -> str:
    if (args.query is None) == (args.file is None):
        raise UsageError("give a QUERY, or a file with --file")
    if args.file is None:
        return str(args.query)
    try:
        return Path(args.file).read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise SqlError(f"{args.file} is not SQL: it is not UTF-8 text") from err
    except OSError as err:
        raise InputError(f"{args.file} cannot be read: {err.strerror or err}") from err
