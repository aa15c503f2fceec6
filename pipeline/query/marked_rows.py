"""Where the rows of reports are that a better one has replaced, or that are disputed, learned once for each state of the lake.

A report is known by its key, 64 characters that do not compress: read for each row of a month and looked up, it took more than all else of
most questions. A data file never changes, so that the place of a row in it says as much (`views/rows.sql`).
"""

from __future__ import annotations

import re
import threading
from functools import cache
from hashlib import sha256
from importlib.resources import files as package_files
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.query import month_sums
from pipeline.query.scope import Marks
from pipeline.query.view_texts import view_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.query.scope import Scope

_STOOD_ON = {
    "settings.all_reports": "reports",
    "settings.all_policies": "policies",
    "settings.all_failures": "failures",
    "settings.told_policies": "policies",
    "settings.told_failures": "failures",
    "settings.disputed_policies": "policies",
}
"""The views that leave out what was replaced, and the table each reads."""
_TELL_DISPUTED = frozenset({"settings.told_policies", "settings.told_failures", "settings.disputed_policies"})
_SAYS_DISPUTED = re.compile("told_|disputed", re.IGNORECASE)
_MADE = re.compile(r"^create (?:view|macro) ([\w.]+)", re.MULTILINE)
_NAMED = re.compile(r"\b(?:from|join)\s+([\w.]+)|\b(settings\.\w+)\(", re.IGNORECASE)

_TYPES: dict[str, pa.DataType] = {
    "at_file": pa.string(),
    "at_row": pa.int64(),
    "stands": pa.bool_(),
    "identity": pa.string(),
    "content": pa.string(),
    "contents": pa.int64(),
}
"""One row for each row of a data file that is not simply counted; identity, content and contents are null where it is not disputed."""
_SCHEMA: pa.Schema = pa.schema([pa.field(name, kind) for name, kind in _TYPES.items()])
_REPLACED: dict[str, Any] = {"stands": False, "identity": None, "contents": None, "report_key": None}


class Needed(NamedTuple):
    """What a statement has to be told."""

    tables: frozenset[str] = frozenset()
    """Of which tables the marked rows."""
    disputed: bool = False
    """Whether also those that stand, of disputed reports."""


@cache
def needed(sql: str) -> Needed:
    """Return what one of our own statements has to be told, by the views it stands on."""
    names, left = set[str](), _named(sql)
    while left:
        names |= left
        left = {name for view in left for name in _bodies().get(view, ())} - names
    return Needed(frozenset(_STOOD_ON[name] for name in names & _STOOD_ON.keys()), not _TELL_DISPUTED.isdisjoint(names))


def needed_by_guest(sql: str) -> Needed:
    """Return what a stranger's statement has to be told, who may spell names as SQL allows: of every table."""
    return Needed(frozenset(_STOOD_ON.values()), _SAYS_DISPUTED.search(sql) is not None)


@cache
def _bodies() -> dict[str, set[str]]:
    """Return what each view and macro names, in any of the texts there are for it."""
    bodies: dict[str, set[str]] = {}
    for entry in package_files("pipeline.query").joinpath("views").iterdir():
        if entry.name.endswith(".sql"):
            _, *parts = _MADE.split(entry.read_text(encoding="utf-8"))
            for name, body in zip(parts[::2], parts[1::2], strict=True):
                bodies.setdefault(name, set()).update(_named(body))
    return bodies


def _named(sql: str) -> set[str]:
    return {name.lower() for pair in _NAMED.findall(sql) for name in pair if name}


@cache
def no_marks() -> bytes:
    """Return a Parquet file of marked rows without any."""
    return _to_bytes([])


def _to_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    columns = [pa.array([row[name] for row in rows], kind) for name, kind in _TYPES.items()]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), sink)
    return bytes(sink.getvalue())


class MarkedRows:
    """The places learned of one state of a lake. Safe to share between threads."""

    def __init__(self, root: str, run: Callable[[str, Mapping[str, object], Scope], pa.Table]) -> None:
        """Make an empty one.

        Args:
            root: The folder of the lake, or its address.
            run: Runs a statement with its parameters over the rows of a scope.
        """
        self._root, self._run = root, run
        self._learning = threading.Lock()
        self._version = ""
        self._bounded: dict[str, bool] = {}
        self._disputed: dict[Sequence[str], dict[str, dict[str, Any]]] = {}
        self._of_file: dict[tuple[str, frozenset[str]], list[dict[str, Any]]] = {}
        self._told: dict[tuple[object, ...], Marks | None] = {}

    def told(self, scope: Scope, needs: Needed, version: str) -> Marks | None:
        """Return the marked rows of the contested files of a scope; None: there are none.

        Args:
            scope: What a statement may see.
            needs: What it has to be told.
            version: The state of the lake; what was learned of another is forgotten.
        """
        tables = [table for table in sorted(needs.tables) if scope.contested.get(table)]
        if not tables:
            return None
        with self._learning:
            if self._version != version:
                self._version, self._disputed, self._of_file, self._told = version, {}, {}, {}
            disputed = self._disputed_of(scope) if needs.disputed else {}
            key = (frozenset(disputed), *(file for table in tables for file in scope.contested[table]))
            if key not in self._told:
                rows = [row for table in tables for row in self._of_table(table, scope, disputed)]
                content = _to_bytes(rows)
                self._told[key] = Marks(sha256(content).hexdigest()[:32], content) if rows else None
            return self._told[key]

    def once_bounded(self, scope: Scope, needs: Needed) -> bool:
        """Say whether it is known of all policies of a scope that their `once_…` are within the bounds; of a few nobody asks.

        Args:
            scope: What a statement may see.
            needs: What it has to be told.
        """
        if "policies" not in needs.tables or scope.policies < month_sums.LEAST_ROWS:
            return False
        files = (*scope.files.get("policies", ()), *scope.contested.get("policies", ()))
        with self._learning:
            if unknown := [file for file in files if file not in self._bounded]:
                looked = self._run(view_text("learn_unbounded"), {}, scope._replace(marked=unknown))
                over = {_name(str(file)) for file in looked.column("at_file").to_pylist()}
                self._bounded |= {file: _name(file) not in over for file in unknown}
            return all(self._bounded[file] for file in files)

    def _disputed_of(self, scope: Scope) -> dict[str, dict[str, Any]]:
        key = tuple(scope.contested.get("reports", ()))
        if key not in self._disputed:
            rows = self._run(view_text("learn_disputed"), {}, scope).to_pylist()
            self._disputed[key] = {row["report_key"]: row for row in rows}
        return self._disputed[key]

    def _of_table(self, table: str, scope: Scope, disputed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        files, keys = scope.contested.get(table, ()), frozenset(disputed)
        unknown = [file for file in files if (file, keys) not in self._of_file]
        if unknown:
            looked = self._run(view_text("learn_marks"), {"disputed": sorted(keys)}, scope._replace(marked=unknown))
            # An engine may call the folder of the lake by another name; the name of a data file is its own.
            found: dict[str, list[dict[str, Any]]] = {_name(file): [] for file in unknown}
            for row in looked.to_pylist():
                of = disputed.get(row["report_key"], _REPLACED)
                found[_name(row["at_file"])].append({**row, **of, "content": of["report_key"]})
            for file in unknown:
                self._of_file[file, keys] = [{**row, "at_file": file.removeprefix(self._root)} for row in found[_name(file)]]
        return [row for file in files for row in self._of_file[file, keys]]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
