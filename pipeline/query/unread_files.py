"""What DuckDB says when it cannot read a data file, told from what it says of a statement that is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from pipeline.query import guard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.query.engine import Engine

_BROKEN = re.compile("parquet|magic bytes|footer|stats|(read|reading) file|thrift|TProtocol|decompress|snappy|zstd", re.IGNORECASE)
"""What DuckDB says of a file that it cannot make sense of, before it quotes anything; no function that may be called says so."""
_STATEMENTS_FAULT = (
    duckdb.PermissionException,  # what a stranger's SQL may not read is not a fault of the lake, whatever its name ends with
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
)
"""Never raised for a damaged file."""
_QUOTE = re.compile("['\"\n]")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception): ")
"""The last part of a traceback: what was raised, and why."""


def why_unread(err: duckdb.Error, engines: Iterable[Engine]) -> Exception | None:
    """Return why a file could not be read, where that is what went wrong: DuckDB says it, or wraps what the files met."""
    if isinstance(err, _STATEMENTS_FAULT):
        return None
    # An error without a kind comes from what reads a file: Python, or the parser of its footer.
    if isinstance(err, duckdb.IOException) or type(err) is duckdb.Error or _BROKEN.search(_QUOTE.split(str(err), maxsplit=1)[0]):
        # Of a file opened through Python DuckDB tells the whole traceback; the reason begins with the name of the last error in it.
        said = str(err)
        reasons = [line.strip() for line in said.splitlines() if _RAISED.match(line)]
        return OSError(guard.sentence(reasons[-1] if reasons else said))
    met = [engine.files.met() for engine in engines if engine.files is not None]
    return next(filter(None, met), None)
