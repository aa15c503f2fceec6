"""`tlsrpt sql`: one SELECT, EXPLAIN or DESCRIBE over the views of the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.errors import InputError, NotAReportError, UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="?", metavar="QUERY", help="the statement; $name stands for a parameter")
    parser.add_argument("--file", metavar="FILE", help="read the statement from a .sql file")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="the value of a parameter; may be repeated")
    output.add_arguments(parser, parquet=True)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    query = _query(args)
    with open_lake(settings=context.settings) as lake:
        output.deliver(lake.sql(query, named_values(args.param)), args)
    return 0


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
        raise NotAReportError(f"{args.file} is no SQL: it is no UTF-8 text") from err
    except OSError as err:
        raise InputError(f"{args.file} cannot be read: {err.strerror or err}") from err
