# ruff: noqa: E501, S608 -- a grammar is lists of words, and what it writes is not run where it could do harm
"""A grammar that writes SQL, and what none of it may do: `python -m tests.soak.fuzz_sql --statements 1000000 --commands 5000`.

The grammar knows every function, table function and pragma that DuckDB lists, the paths of the lake, of a home and of a temporary folder. Each
statement is run as a stranger would run it, and every third by the engine alone, as if the check had missed it. What the check lets through
runs on the same locked engine as ever; only one in five opens a cursor of its own and is written out, the others share one cursor for a block,
and most statements ask rows that are made up instead of the views: what may do harm is a function, and planning the views takes ten times as
long as the rest. A finding is a byte changed in the lake, a file left anywhere, an error that is not a sentence or that blames the lake, or a
statement or a process that outlives its limit by more than a little. The lake, home and temporary folder are looked at every hundred
statements and hashed at the end of every block. Of the commands every twentieth is a process of its own, the others are forks of one that has
everything imported.

With `--progress FILE` each block that is done becomes a line of the file, and a later start goes on behind it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.commands.sql import _bounded
from pipeline.config import Settings
from pipeline.errors import SqlError, TryAgainError, UsageError
from pipeline.output import write
from pipeline.query import Lake, guard, open_lake
from pipeline.settings.single_tables import QuerySettings
from tests.forks import Forks, forks
from tests.query import small_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 1.0
HALTED_SECONDS = 3600.0
"""So long a statement may take by the clock, whatever it costs."""
BLOCK = 2_000
"""Statements that share a seed, a cursor and a hash of the lake."""
COMMANDS = 50
"""Commands that do."""
PATIENCE = 20.0
"""How long after its limit a statement may take: one function on one large text is not interrupted."""
VIEWS = (
    "sessions",
    "session_parts",
    "mentions",
    "policies",
    "failures",
    "reports",
    "messages",
    "raw",
    "superseded",
    "checks",
    "counted_policies",
)
MADE_UP = (
    "range(10) t(x)", "(values (1, 'a'), (null, '')) t(x, report_domain)", "(select 1::bigint as sessions, 'x' as x, {'a': [1]} as quirks) t",
    "(values (date '2026-05-03', timestamptz '2026-05-03 00:00:00Z', '\xff'::blob)) t(report_day, received_at, x)", "generate_series(3) t(x)",
)  # fmt: skip
COLUMNS = (
    "report_key",
    "report_domain",
    "sessions",
    "failed",
    "report_day",
    "success_count",
    "quirks",
    "policy_strings",
    "received_at",
    "x",
    "*",
)
TYPES = (
    "int", "bigint", "hugeint", "uhugeint", "double", "decimal(38,10)", "varchar", "blob", "date", "timestamp", "timestamptz", "timestamp_s",
    "timestamp_ns", "time", "timetz", "interval", "bool", "uuid", "bit", "json", "int[]", "varchar[3]", "struct(a int)", "map(int, varchar)",
    "union(a int, b varchar)", "enum('a', 'b')", "variant", "tinyint", "float", "bignum", "varint",
)  # fmt: skip
TEXTS = (
    "", "a", "infinity", "-infinity", "nan", "294247-01-10", "5877642-06-25 (BC)", "290309-12-22 (BC) 00:00:00", "9999-12-31", "1e308", "-1", "0",
    "99999999999999999999999999999999999999", "{\"a\": [1, null]}", "[1, 2]", "{'a': 1}", "\\xff", "\U0001f600", "00:00:00", "24:00:00+15:59:59",
    "178000000 years", "00000000-0000-0000-0000-000000000000", "select 1", "copy (select 1) to '{lake}/f'", "P1Y", "é", "%s%n", "../../etc/passwd",
)  # fmt: skip
FILES = (
    "{lake}/reports/report_month=2026-05/x.parquet", "{lake}/x.csv", "{home}/x", "{temporary}/x", "{lake}", "/etc/passwd", "/dev/null", "/proc/self/environ",
    "tlsrpt://lake/reports/x.parquet", "tlsrpt://lake/../x", "file://{home}/x", "s3://bucket/x", "http://127.0.0.1:1/x", "{data}", "x.db", ":memory:",
)  # fmt: skip
WRITES = (
    "copy (select 1 as a) to '{file}'", "copy (select 1 as a) to '{file}' (format parquet)", "copy reports to '{file}' (format json)", "export database '{file}'",
    "attach '{file}' as z", "create table z as select 1", "create or replace view sessions as select 1", "insert into settings.own values ('x')",
    "delete from settings.own", "drop view sessions", "set temp_directory = '{file}'", "set global threads = 1", "install '{file}'", "load '{file}'",
    "create secret s (type s3)", "create or replace persistent secret s (type s3, key_id 'x')", "pragma enable_profiling = 'json'", "checkpoint", "vacuum",
    "set profiling_output = '{file}'", "call enable_logging(storage = 'file', storage_path = '{file}')", "create macro m() as 1", "use settings",
    "pragma database_list", "update extensions", "detach memory", "set variable lake = 1", "set log_query_path = '{file}'", "create sequence s",
)  # fmt: skip


class Grammar:
    """Writes statements."""

    def __init__(self, seed: int, places: dict[str, str], functions: dict[str, list[str]]) -> None:
        self._random = random.Random(seed)
        self._places, self._functions = places, functions

    def statement(self) -> str:  # noqa: PLR0911
        """One statement, of any kind."""
        kind = self._random.random()
        if kind < 0.62:
            return self._select(self._random.choice((0, 1, 1, 2, 3)))
        if kind < 0.70:
            return self._one(
                "explain ", "explain analyze ", "explain (format json) ", "describe ", "summarize ", "/* x */ explain "
            ) + self._select(2)
        if kind < 0.80:
            return self._write()
        if kind < 0.86:
            return f"with z as ({self._write()}) {self._one('from z', 'select 1', 'select * from sessions, z')}"
        if kind < 0.94:
            return self._hidden()
        if kind < 0.97:
            return f"{self._select(1)}; {self._write()}"
        return self._damaged(self._select(3))

    def _one(self, *choices: str | Callable[[], str]) -> str:
        """Return one of them; what is called when it is chosen costs nothing when it is not."""
        chosen = self._random.choice(choices)
        return chosen if isinstance(chosen, str) else chosen()

    def _filled(self, text: str) -> str:
        for name in ("file", "lake", "home", "temporary", "data"):
            if "{" + name + "}" in text:
                value = self._filled(self._random.choice(FILES)) if name == "file" else self._places[name]
                text = text.replace("{" + name + "}", value)
        return text

    def _text(self, *from_: str) -> str:
        return "'" + self._filled(self._random.choice(from_ or (*TEXTS, *FILES))).replace("'", "''") + "'"

    def _write(self) -> str:
        return self._filled(self._random.choice(WRITES))

    def _hidden(self) -> str:
        text = "'" + self._one(self._write(), f"with z as ({self._write()}) from z", self._select(1)).replace("'", "''") + "'"
        return self._one(
            f"from json_execute_serialized_sql(json_serialize_sql({text}))", f"select * from query({text})", f"from query_table({self._text()})",
            f"select json_serialize_plan({text})", f"pragma json_execute_serialized_sql(json_serialize_sql({text}))",
            f"select (select json_deserialize_sql(json_serialize_sql({text})))", f"from read_csv({self._text(*FILES)})", f"from {self._text(*FILES)}",
            f"execute {text}", f"select {text}::json::varchar", f"from python_map_function({text})", f"call query({text})",
        )  # fmt: skip

    def _select(self, depth: int) -> str:
        shown = ", ".join(self._value(depth) for _ in range(self._random.randint(1, 3)))
        text = f"select {self._one('', '', 'distinct ')}{shown} from {self._from(depth)}"
        if self._random.random() < 0.3:
            text += f" where {self._value(depth - 1)}"
        if self._random.random() < 0.2:
            text += f" group by {self._one('all', '1', 'cube (1)', self._value(1))}"
        if self._random.random() < 0.1:
            text += f" qualify {self._value(1)}"
        if self._random.random() < 0.2:
            text += f" order by {self._one('all', '1', self._value(1))}"
        text += f" limit {self._random.randint(0, 20)}"
        if self._random.random() < 0.15:
            text = f"with x as ({self._select(max(depth - 1, 0))}) {self._one('from x', text)}"
        if self._random.random() < 0.08:
            text += f" {self._one('union all', 'except', 'intersect', 'union all by name')} {self._select(max(depth - 1, 0))}"
        return text

    def _from(self, depth: int) -> str:
        kind = self._random.random()
        if kind < 0.45 or depth <= 0:
            return self._random.choice(VIEWS if self._random.random() < 0.1 else MADE_UP)
        if kind < 0.7:
            return f"{self._random.choice(self._functions['table'])}({self._arguments(depth - 1)})"
        if kind < 0.8:
            return f"({self._select(depth - 1)}) as t(x)"
        if kind < 0.9:
            return f"{self._from(depth - 1)} {self._one('join', 'left join', 'positional join', 'cross join', 'asof join', 'semi join')} {self._from(0)} on true"
        return self._one(
            lambda: self._text(*FILES),
            "range(10) t(x)",
            "duckdb_settings()",
            "information_schema.columns",
            "(values (1), (null)) t(x)",
            "pg_catalog.pg_class",
        )

    def _arguments(self, depth: int) -> str:
        return ", ".join(self._value(depth) for _ in range(self._random.choice((0, 1, 1, 1, 2, 2, 3, 4))))

    def _value(self, depth: int) -> str:
        kind = self._random.random()
        if depth <= 0 or kind < 0.25:
            number = str(self._random.choice((0, 1, -1, 7, 2**31, 2**63, 1e300)))
            column = self._random.choice(COLUMNS[:-1]) if self._random.random() < 0.2 else self._text
            return self._one(column, self._text, number, "null", "true", "[1, 2]")
        if kind < 0.75:
            return f"{self._random.choice(self._functions['scalar'])}({self._arguments(depth - 1)})"
        if kind < 0.86:
            return f"{self._one('cast', 'try_cast')}({self._value(depth - 1)} as {self._random.choice(TYPES)})"
        return self._one(
            lambda: f"({self._select(depth - 1)})", lambda: f"case when {self._value(depth - 1)} then {self._value(depth - 1)} end",
            lambda: f"list_transform({self._value(depth - 1)}, lambda y: {self._value(depth - 1)})", lambda: f"{self._value(depth - 1)} over ()",
            lambda: f"{self._value(depth - 1)} {self._one('+', '||', '=', 'in', 'is distinct from', 'between 1 and', '->>')} {self._value(depth - 1)}",
            lambda: f"columns({self._text()})", lambda: f"{{'a': {self._value(depth - 1)}}}.a", lambda: f"{self._value(depth - 1)} collate nocase", "interval 1 day",
            lambda: f"{self._value(depth - 1)}::{self._random.choice(TYPES)}", lambda: f"exists ({self._select(depth - 1)})", "*", "count(*)", "$p", "current_user",
        )  # fmt: skip

    def _damaged(self, text: str) -> str:
        letters = list(text)
        for _ in range(self._random.randint(1, 4)):
            place = self._random.randrange(len(letters))
            letters[place : place + self._random.randint(0, 3)] = self._one("'", "(", ")", "\0", "--", "/*", ";", "\udc80", '"', "$$", "")
        return "".join(letters)


def functions_of(lake: Lake) -> dict[str, list[str]]:
    """Every function there is: as a value, and as a table."""
    asked = "select distinct function_name as name, function_type as kind from duckdb_functions()"
    rows = lake._engine.run(asked, {}, lake._scope("")).to_pylist()
    names = sorted({row["name"] for row in rows if row["name"].isidentifier()})
    tables = sorted({row["name"] for row in rows if row["kind"] in ("table", "table_macro", "pragma")})
    harmless = [name for name in sorted(guard.allowed_functions().anywhere) if name.isidentifier()]
    # Mostly what may be called: what may not is refused before it does anything.
    return {"scalar": [*names, *harmless * 16], "table": [*tables, *sorted(guard.allowed_functions().as_tables) * 40]}


def fingerprint(*folders: Path) -> str:
    """Names and contents of every file below."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def quick(*folders: Path) -> tuple[Any, ...]:
    """Names, sizes and times of every file below: what a write changes."""
    return tuple(
        (str(path), found.st_size, found.st_mtime_ns) for folder in folders for path in sorted(folder.rglob("*")) if (found := path.stat())
    )


