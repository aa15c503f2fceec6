"""Rows to a stream or a file, in the format asked for; prose, and sentences beside an answer."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from pipeline.errors import InputError, UsageError
from pipeline.output.layout import coloured, folded, laid_out, wants_colour
from pipeline.output.safe_text import cell, escape, is_share, json_text, neutralise, percent, rounded

if TYPE_CHECKING:
    import argparse

    import pyarrow as pa

Format = Literal["table", "json", "csv", "parquet"]
FORMATS: tuple[Format, ...] = ("table", "json", "csv")
"""What every reading command offers; those that answer with rows offer parquet, too."""

_CHUNK = 1 << 16


def add_arguments(parser: argparse.ArgumentParser, *, parquet: bool = False, markdown: bool = False) -> None:
    """Declare `--format`, `--output` and `--wide`; a command that offers Markdown writes it itself.

    Args:
        parser: Of the command that answers.
        parquet: Whether `--format` offers parquet: the command answers with rows.
        markdown: Whether `--format` offers markdown.
    """
    choices = (*FORMATS, *(["parquet"] if parquet else []), *(["markdown"] if markdown else []))
    parser.add_argument("--format", choices=choices, default="table", help="how to write the answer (default: table)")
    parser.add_argument("--output", metavar="FILE", help="write it to a file instead of standard output")
    parser.add_argument("--wide", action="store_true", help="let a table be wider than the terminal, a line a row")


def deliver(table: pa.Table, args: argparse.Namespace) -> None:
    """Write an answer as `--format` and `--output` say.

    Raises:
        InputError: The file cannot be written.
        UsageError: Parquet would go to a terminal.
    """
    with _opened(args.output) as file:
        write(table, format=args.format, file=file, wide=getattr(args, "wide", False))


def deliver_json(value: object, args: argparse.Namespace) -> None:
    """Write one value as an indented JSON document where `--output` says, for commands whose answer is not a table.

    Raises:
        InputError: The file cannot be written.
    """
    deliver_text(json_text(value, indent=True) + "\n", args)


def deliver_rows(names: Sequence[str], rows: Iterable[Sequence[object]], args: argparse.Namespace) -> None:
    """Write rows of Python values as CSV or as an aligned table where `--output` says; to make Arrow of them takes a quarter second.

    Args:
        names: The headings; their names also tell shares, shown as percent, from other numbers.
        rows: The values, as many in each row as there are headings; what strangers wrote in them is escaped here.
        args: With `--format`, `--output` and perhaps `--wide`.

    Raises:
        InputError: The file cannot be written.
    """
    if args.format == "csv":
        deliver_text("".join(_csv(names, rows)), args, folds=False)
        return
    values = list(rows)
    right = [all(isinstance(row[column], int | float | None) for row in values) for column in range(len(names))]
    numbers = [percent if is_share(name) else rounded for name in names]
    cells = [[escape(cell(value, number)) for value, number in zip(row, numbers, strict=True)] for row in values]
    with _opened(args.output) as file:
        lines = laid_out([escape(name) for name in names], cells, right, _width_of(file, args)) if cells else iter(("no rows\n",))
        text = "".join(lines)
        file.write(_for_eyes(text) if file is sys.stdout else text.encode("utf-8"))


def note(sentence: str) -> None:
    """Write a sentence to standard error, after the name of the program.

    Args:
        sentence: Ours; what strangers wrote in it must be escaped already.
    """
    whole = f"tlsrpt: {sentence}\n"
    if sys.stderr.isatty():
        whole = folded(whole, shutil.get_terminal_size().columns)
    sys.stderr.write(whole)
    sys.stderr.flush()


def prose(text: str) -> None:
    """Write prose to standard output, folded between words on a terminal; what strangers wrote in it must be escaped already."""
    sys.stdout.write(_for_eyes(folded(text, _width_of(sys.stdout))))


def deliver_text(text: str, args: argparse.Namespace, *, folds: bool = True) -> None:
    """Write prose where `--output` says; what strangers wrote in it must be escaped already.

    Args:
        text: Lines of prose, each ended or not.
        args: With `--output` and perhaps `--wide`.
        folds: Whether it is folded between words on a terminal; files that somebody copies are not.

    Raises:
        InputError: The file cannot be written.
    """
    with _opened(args.output) as file:
        told = _for_eyes(folded(text, _width_of(file, args))) if folds and file is sys.stdout else text
        file.write(told if file is sys.stdout else told.encode("utf-8"))


@contextmanager
def _opened(name: str | None) -> Iterator[IO[Any]]:
    if name is None:
        yield sys.stdout
        return
    try:
        with Path(name).open("wb") as file:
            yield file
    except OSError as err:
        raise InputError(f"{name} cannot be written: {err.strerror or err}") from err


def write(table: pa.Table, *, format: Format = "table", file: IO[Any] | None = None, header: bool = True, wide: bool = False) -> None:
    """Write rows.

    Args:
        table: The rows.
        format: table (for eyes), json (one array of objects), csv (for spreadsheets) or parquet.
        file: A text or binary stream; standard output where it is not given.
        header: Whether the CSV begins with the names of the columns; without, it goes on with what was written before.
        wide: Whether a table may be wider than the terminal.

    Raises:
        UsageError: Parquet would go to a terminal.
    """
    stream: Any = sys.stdout if file is None else file
    if format == "parquet":
        _write_parquet(table, stream)
        return
    binary = isinstance(stream, io.RawIOBase | io.BufferedIOBase)
    if format == "csv":
        texts = _csv(table.column_names, _rows(table), header=header)
    else:
        texts = _json(table) if format == "json" else _table(table, None if wide else _width_of(stream))
    for text in texts:
        stream.write(text.encode("utf-8") if binary else _for_eyes(text, stream) if format == "table" else text)


def _for_eyes(text: str, stream: IO[Any] | None = None) -> str:
    return coloured(text) if wants_colour(sys.stdout if stream is None else stream) else text


def _rows(table: pa.Table) -> Iterator[tuple[object, ...]]:
    """Yield rows as tuples, a batch at a time; two columns may have one name."""
    for batch in table.to_batches(max_chunksize=4096):
        yield from zip(*map(_values, batch.columns), strict=True)


def _values(column: pa.Array[Any]) -> list[object]:
    """Return a column as Python values; a day or a moment that Python has none for, of the year 300,000 or infinity, as text."""
    try:
        values: list[object] = column.to_pylist()
    except (OverflowError, ValueError):
        return [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        if hasattr(scalar, "values") and not hasattr(scalar, "keys"):
            return [_value(each) for each in scalar.values]
        return f"beyond the calendar ({scalar.value})" if hasattr(scalar, "value") else "beyond the calendar"


def _table(table: pa.Table, width: int | None) -> Iterator[str]:
    import pyarrow.types as kinds

    numbers = [
        percent if is_share(name) and kinds.is_floating(kind) else rounded
        for name, kind in zip(table.column_names, table.schema.types, strict=True)
    ]
    rows = [[escape(cell(value, number)) for value, number in zip(row, numbers, strict=True)] for row in _rows(table)]
    if not rows:
        return iter(("no rows\n",))
    right = [kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind) for kind in table.schema.types]
    return laid_out([escape(name) for name in table.column_names], rows, right, width)


def _json(table: pa.Table) -> Iterator[str]:
    names = [json_text(name) for name in table.column_names]
    before = "["
    for row in _rows(table):
        yield f"{before}{{{', '.join(f'{name}: {json_text(value)}' for name, value in zip(names, row, strict=True))}}}"
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]], *, header: bool = True) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if header:
        writer.writerow([neutralise(name) for name in names])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _csv_cell(value: object) -> object:
    """Leave numbers alone, and make everything else text that does nothing."""
    return value if type(value) in (int, float) and value == value else neutralise(cell(value, rounded))  # noqa: PLR0124 -- NaN is empty


def _width_of(stream: IO[Any], args: argparse.Namespace | None = None) -> int | None:
    """Return the width of the terminal behind a stream; None where it is a file or a pipe, which take any, and with `--wide`."""
    return shutil.get_terminal_size().columns if stream.isatty() and not getattr(args, "wide", False) else None


def _write_parquet(table: pa.Table, stream: IO[Any]) -> None:
    import pyarrow.parquet as pq

    if stream.isatty():
        raise UsageError("parquet is binary; name a file with --output")
    try:
        pq.write_table(table, getattr(stream, "buffer", stream), compression="zstd")
    except NotImplementedError as err:
        raise UsageError(f"parquet cannot hold such a column: {escape(str(err)[:200])}; cast it to varchar") from err
