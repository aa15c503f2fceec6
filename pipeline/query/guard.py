"""What a stranger's SQL may be: one statement that DuckDB itself parses as SELECT, EXPLAIN of a SELECT, or DESCRIBE.

DuckDB 2.0 takes `with x as (copy … to …) select …` for a SELECT, so the whole parse tree is looked at. And some functions run text as SQL,
read files or change settings, so what may be called is a list of what is harmless (`functions.txt`), not of what is known to harm: a
function that a later DuckDB brings is refused until somebody has looked at it. What this check misses still finds no file that it could
write to (`pipeline.query.guest_files`).
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from pipeline.errors import SqlError, UsageError
from pipeline.output import escape

if TYPE_CHECKING:
    from pipeline.query.engine import Engine

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Whole tokens at the very beginning, no comment among them: so what is cut off is what DuckDB takes for the EXPLAIN.
_EXPLAIN = re.compile(r"\s*explain\s+(?:analyze\s+)?(?:\((?:analyze|format\s+\w+|[\s,])+\)\s*)?", re.IGNORECASE)
_CATALOGUES = ("duckdb_", "pragma_", "pg_")
"""How tables begin that DuckDB makes up: of these, those are read that are allowed as functions, too."""
_FILE = re.compile(r"[/\\:*?]|\.\w+$")
"""What DuckDB would open as a file; a view is not called so."""
_WISH = "one SELECT, EXPLAIN of a SELECT, or DESCRIBE is run"


def check(engine: Engine, sql: str) -> None:
    """Let a statement pass that only reads.

    Raises:
        SqlError: It does not parse.
        UsageError: It parses, and is something else or more than one statement.
    """
    statements = parse(engine, sql)
    if len(statements) != 1:
        raise UsageError(f"{_WISH}; this is {'none' if not statements else f'{len(statements)} statements'}")
    kind, text = _kind(statements), sql
    if kind == duckdb.StatementType.EXPLAIN and (explain := _EXPLAIN.match(sql)):
        # What is explained is analysed, too, and so run: it has to pass on its own.
        text = sql[explain.end() :]
        kind = _kind(parse(engine, text))
    if kind != duckdb.StatementType.SELECT:
        raise UsageError(f"{_WISH}; this is {kind.name.replace('_', ' ') if kind else 'something else'}")
    try:
        tree = json.loads(engine.tree(text))
    except RecursionError as err:
        raise UsageError(f"{_WISH}; this is nested too deeply to be checked") from err
    if tree.get("error"):
        raise UsageError(f"{_WISH}: {sentence(str(tree.get('error_message', 'it cannot be checked')))}")
    found = _Found(set(), set(), set(), set())
    _look(tree, found)
    if writes := sorted(found.nodes - _READING_NODES):
        raise UsageError(f"{_WISH}; this has {writes[0].removesuffix('_NODE').replace('_', ' ')} inside")
    _only_harmless(engine, found)


def _only_harmless(engine: Engine, found: _Found) -> None:
    if named := sorted(name for name in found.tables if _FILE.search(name)):
        raise UsageError(f"{escape(named[0][:100])} is no view; only the lake can be read, and only by its views")
    allowed = allowed_functions()
    made_up = {name for name in found.tables if name.startswith(_CATALOGUES)}
    if refused := sorted((found.functions - allowed.anywhere) | ((found.table_functions | made_up) - allowed.as_tables)):
        name = escape(refused[0][:100])
        if refused[0] in engine.known or refused[0] in allowed.anywhere | allowed.as_tables:
            raise UsageError(f"{name} is not allowed here; only the lake can be read, and only harmless functions can be called")
        close = get_close_matches(refused[0], allowed.anywhere | allowed.as_tables, n=1)
        raise SqlError(f"the SQL cannot be run: there is no function {name}{f'; did you mean {close[0]}?' if close else ''}")


class Allowed(NamedTuple):
    """Names of functions, in lower case."""

    anywhere: frozenset[str]
    """… that stand for a value."""
    as_tables: frozenset[str]
    """… that stand for rows."""


@cache
def allowed_functions() -> Allowed:
    """Return what may be called."""
    text = files("pipeline.query").joinpath("functions.txt").read_text(encoding="utf-8")
    parts: dict[str, set[str]] = {}
    into: set[str] = set()
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            into = parts.setdefault(heading[1], set())
        elif not line.startswith("# "):
            into.update(line.lower().split())
    tables = parts.pop("table")
    # `unnest` and `range` stand for either.
    return Allowed(frozenset().union(*parts.values(), {"unnest", "range", "generate_series"}), frozenset(tables))


def _kind(statements: list[duckdb.Statement]) -> duckdb.StatementType | None:
    """Return what kind of statement it is; None for one that DuckDB's own package has no name for."""
    try:
        return statements[0].type if len(statements) == 1 else duckdb.StatementType.MULTI
    except ValueError:
        return None


def parse(engine: Engine, sql: str) -> list[duckdb.Statement]:
    """Return the statements as DuckDB parses them.

    Raises:
        SqlError: It does not parse.
    """
    try:
        sql.encode("utf-8")
        return engine.statements(sql)
    except duckdb.Error as err:
        raise SqlError(f"the SQL does not parse: {sentence(str(err))}") from err
    except UnicodeError as err:
        raise SqlError("the SQL does not parse: it is not valid Unicode") from err


def sentence(message: str) -> str:
    """Make one line of what DuckDB says: the first, without the kind of error before it, and the hint where there is one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return "DuckDB gives no reason"
    first = re.sub(r"^(?:[A-Z]\w+ ){1,3}Error: (?:[a-z]+ error: )?", "", lines[0])
    hints = [line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))]
    return escape(" ".join([first, *hints[:1]])[:500])


class _Found(NamedTuple):
    """What stands in a parse tree; names in lower case."""

    nodes: set[str]
    functions: set[str]
    table_functions: set[str]
    tables: set[str]


def _look(tree: Any, found: _Found) -> None:
    """Note everything of the tree that matters; without recursion, a long sum is a deep tree."""
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, dict):
            kind, name = here.get("type"), here.get("function_name")
            if isinstance(kind, str) and kind.endswith("_NODE"):
                found.nodes.add(kind)
            if isinstance(name, str):
                found.functions.add(name.lower())
            if kind == "BASE_TABLE":
                found.tables.add(str(here.get("table_name")).lower())
            inside = list(here.values())
            function = here.get("function")
            if kind == "TABLE_FUNCTION" and isinstance(function, dict) and isinstance(function.get("function_name"), str):
                found.table_functions.add(function["function_name"].lower())
                inside = [*(value for key, value in here.items() if key != "function"), *function.values()]
            waiting.extend(inside)