class Clock:
    """Interrupts the statement that runs, once its time is over: one thread for all of them."""

    def __init__(self) -> None:
        self._busy: tuple[Any, float] | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def limit(self, cursor: Any) -> Iterator[None]:
        """Limit what is done inside."""
        self._busy = cursor, time.monotonic()
        try:
            yield
        finally:
            self._busy = None

    def _watch(self) -> None:
        while True:
            time.sleep(0.25)
            if (busy := self._busy) and time.monotonic() - busy[1] > SECONDS:
                busy[0].interrupt()


def in_process(lake: Lake, grammar: Grammar, statements: int, watched: tuple[Path, ...], clock: Clock) -> Counter[str]:
    """Run statements here; raise at the first finding."""
    seen: Counter[str] = Counter()
    before, engine = quick(*watched), lake._engine_for(guests=True)
    with ExitStack() as cursors:
        cursor = _cursor(cursors, lake, engine)
        for number in range(statements):
            sql, begun, spent = grammar.statement(), time.monotonic(), time.process_time()
            try:
                if number % 5 == 0:
                    answer = lake.sql(sql)
                    write(answer.slice(0, 50), format=("table", "json", "csv")[number % 3], file=io.BytesIO())
                    seen["run, the whole way"] += 1
                else:
                    if number % 3 != 2:
                        guard.check(engine, sql)
                    with clock.limit(cursor):
                        _run(cursor, sql)
                    seen["run without the check" if number % 3 == 2 else "run"] += 1
            except (SqlError, UsageError, TryAgainError) as err:
                if "\n" in str(err) or len(str(err)) > 900:
                    raise AssertionError(f"no sentence: {err} of {sql!r}") from err
                seen[type(err).__name__] += 1
            except (duckdb.Error, UnicodeError, ValueError, MemoryError) as err:
                if number % 5 == 0:
                    raise AssertionError(f"{type(err).__name__} {err} of {sql!r}") from err
                if isinstance(err, (duckdb.InternalException, duckdb.FatalException)):  # a fault of DuckDB; the program replaces the engine
                    lake._without(engine)
                    engine = lake._engine_for(guests=True)
                    cursor = _cursor(cursors, lake, engine)
                    seen["engines given up by DuckDB"] += 1
                seen["refused by the engine"] += 1
            except Exception as err:
                raise AssertionError(f"{type(err).__name__} {err} of {sql!r}") from err
            lasted = time.monotonic() - begun
            # A machine that is busy, or a process that was halted, is no fault of the statement.
            assert time.process_time() - spent < SECONDS + PATIENCE, sql
            assert lasted < HALTED_SECONDS, sql
            seen["slowest, ms"] = max(seen["slowest, ms"], int(lasted * 1000))
            if number % 100 == 0:
                assert quick(*watched) == before, f"a file was touched by one of the last hundred statements, the last {sql!r}"
    assert quick(*watched) == before
    seen["statements"] = statements
    return seen


