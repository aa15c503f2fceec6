"""DuckDB in memory over the files of one snapshot: the views, the lock, a cursor for every query.

There are two kinds: one for our own questions, which reads the files of the lake as they lie, and one for a stranger's SQL (`guests`),
which has no files at all but what `GuestFiles` shows it.

The connection never holds rows of the lake and never writes: it has the views of `views.sql`, and each cursor is told in one bound variable
which files it may read. So a new snapshot needs no new connection, and a question about two months opens the files of two months.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import threading
import warnings
import weakref
from contextlib import contextmanager, suppress
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.query.catalogue import view_texts
from pipeline.query.describe import Views, comments, views_of
from pipeline.query.marked_rows import no_marks
from pipeline.query.month_sums import SCHEMA, to_bytes
from pipeline.query.scope import CONTESTED, Scope
from pipeline.query.submitter_habits import SAME_SESSIONS, Habits
from pipeline.tables.schema import TABLES, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fsspec import AbstractFileSystem

    from pipeline.config import Settings
    from pipeline.query.scope import Marks

# Of an answer that is no relation it says that its rows are copied: those of our questions are few, and those of an export are a relation.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning, module=__name__.replace(".", r"\."))

_EMPTY_FILE = "{}=0000-00/none.parquet"
_EMPTY_SUMS = "sums/none.parquet"
_NO_MARKS = "marks/none.parquet"
_MOST_MARKS = 1_000
"""So many files with marked rows are kept, those asked for last."""
_AGAIN_SECONDS = 0.5
"""How often a query is interrupted whose time is over, until it ends."""
_KINDS = {
    "FATAL": duckdb.FatalException,
    "INTERNAL": duckdb.InternalException,
    "INTERRUPT": duckdb.InterruptException,
    "IO": duckdb.IOException,
    "Out of Memory": duckdb.OutOfMemoryException,
    "Permission": duckdb.PermissionException,
}
"""Errors of which somebody asks what they are, by how their texts begin."""
_KIND = re.compile(r"([A-Za-z ]+) Error: ")


_LEARNED = re.compile(r"session|mentions|submitters|row_parts|apart|is_rated|is_loop", re.IGNORECASE)


def needs_habits(sql: str) -> bool:
    """Say whether a statement may ask what depends on the habits; others are not held up by reading the whole lake."""
    return _LEARNED.search(sql) is not None


class Engine:
    """One locked-down in-memory DuckDB with the views of the lake."""

    def __init__(
        self, root: str, settings: Settings, files: AbstractFileSystem | None = None, *, guests: bool = False, hosts: bool = False
    ) -> None:
        """Make the views.

        Args:
            root: The folder of the lake, or its address: with the temporary folder of this engine, the only one that can be read.
            files: How DuckDB reads what lies there; None for a folder.
            settings: Whose tiers and domains count, who may see which domains, and how much memory and how many threads DuckDB may take.
            hosts: Whether MX hosts have reports of their own; views that mind it take longer to plan.
            guests: Whether it runs a stranger's SQL: then only `GuestFiles` can be read.
        """
        self._seconds = settings.query.seconds
        self._answer_bytes = settings.query.memory_bytes if guests else 0
        self._limits = settings.report_limits
        self._counted_tiers = list(settings.trust.count)
        self._audience = settings.audience
        self._salt = secrets.token_hex(16) if settings.audience else ""
        self._temporary = Path(tempfile.mkdtemp(prefix="tlsrpt-"))
        # A reader that is killed leaves an almost empty folder in the temporary directory, one that just ends leaves nothing.
        self._clean_up = weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        self._root = root
        self._shown: dict[str, bytes] | None = None
        self._kept: dict[str, None] = {}
        self._keeping = threading.Lock()
        if guests:
            from pipeline.query.guest_files import EMPTY, ROOT, GuestFiles

            self._shown = {name: content() for name, content in _typed_files().values()}
            files, self._alias, made = GuestFiles(root, files, self._shown), ROOT, EMPTY
        else:
            self._alias, made = self._alias_of(root), str(self._temporary)
            for name, content in _typed_files().values():
                (self._temporary / name).parent.mkdir(parents=True, exist_ok=True)
                (self._temporary / name).write_bytes(content())
        self._empty = {what: f"{made}/{name}" for what, (name, _) in _typed_files().items()}
        self._connection = duckdb.connect(
            config={
                "threads": settings.query.threads,
                "memory_limit": settings.query.memory,
                "temp_directory": str(self._temporary / "spill"),
                "max_temp_directory_size": settings.query.spill,
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self.files: Any = files
        """How DuckDB reads the files; None where it does so by itself."""
        if files is not None:
            self._connection.register_filesystem(files)
        self._views: Views | None = None
        self._describing = threading.Lock()
        self._prepare(settings, hosts=hosts)
        self._lock_down(*([self._alias] if guests else [root, str(self._temporary)]))

    def _alias_of(self, root: str) -> str:
        """Return the path DuckDB knows the lake by: a `name=value` among the folders above it is not a partition of ours."""
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
        sight = "whole" if self._audience is None else "group"
        parts = "parts_with_hosts" if hosts else "parts"
        for name in ("tables", sight, "rows", ours, "counted", parts, "sessions", "runs", "sums"):
            connection.execute(view_texts()[name])

    def _lock_down(self, *folders: str) -> None:
        # A path cannot be bound in `set`; DuckDB's own quoting of a string literal is all that is needed.
        allowed = ", ".join("'" + folder.replace("'", "''") + "'" for folder in folders)
        self._connection.execute(f"set allowed_directories = [{allowed}]")
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")

    def _tell(self, cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
        lake: dict[str, Any] = {name: self._paths(name, scope.files) for name in TABLES}
        lake |= {f"{name}_contested": self._paths(name, scope.contested) for name in CONTESTED}
        lake |= {
            "floor": scope.floor,
            "batch": scope.batch,
            "counted_tiers": self._counted_tiers,
            "runs": scope.runs,
            "root": self._alias,
            "once_bounded": scope.once_bounded,
            "marked": [self._empty["policies"], *self._aliased(scope.marked)],
        }
        lake |= {"policy_sessions": self._limits.policy_sessions, "report_sessions": self._limits.report_sessions}
        lake |= {name: [self._empty["sums"], *self._aliased(getattr(scope, name))] for name in ("sums_whole", "sums_part")}
        lake["marks"] = [self._empty["marks"], *map(self._marks_path, scope.marks)]
        lake |= {"same_sessions": list(SAME_SESSIONS)}
        if self._audience is not None:
            lake |= {"seen": list(self._audience.domains), "seen_below": list(self._audience.below), "salt": self._salt}
        lake |= {name: list(getattr(scope.habits, name)) for name in Habits._fields}
        lake["same"] += SAME_SESSIONS
        cursor.execute("set variable lake = $lake", {"lake": lake})

    def _paths(self, table: str, files: Mapping[str, Sequence[str]]) -> list[str]:
        return [self._empty[table], *self._aliased(files.get(table, ()))]

    def _marks_path(self, marks: Marks) -> str:
        """Return where marked rows are, written or shown when they are first asked for; those asked for last are kept."""
        name = f"marks/{marks.name}.parquet"
        with self._keeping:
            if name not in self._kept:
                self._keep(name, marks.content)
            self._kept.pop(name, None)
            self._kept[name] = None  # as the last
            while len(self._kept) > _MOST_MARKS:
                # A statement that is about to read them opens the lake once more.
                self._let_go(next(iter(self._kept)))
        return self._empty["marks"].replace(_NO_MARKS, name)

    def _keep(self, name: str, content: bytes) -> None:
        if self._shown is not None:
            self._shown[name] = content
        else:
            (self._temporary / name).write_bytes(content)

    def _let_go(self, name: str) -> None:
        del self._kept[name]
        if self._shown is not None:
            self._shown.pop(name, None)
        else:
            (self._temporary / name).unlink(missing_ok=True)

    def _aliased(self, paths: Sequence[str]) -> Sequence[str]:
        return paths if self._alias == self._root else [self._alias + path.removeprefix(self._root) for path in paths]

    def run(self, sql: str, parameters: Mapping[str, Any], scope: Scope, *, limited: bool = True) -> pa.Table:
        """Run one statement on a cursor of its own and return all rows.

        Args:
            sql: The statement.
            parameters: By the names that it has after `$`.
            scope: What it may see.
            limited: Whether it is cut off after [query] seconds.

        Raises:
            duckdb.Error: As DuckDB says it; `duckdb.InterruptException` when its time is over, `duckdb.OutOfMemoryException` where it, or
                the answer to a stranger, is larger than [query] memory.
        """
        with self._connection.cursor() as cursor, _cut_off(cursor, self._seconds if limited else 0):
            self._tell(cursor, scope)
            # Nothing a statement does may outlive it, whatever the guard let through.
            cursor.execute("begin transaction read only")
            try:
                answer: pa.Table | None = None
                if limited and not self._answer_bytes:
                    # A relation is planned when it is made, and again when it is asked: a third of what a question of a small lake takes.
                    answer = cursor.execute(sql, dict(parameters)).to_arrow_table()
                elif (relation := cursor.sql(sql, params=dict(parameters))) is not None:
                    answer = _within(relation, self._answer_bytes) if self._answer_bytes else relation.to_arrow_table()
                if answer is None:  # a comment, or what has no rows
                    raise duckdb.InvalidInputException("there is nothing that has an answer")
            except RuntimeError as err:  # the reason holds bytes of a damaged file that are no text
                raise duckdb.Error("what DuckDB says of it is no text") from err
            return answer

    def type_of(self, name: str) -> duckdb.sqltypes.DuckDBPyType:
        """Return a type by its name; `duckdb.type` would open a database of its own for it."""
        return self._connection.type(name)

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

    @cached_property
    def known(self) -> frozenset[str]:
        """What DuckDB has functions and made-up tables for, in lower case."""
        asked = "select lower(function_name) from duckdb_functions() union select lower(view_name) from duckdb_views() where internal"
        with self._connection.cursor() as cursor:
            return frozenset(row[0] for row in cursor.execute(asked).fetchall())

    def views(self) -> Views:
        """Return the views and what their columns mean; from the first look on, DuckDB knows it, too (`duckdb_columns()`)."""
        with self._describing:
            if self._views is None:
                with self._connection.cursor() as cursor:
                    self._views = views_of(cursor)
                    cursor.execute("".join(("begin;", *comments(self._views), "commit;")))
            return self._views

    def abandon(self) -> None:
        """Remove the temporary folder: the process is about to end in the middle of a query."""
        self._clean_up()

    def close(self) -> None:
        """Close the connection and remove the temporary folder."""
        if self.files is not None:
            self._connection.unregister_filesystem(str(self.files.protocol))
        self._connection.close()
        self._clean_up()


def _within(relation: duckdb.DuckDBPyRelation, most: int) -> pa.Table:
    """Fetch an answer as it is made, and no more than so many bytes of it: DuckDB counts no memory of what it has handed on."""
    reader = relation.to_arrow_reader()
    batches, left = [], most
    try:
        for batch in reader:
            left -= batch.nbytes
            if left < 0:
                raise duckdb.OutOfMemoryException("its answer alone is larger")
            batches.append(batch)
    except OSError as err:  # what DuckDB raises in the middle of an answer; Arrow hands on the text alone
        kind = _KIND.match(str(err))
        raise (_KINDS.get(kind[1], duckdb.DatabaseError) if kind else duckdb.Error)(str(err)) from err
    finally:
        reader.close()
    return pa.Table.from_batches(batches, schema=reader.schema)


@contextmanager
def _cut_off(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what a cursor does after so long; 0: never."""
    if not seconds:
        yield
        return

    def cut() -> None:
        while not done.wait(_AGAIN_SECONDS):  # what has not begun yet is not interrupted
            with suppress(duckdb.Error):
                cursor.interrupt()

    done = threading.Event()
    clock = threading.Timer(seconds, cut)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
        done.set()
        clock.join()  # else it may hold the cursor while the process ends, and DuckDB complains of what was not freed


def all_views() -> Views:
    """Return the views and what their columns mean, without a lake."""
    from pipeline.config import Settings

    engine = Engine("/nowhere", Settings())
    try:
        return engine.views()
    finally:
        engine.close()


def _typed_files() -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Return the Parquet files without rows of all there is to read, so that a view over none has its columns and their types."""
    of_tables = {name: (f"{name}/{_EMPTY_FILE.format(TABLES[name].partition)}", partial(_empty_bytes, name)) for name in TABLES}
    return {**of_tables, "sums": (_EMPTY_SUMS, _no_sums), "marks": (_NO_MARKS, no_marks)}


@cache
def _no_sums() -> bytes:
    return to_bytes(pa.Table.from_batches([], schema=SCHEMA))


@cache
def _empty_bytes(name: str) -> bytes:
    """Return a Parquet file without rows."""
    schema = arrow_schema(name)
    # Not Schema.empty_table, which imports pandas: a quarter of a second for every command.
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([], schema=schema.remove(schema.get_field_index(TABLES[name].partition))), buffer)
    return bytes(buffer.getvalue())
