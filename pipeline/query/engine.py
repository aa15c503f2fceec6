"""DuckDB in memory over the files of one snapshot: the views, the lock, a cursor for every query.

The connection never holds rows of the lake and never writes: it has the views of `views.sql`, and each cursor is told in one bound variable
which files it may read. So a new snapshot needs no new connection, and a question about two months opens the files of two months.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.query.describe import Views, comments, views_of
from pipeline.query.habits import SAME_SESSIONS, Habits
from pipeline.query.texts import view_text
from pipeline.schema import TABLES, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fsspec import AbstractFileSystem

    from pipeline.config import Settings

NO_MONTH = "0000-00"
CONTESTED = ("reports", "policies", "failures")
"""The tables whose rows a better report can supersede."""


class Scope(NamedTuple):
    """What one cursor may see."""

    files: Mapping[str, Sequence[str]]
    """The Parquet files of each table."""
    floor: int
    batch: int
    contested: Mapping[str, Sequence[str]] = MappingProxyType({})
    """Those of `reports`, `policies` and `failures` in whose month something was superseded; they are not among `files`."""
    habits: Habits = Habits()


_LEARNED = re.compile(r"session|mentions|submitters|row_parts|apart", re.IGNORECASE)


def needs_habits(sql: str) -> bool:
    """Say whether a statement may ask what depends on the habits; others are not held up by reading the whole lake."""
    return _LEARNED.search(sql) is not None


class Engine:
    """One locked-down in-memory DuckDB with the views of the lake."""

    def __init__(self, root: str, settings: Settings, files: AbstractFileSystem | None = None, *, hosts: bool = False) -> None:
        """Make the views.

        Args:
            root: The folder of the lake, or its address: with the temporary folder of this engine, the only one that can be read.
            files: How DuckDB reads what lies there; None for a folder.
            settings: Whose tiers and domains count, and how much memory and how many threads DuckDB may take.
            hosts: Whether MX hosts have reports of their own; views that mind it take longer to plan.
        """
        self._counted_tiers = list(settings.trust.count)
        self._temporary = Path(tempfile.mkdtemp(prefix="tlsrpt-"))
        # A reader that is killed leaves an almost empty folder in the temporary directory, one that just ends leaves nothing.
        self._clean_up = weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        self._root, self._alias = root, self._alias_of(root)
        self._empty = {name: _empty_file(self._temporary, name) for name in TABLES}
        self._connection = duckdb.connect(
            config={
                "threads": settings.query.threads,
                "memory_limit": settings.query.memory,
                "temp_directory": str(self._temporary / "spill"),
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._files = files
        if files is not None:
            self._connection.register_filesystem(files)
        self._views: Views | None = None
        self._describing = threading.Lock()
        self._prepare(settings, hosts=hosts)
        self._lock_down(root)

    def _alias_of(self, root: str) -> str:
        """Return the path DuckDB knows the lake by: a `name=value` among the folders above it is no partition of ours."""
        if "=" not in root or "://" in root:
            return root
        alias = self._temporary / "lake"
        alias.symlink_to(root)
        return str(alias)

    def _prepare(self, settings: Settings, *, hosts: bool) -> None:
        connection = self._connection
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute("create schema settings")
        connection.execute("create table settings.own as select unnest($own::varchar[]) as domain", {"own": list(settings.domains.own)})
        connection.execute("create table settings.mx as select unnest($mx::varchar[]) as host", {"mx": list(settings.domains.mx)})
        self._tell(connection, Scope({}, 0, -1))
        ours = "ours_every_domain" if not settings.domains.own else "ours_own_domains_and_mx" if settings.domains.mx else "ours_own_domains"
        for name in ("tables", ours, "counted", "parts_with_hosts" if hosts else "parts", "sessions"):
            connection.execute(view_text(name))

    def _lock_down(self, root: str) -> None:
        # A path cannot be bound in `set`; DuckDB's own quoting of a string literal is all that is needed.
        allowed = ", ".join("'" + str(folder).replace("'", "''") + "'" for folder in (root, self._temporary))
        self._connection.execute(f"set allowed_directories = [{allowed}]")
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")

    def _tell(self, cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
        lake: dict[str, Any] = {name: self._paths(name, scope.files) for name in TABLES}
        lake |= {f"{name}_contested": self._paths(name, scope.contested) for name in CONTESTED}
        lake |= {"floor": scope.floor, "batch": scope.batch, "counted_tiers": self._counted_tiers}
        lake |= {"same_sessions": list(SAME_SESSIONS)}
        lake |= {name: list(getattr(scope.habits, name)) for name in Habits._fields}
        cursor.execute("set variable lake = $lake", {"lake": lake})

    def _paths(self, table: str, files: Mapping[str, Sequence[str]]) -> list[str]:
        paths = files.get(table, ())
        if self._alias != self._root:
            paths = [self._alias + path.removeprefix(self._root) for path in paths]
        return [self._empty[table], *paths]

    def run(self, sql: str, parameters: Mapping[str, Any], scope: Scope) -> pa.Table:
        """Run one statement on a cursor of its own and return all rows.

        Raises:
            duckdb.Error: As DuckDB says it.
        """
        with self._connection.cursor() as cursor:
            self._tell(cursor, scope)
            # Nothing a statement does may outlive it, whatever the guard let through.
            cursor.execute("begin transaction read only")
            answer: pa.Table = cursor.sql(sql, params=dict(parameters)).to_arrow_table()
            return answer

    def statements(self, sql: str) -> list[duckdb.Statement]:
        """Return the statements of a text as DuckDB parses it.

        Raises:
            duckdb.Error: It does not parse.
        """
        return self._connection.extract_statements(sql)

    def tree(self, sql: str) -> str:
        """Return the parse tree of one SELECT as JSON; a JSON error where it is something else."""
        with self._connection.cursor() as cursor:
            row = cursor.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchone()
        return str(row[0]) if row else "{}"

    def views(self) -> Views:
        """Return the views and what their columns mean; from the first look on, DuckDB knows it, too (`duckdb_columns()`)."""
        with self._describing:
            if self._views is None:
                with self._connection.cursor() as cursor:
                    self._views = views_of(cursor)
                    cursor.execute("".join(("begin;", *comments(self._views), "commit;")))
            return self._views

    def close(self) -> None:
        """Close the connection and remove the temporary folder."""
        if self._files is not None:
            self._connection.unregister_filesystem(str(self._files.protocol))
        self._connection.close()
        self._clean_up()


def all_views() -> Views:
    """Return the views and what their columns mean, without a lake."""
    from pipeline.config import Settings

    engine = Engine("/nowhere", Settings())
    try:
        return engine.views()
    finally:
        engine.close()


def _empty_file(folder: Path, name: str) -> str:
    """Write a Parquet file without rows, so that a view over a table without files has its columns and their types."""
    partition = TABLES[name].partition
    home = folder / name / f"{partition}={NO_MONTH}"
    home.mkdir(parents=True)
    path = home / "none.parquet"
    schema = arrow_schema(name)
    # Not Schema.empty_table, which imports pandas: a quarter of a second for every command.
    pq.write_table(pa.Table.from_batches([], schema=schema.remove(schema.get_field_index(partition))), path)
    return str(path)