def _cursor(cursors: ExitStack, lake: Lake, engine: Any) -> Any:
    """Open a cursor that knows the lake."""
    cursor = cursors.enter_context(engine._connection.cursor())
    engine._tell(cursor, lake._scope("sessions"))
    return cursor


def _run(cursor: Any, sql: str) -> None:
    """Run a statement as `Engine.run` does, on a cursor that others use, too."""
    with contextmanager(_rolled_back)(cursor):
        cursor.execute("begin transaction read only")
        relation = cursor.sql(sql)
        if relation is not None:
            relation.to_arrow_table()


def _rolled_back(cursor: Any) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(duckdb.TransactionException):  # the statement ended it
            cursor.execute("rollback")


def by_command(  # noqa: PLR0917
    server: Forks, lake: Path, grammar: Grammar, commands: int, places: dict[str, str], watched: tuple[Path, ...]
) -> Counter[str]:
    """Run statements through the command line; raise at the first finding."""
    seen: Counter[str] = Counter()
    gc.collect()  # an engine of the part before that was given up takes its temporary folder with it
    before = quick(*watched)
    environment = {"HOME": places["home"], "TMPDIR": places["temporary"], "TLSRPT_QUERY__SECONDS": str(SECONDS)}
    for number in range(commands):
        sql = grammar.statement().replace("\0", " ").encode("utf-8", "replace").decode()
        words, begun = ["--lake", str(lake), "sql", "--format", "json", "--", sql], time.monotonic()
        code, told = _started(words, environment) if number % 20 == 0 else _forked(server, words, environment)
        seen["slowest, ms"] = max(seen["slowest, ms"], int((time.monotonic() - begun) * 1000))
        assert code in (0, 2, 65, 75), (sql, code, told)
        assert "Traceback" not in told, (sql, told)
        assert "ESCAPED" not in told, (sql, told)
        after = quick(*watched)
        assert after == before, (sql, sorted(set(after) ^ set(before)))
        seen[f"exit {code}"] += 1
        seen["commands"] += 1
    return seen


