"""Where the rows of reports are that a better one has replaced, or that are disputed, learned once for each state of the lake.

A report is known by its key, 64 characters that do not compress: read for each row of a month and looked up, it took more than all else of
most questions. A data file never changes, so that the place of a row in it says as much (`views/rows.sql`).
"""

from __future__ import annotations

import re
import threading
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.query import month_sums
from pipeline.query.catalogue import view_texts
from pipeline.query.scope import Marks

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
_NONE_DISPUTED: pa.Table = pa.schema(
    [pa.field("report_key", pa.string()), *(pa.field(name, _TYPES[name]) for name in ("identity", "stands", "contents"))]
).empty_table()
_MONTH = re.compile(r"report_month=([^/]*)/")


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
    for text in view_texts().values():
        _, *parts = _MADE.split(text)
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            bodies.setdefault(name, set()).update(_named(body))
    return bodies


def _named(sql: str) -> set[str]:
    return {name.lower() for pair in _NAMED.findall(sql) for name in pair if name}


@cache
def no_marks() -> bytes:
    """Return a Parquet file of marked rows without any."""
    return _to_bytes(_SCHEMA.empty_table())


def _to_bytes(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
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
        self._told: dict[tuple[str, bool, str], Marks | None] = {}

    def told(self, scope: Scope, needs: Needed, version: str) -> tuple[Marks, ...]:
        """Return the marked rows of the contested files of a scope, by table and month.

        Args:
            scope: What a statement may see.
            needs: What it has to be told.
            version: The state of the lake; what was learned of another is forgotten.
        """
        with self._learning:
            if self._version != version:
                self._version, self._told = version, {}
            told = [marks for table in sorted(needs.tables) for marks in self._of_table(table, scope, disputed=needs.disputed)]
        return tuple(marks for marks in told if marks is not None)

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
                looked = self._run(view_texts()["learn_unbounded"], {}, scope._replace(marked=unknown))
                over = {_name(str(file)) for file in looked.column("at_file").to_pylist()}
                self._bounded |= {file: _name(file) not in over for file in unknown}
            return all(self._bounded[file] for file in files)

    def _of_table(self, table: str, scope: Scope, *, disputed: bool) -> list[Marks | None]:
        files = _by_month(scope.contested.get(table, ()))
        if unknown := [month for month in files if (table, disputed, month) not in self._told]:
            learned = self._learned({month: files[month] for month in unknown}, scope, disputed=disputed)
            self._told |= {(table, disputed, month): marks for month, marks in learned.items()}
        return [self._told[table, disputed, month] for month in files]

    def _learned(self, files: Mapping[str, Sequence[str]], scope: Scope, *, disputed: bool) -> dict[str, Marks | None]:
        reports = [file for month, some in _by_month(scope.contested.get("reports", ())).items() if month in files for file in some]
        told = _NONE_DISPUTED
        if disputed:
            told = self._run(view_texts()["learn_disputed"], {}, scope._replace(contested={**scope.contested, "reports": reports}))
        marked = [file for some in files.values() for file in some]
        keys = {"disputed": told.column("report_key").to_pylist()}
        rows = self._run(view_texts()["learn_marks"], keys, scope._replace(marked=marked))
        rows = rows.join(told, "report_key").sort_by([("place", "ascending"), ("at_row", "ascending")])
        places = rows.column("place").to_numpy()
        # An engine may call the folder of the lake by another name, which the views put before these.
        names = pa.array([file.removeprefix(self._root) for file in marked], pa.string())
        found: dict[str, Marks | None] = {}
        first = 0
        for month, some in files.items():
            begin, end = np.searchsorted(places, (first, first + len(some)))
            found[month] = _marks(rows.slice(begin, end - begin), names) if end > begin else None
            first += len(some)
        return found


def _marks(rows: pa.Table, names: pa.StringArray) -> Marks:
    columns: list[Any] = [
        names.take(rows.column("place").combine_chunks()),
        rows.column("at_row"),
        pc.coalesce(rows.column("stands"), pa.scalar(False)),
        rows.column("identity"),
        rows.column("report_key"),
        rows.column("contents"),
    ]
    content = _to_bytes(pa.Table.from_arrays(columns, schema=_SCHEMA))
    return Marks(sha256(content).hexdigest()[:32], content)


def _by_month(files: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(_MONTH.findall(file)[-1], []).append(file)
    return found


def _name(path: str) -> str:
    return path.rpartition("/")[2]
