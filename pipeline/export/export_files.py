"""The file that is handed over: a DuckDB database, one table as Parquet, or all tables as CSV in a zip archive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.errors import InputError, UsageError
from pipeline.export.extract import VIEWS, about, chunks, grain, meaning

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.export.extract import ExtractPart
    from pipeline.query import Lake

_DUCKDB_FORMAT = "v1.2.0"
"""The oldest DuckDB that shall read what is handed over."""


def write_file(lake: Lake, part: ExtractPart, path: Path, *, table: str, force: bool = False) -> int:
    """Write a part of the lake to a file, all or nothing; returns how many rows.

    Args:
        lake: Where from.
        part: Which part.
        path: Its ending says the kind: `.duckdb`, `.parquet` or `.csv.zip`.
        table: The one table of a Parquet file.
        force: Replace what is there.

    Raises:
        UsageError: The ending is another, or something is there and `force` is not given.
        InputError: The file cannot be written.
        LakeError: The lake cannot be read.
    """
    write = next((kind for ending, kind in _KINDS.items() if path.name.endswith(ending)), None)
    if write is None:
        raise UsageError(f"the file name decides the format: {', '.join(_KINDS)}, which {path.name!r} does not")
    if path.exists() and not force:
        raise UsageError(f"{path} already exists; use --force to replace it")
    try:
        # Beside it, so that it can be moved into its place at once.
        home = Path(tempfile.mkdtemp(prefix=".tlsrpt-export-", dir=path.absolute().parent))
        try:
            rows = write(lake, part, home / "file", table)
            (home / "file").replace(path)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    except OSError as err:
        raise InputError(f"{path} cannot be written: {err.strerror or err}") from err
    return rows


def _duckdb(lake: Lake, part: ExtractPart, path: Path, _table: str) -> int:
    import duckdb

    rows = 0
    try:
        with duckdb.connect(str(path), config={"storage_compatibility_version": _DUCKDB_FORMAT}) as connection:
            connection.execute("create table about (name varchar, value varchar)")
            connection.executemany("insert into about values ($1, $2)", list(about(lake, part).items()))
            for table in VIEWS:
                for number, chunk in enumerate(chunks(lake, table, part)):
                    connection.register("chunk", chunk)
                    begin = f"insert into {table}" if number else f"create table {table} as"
                    connection.execute(f"{begin} select * from chunk")  # noqa: S608 -- names of ours
                    connection.unregister("chunk")
                    rows += chunk.num_rows
                    if not number:
                        _comment(connection, table, chunk.schema)
    except duckdb.IOException as err:
        raise InputError(f"the database cannot be written: {str(err).splitlines()[0]}") from err
    return rows


def _comment(connection: object, table: str, schema: pa.Schema) -> None:
    """Tell DuckDB what a table and its columns mean. All names and texts are ours."""
    execute = connection.execute  # type: ignore[attr-defined]  # duckdb is imported where it is needed
    execute(f"comment on table {table} is {_literal(grain(table))}")
    for name in schema.names:
        execute(f"comment on column {table}.{name} is {_literal(_sentence(table, name))}")


def _parquet(lake: Lake, part: ExtractPart, path: Path, table: str) -> int:
    import pyarrow.parquet as pq

    rows = 0
    parts = chunks(lake, table, part)
    first = next(parts)
    schema = first.schema.with_metadata({**(first.schema.metadata or {}), **about(lake, part)})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for chunk in chain((first,), parts):
            writer.write_table(chunk.replace_schema_metadata(schema.metadata))
            rows += chunk.num_rows
    return rows


def _csv_zip(lake: Lake, part: ExtractPart, path: Path, _table: str) -> int:
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    import pyarrow as pa

    rows = 0
    described: list[tuple[str, str, str, str, str, str]] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:

        def member(name: str) -> ZipInfo:
            entry = ZipInfo(name)  # of 1980: the same rows make the same bytes
            entry.compress_type = ZIP_DEFLATED
            return entry

        for table in VIEWS:
            with archive.open(member(f"{table}.csv"), "w", force_zip64=True) as file:
                for number, chunk in enumerate(chunks(lake, table, part)):
                    output.write(chunk, format="csv", file=file, header=not number)
                    rows += chunk.num_rows
                    if not number:
                        described += [(table, field.name, str(field.type), *meaning(table, field.name)) for field in chunk.schema]
        names = ("table", "column", "type", "meaning", "unit", "source")
        columns = pa.table(dict(zip(names, zip(*described, strict=True), strict=True)))
        whole = pa.table({"name": list(about(lake, part)), "value": list(about(lake, part).values())})
        for name, table_of_it in (("columns.csv", columns), ("about.csv", whole)):
            with archive.open(member(name), "w") as file:
                output.write(table_of_it, format="csv", file=file)
    return rows


_KINDS: dict[str, Callable[[Lake, ExtractPart, Path, str], int]] = {".duckdb": _duckdb, ".parquet": _parquet, ".csv.zip": _csv_zip}


def _sentence(table: str, column: str) -> str:
    found = meaning(table, column)
    return found.meaning + (f" [{found.unit}]" if found.unit else "") + (f" ({found.source})" if found.source else "")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
