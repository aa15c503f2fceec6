# ruff: noqa: E501, S608 -- a grammar is lists of words, and what it writes is not run where it could do harm
"""A grammar that writes SQL, and what none of it may do: `python -m tests.soak.fuzz_sql --statements 1000000 --commands 5000`.

The grammar knows every function, table function and pragma that DuckDB lists, the paths of the lake, of a home and of a temporary folder. Each
statement is run as a stranger would run it, and every third by the engine alone, as if the check had missed it. A finding is a byte changed
in the lake, a file left anywhere, an error that is not a sentence, or a statement or a process that outlives its limit by more than a little.
Of the commands every twentieth is a process of its own, the others are forks of one that has everything imported.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config import QuerySettings, Settings
from pipeline.errors import TlsrptError
from pipeline.output import write
from pipeline.query import Lake, guard, open_lake
from tests.forks import Forks, forks
from tests.query import small_lake

SECONDS = 1.0
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

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

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
            return self._random.choice(VIEWS)
        if kind < 0.7:
            return f"{self._random.choice(self._functions['table'])}({self._arguments(depth - 1)})"
        if kind < 0.8:
            return f"({self._select(depth - 1)}) as t(x)"
        if kind < 0.9:
            return f"{self._from(depth - 1)} {self._one('join', 'left join', 'positional join', 'cross join', 'asof join', 'semi join')} {self._from(0)} on true"
        return self._one(
            self._text(*FILES),
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
            column = self._random.choice(COLUMNS[:-1]) if self._random.random() < 0.2 else self._text()
            return self._one(column, self._text(), str(self._random.choice((0, 1, -1, 7, 2**31, 2**63, 1e300))), "null", "true", "[1, 2]")
        if kind < 0.75:
            return f"{self._random.choice(self._functions['scalar'])}({self._arguments(depth - 1)})"
        if kind < 0.86:
            return f"{self._one('cast', 'try_cast')}({self._value(depth - 1)} as {self._random.choice(TYPES)})"
        return self._one(
            f"({self._select(depth - 1)})", f"case when {self._value(depth - 1)} then {self._value(depth - 1)} end",
            f"list_transform({self._value(depth - 1)}, lambda y: {self._value(depth - 1)})", f"{self._value(depth - 1)} over ()",
            f"{self._value(depth - 1)} {self._one('+', '||', '=', 'in', 'is distinct from', 'between 1 and', '->>')} {self._value(depth - 1)}",
            f"columns({self._text()})", f"{{'a': {self._value(depth - 1)}}}.a", f"{self._value(depth - 1)} collate nocase", "interval 1 day",
            f"{self._value(depth - 1)}::{self._random.choice(TYPES)}", f"exists ({self._select(depth - 1)})", "*", "count(*)", "$p", "current_user",
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


def in_process(lake: Lake, grammar: Grammar, statements: int, watched: tuple[Path, ...], *, until: float = float("inf")) -> Counter[str]:
    """Run statements here; raise at the first finding."""
    seen: Counter[str] = Counter()
    before = quick(*watched)
    for number in range(statements):
        if time.monotonic() > until:
            break
        sql, begun = grammar.statement(), time.monotonic()
        try:
            if number % 3 == 2:
                lake._engine_for(guests=True).run(sql, {}, lake._scope(""))
                seen["run without the check"] += 1
            else:
                answer = lake.sql(sql)
                for format in ("table", "json", "csv"):
                    write(answer.slice(0, 50), format=format, file=io.BytesIO())
                seen["run"] += 1
        except TlsrptError as err:
            if "\n" in str(err) or len(str(err)) > 900:
                raise AssertionError(f"no sentence: {err} of {sql!r}") from err
            seen[type(err).__name__] += 1
        except (duckdb.Error, UnicodeError, ValueError) as err:
            if number % 3 != 2:
                raise AssertionError(f"{type(err).__name__} {err} of {sql!r}") from err
            seen["refused by the engine"] += 1
        except Exception as err:
            raise AssertionError(f"{type(err).__name__} {err} of {sql!r}") from err
        assert time.monotonic() - begun < SECONDS + PATIENCE, sql
        seen["slowest, ms"] = max(seen["slowest, ms"], int((time.monotonic() - begun) * 1000))
        if number % 25 == 0:
            assert quick(*watched) == before, f"a file was touched by one of the last 25 statements, the last {sql!r}"
    assert quick(*watched) == before
    seen["statements"] = number + 1 if statements else 0
    return seen


def by_command(
    lake: Path, grammar: Grammar, commands: int, places: dict[str, str], watched: tuple[Path, ...], *, until: float = float("inf")
) -> Counter[str]:
    """Run statements through the command line; raise at the first finding."""
    seen: Counter[str] = Counter()
    if not commands:
        return seen
    before = quick(*watched)
    environment = {"HOME": places["home"], "TMPDIR": places["temporary"], "TLSRPT_QUERY__SECONDS": str(SECONDS)}
    with forks() as server:
        for number in range(commands):
            if time.monotonic() > until:
                break
            sql = grammar.statement().replace("\0", " ").encode("utf-8", "replace").decode()
            words, begun = ["--lake", str(lake), "sql", "--format", "json", "--", sql], time.monotonic()
            code, told = _started(words, environment) if number % 20 == 0 else _forked(server, words, environment)
            seen["slowest, ms"] = max(seen["slowest, ms"], int((time.monotonic() - begun) * 1000))
            assert code in (0, 2, 65, 74, 75), (sql, code, told)
            assert "Traceback" not in told, (sql, told)
            assert "ESCAPED" not in told, (sql, told)
            assert quick(*watched) == before, sql
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


def campaign(
    folder: Path, *, statements: int, commands: int, seed: int, seconds: float = float("inf"), threads: int = 2
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
    begun = time.monotonic()
    with open_lake(
        where, settings=Settings(query=QuerySettings(seconds=SECONDS, memory="500 MB", spill="200 MB", threads=threads))
    ) as lake:
        grammar = Grammar(seed, places, functions_of(lake))
        watched = (where, folder / "home", folder / "temporary")
        before, right = fingerprint(*watched), lake.ask("success_rate", **small_lake.PERIOD)
        reports = lake.sql("select count(*) as n from reports").to_pylist()[0]["n"]
        found = {"in process": in_process(lake, grammar, statements, watched, until=begun + seconds * 0.8)}
        found["by command"] = by_command(where, grammar, commands, places, watched, until=begun + seconds)
        assert fingerprint(*watched) == before
        assert lake.ask("success_rate", **small_lake.PERIOD).equals(right)
        assert lake.sql("select count(*) as n from reports").to_pylist() == [{"n": reports}]
    return found


def main() -> int:
    """Run it, and print what became of the statements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--commands", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(
            Path(folder), statements=args.statements, commands=args.commands, seed=args.seed, seconds=args.seconds, threads=args.threads
        )
    for name, counts in found.items():
        print(name, dict(sorted(counts.items())))
    print(f"{time.monotonic() - begun:.0f} s, seed {args.seed}; no byte changed, no file left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
