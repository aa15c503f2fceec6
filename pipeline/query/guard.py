"""What a stranger's SQL may be: one statement that DuckDB itself parses as SELECT, EXPLAIN of a SELECT, or DESCRIBE.

The lock on the file system (`pipeline.query.engine`) is not enough: it lets everything be done inside the lake, `copy … to` one of its
files included. DuckDB 2.0 even takes `with x as (copy … to …) select …` for a SELECT, so the whole parse tree is looked at.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import NotAReportError, UsageError
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.query.engine import Engine

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Whole tokens at the very beginning, no comment among them: so what is cut off is what DuckDB takes for the EXPLAIN.
_EXPLAIN = re.compile(r"\s*explain\s+(?:analyze\s+)?(?:\((?:analyze|format\s+\w+|[\s,])+\)\s*)?", re.IGNORECASE)
_WISH = "one SELECT, EXPLAIN of a SELECT, or DESCRIBE is run"


def check(engine: Engine, sql: str) -> None:
    """Let a statement pass that only reads.

    Raises:
        NotAReportError: It does not parse.
        UsageError: It parses, and is something else or more than one statement.
    """
    statements = parse(engine, sql)
    if len(statements) != 1:
        raise UsageError(f"{_WISH}; this is {'none' if not statements else f'{len(statements)} statements'}")
    kind, text = statements[0].type, sql
    if kind == duckdb.StatementType.EXPLAIN and (explain := _EXPLAIN.match(sql)):
        # What is explained is analysed, too, and so run: it has to pass on its own.
        text = sql[explain.end() :]
        inner = parse(engine, text)
        kind = inner[0].type if len(inner) == 1 else duckdb.StatementType.MULTI
    if kind != duckdb.StatementType.SELECT:
        raise UsageError(f"{_WISH}; this is {kind.name.replace('_', ' ')}")
    try:
        tree = json.loads(engine.tree(text))
    except RecursionError as err:
        raise UsageError(f"{_WISH}; this is nested too deeply to be checked") from err
    if tree.get("error"):
        raise UsageError(f"{_WISH}: {sentence(str(tree.get('error_message', 'it cannot be checked')))}")
    if writes := sorted(set(_nodes(tree)) - _READING_NODES):
        raise UsageError(f"{_WISH}; this has {writes[0].removesuffix('_NODE').replace('_', ' ')} inside")


def parse(engine: Engine, sql: str) -> list[duckdb.Statement]:
    """Return the statements as DuckDB parses them.

    Raises:
        NotAReportError: It does not parse.
    """
    try:
        sql.encode("utf-8")
        return engine.statements(sql)
    except duckdb.Error as err:
        raise NotAReportError(f"the SQL does not parse: {sentence(str(err))}") from err
    except UnicodeError as err:
        raise NotAReportError("the SQL does not parse: it is no valid Unicode") from err


def sentence(message: str) -> str:
    """Make one line of what DuckDB says: the first, without the kind of error before it, and the hint where there is one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return "DuckDB gives no reason"
    first = re.sub(r"^(?:[A-Z]\w+ ){1,3}Error: (?:[a-z]+ error: )?", "", lines[0])
    hints = [line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))]
    return escape(" ".join([first, *hints[:1]])[:500])


def _nodes(tree: Any) -> Iterator[str]:
    """Yield the kinds of all query nodes; without recursion, a long sum is a deep tree."""
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            kind = here.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE"):
                yield kind
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