def _started(words: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command as a process of its own; return its exit code and what it said on standard error."""
    command = [sys.executable, "-P", "-m", "pipeline.cli", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, cwd=environment["HOME"], timeout=120
    )
    return done.returncode, done.stderr


def _forked(server: Forks, words: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command in a fork, and end it where it outlives its limit by far."""
    pid = server.begin(*words, **environment, TLSRPT_TEST_FOLDER=environment["HOME"])
    clock = threading.Timer(120, os.kill, (pid, signal.SIGKILL))
    clock.start()
    done = server.end(pid)
    clock.cancel()
    return (-done.signal if done.signal else done.code), done.err


class Progress:
    """What became of the blocks that are done, in a file of one line each where there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._done = [json.loads(line) for line in lines]

    def next_block(self, kind: str) -> int:
        """Return the first that is not done."""
        return sum(each["kind"] == kind for each in self._done)

    def note(self, kind: str, block: int, found: Counter[str], seconds: float) -> None:
        """Write down that a block is done."""
        line = {"kind": kind, "block": block, "seconds": round(seconds, 1), **found}
        self._done.append(line)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def total(self, kind: str) -> Counter[str]:
        """Return the sums, and the slowest."""
        total: Counter[str] = Counter()
        for each in self._done:
            if each["kind"] == kind:
                slowest = max(total["slowest, ms"], each["slowest, ms"])
                total.update({name: value for name, value in each.items() if name not in ("kind", "block")})
                total["slowest, ms"] = slowest
        return total


def campaign(
    folder: Path,
    *,
    statements: int,
    commands: int,
    seed: int,
    seconds: float = float("inf"),
    threads: int = 2,
    progress: Path | None = None,
) -> dict[str, Counter[str]]:
    """Make a lake that can be written to, and try to."""
    places = {name: str(folder / name) for name in ("lake", "home", "temporary")}
    for name in ("home", "temporary"):
        (folder / name).mkdir(parents=True)
    where = small_lake.build(folder / "lake")
    places["data"] = str(next((where / "reports").rglob("*.parquet")))
    tempfile.tempdir = str(folder / "engines")
    (folder / "engines").mkdir()
    os.chdir(folder / "home")
    begun, done = time.monotonic(), Progress(progress)
    with (
        open_lake(where, settings=Settings(query=QuerySettings(seconds=SECONDS, memory="500 MB", spill="200 MB", threads=threads))) as lake,
        forks() as server,
    ):
        functions, clock = functions_of(lake), Clock()
        watched = (where, folder / "home", folder / "temporary")
        before, right = fingerprint(*watched), lake.ask("success_rate", **small_lake.PERIOD)
        reports = lake.sql("select count(*) as n from reports").to_pylist()[0]["n"]

        def blocks(kind: str, wanted: int, size: int, until: float) -> None:
            for block in count(done.next_block(kind)):
                if block * size >= wanted or time.monotonic() > until:
                    return
                some, started = min(size, wanted - block * size), time.monotonic()
                grammar = Grammar((seed << 32) + block * 2 + (kind == "by command"), places, functions)
                if kind == "in process":
                    with _bounded(500 * 10**6):  # as the command does it: DuckDB does not count what one function makes
                        found = in_process(lake, grammar, some, watched, clock)
                else:
                    found = by_command(server, where, grammar, some, places, watched)
                assert fingerprint(*watched) == before
                assert lake.ask("success_rate", **small_lake.PERIOD).equals(right)
                assert lake.sql("select count(*) as n from reports").to_pylist() == [{"n": reports}]
                done.note(kind, block, found, time.monotonic() - started)

        blocks("in process", statements, min(BLOCK, statements), begun + seconds * 0.8)
        blocks("by command", commands, min(COMMANDS, commands), begun + seconds)
    return {kind: done.total(kind) for kind in ("in process", "by command")}


def main() -> int:
    """Run it, and print what became of the statements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--commands", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--progress", type=Path, help="a file to note blocks in, and to go on from")
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(
            Path(folder),
            statements=args.statements,
            commands=args.commands,
            seed=args.seed,
            seconds=args.seconds,
            threads=args.threads,
            progress=args.progress and args.progress.absolute(),
        )
    for name, counts in found.items():
        print(name, dict(sorted(counts.items())))
    print(f"{time.monotonic() - begun:.0f} s, seed {args.seed}; no byte changed, no file left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
