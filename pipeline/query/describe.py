"""What the views and their columns mean, for `tlsrpt schema`, notebooks, and the `COMMENT`s in DuckDB.

A column of a view that comes from a table keeps the meaning it has in `pipeline.tables.schema`; only what the views add is described here.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from pipeline.output.markup import html_table
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    import duckdb

GRAINS: dict[str, str] = {
    **{name: table.grain for name, table in TABLES.items()},
    "submitters": "one row per submitter whose counted reports have tlsa and other policies of one domain",
    "counted_policies": "one row per element of a report's policies, where the report counts",
    "counted_failures": "one row per failure detail, where the report counts",
    "session_parts": "one row per counted policy, with the sessions it carries; quicker to sum than `sessions`, with the same sums",
    "sessions": "one row per counted report and report_domain",
    "runs": "one row per poll of a mailbox, whether or not it found anything; the newest 1,000 of each mailbox",
    "mentions": "one row per counted report, domain, result type, MX host, addresses and reason, sts and tlsa taken together",
}
"""The views and what one row of each is."""

_COUNTED = "Whether it counts: a tier of [trust] count, not superseded, about a domain of ours"
_TYPE_SUM = "total-{0}-session-count of its {1} policies, as sent"


class Meaning(NamedTuple):
    """What a reader must know about a column."""

    meaning: str
    unit: str = ""
    source: str = ""


_ADDED: dict[str, Meaning] = {
    "counted": Meaning(_COUNTED),
    "mailbox": Meaning("Name of the mailbox in the configuration"),
    "began_at": Meaning("When the run began", "UTC"),
    "ended_at": Meaning("When the poll ended; null while it runs or if it was killed", "UTC"),
    "exit_code": Meaning("0 on success, otherwise the exit code"),
    "error": Meaning("What went wrong, in one sentence"),
    "messages": Meaning("Messages that were new", "messages"),
    "told_twice": Meaning("Whether tlsa and other policies of its report and domain are taken as the same sessions"),
    "told_at_host": Meaning("Sessions in a report about an MX host of ours that are counted at the domain they were for", "sessions"),
    "counted_type": Meaning("sts or tlsa: the type with more sessions; null where there was no policy"),
    "reports_with_both": Meaning("Reports of more than 20 sessions that have tlsa and other policies of one domain", "reports"),
    "both_types_are": Meaning(
        "same: the same sessions reported twice; apart: each session under the policy that applied; unsure: the larger counts are taken"
    ),
    "sessions": Meaning("authenticated, failed and unprotected together", "sessions"),
    "authenticated": Meaning("Sessions with TLS as the policy asks", "sessions", "RFC 8460 §4.2"),
    "failed": Meaning("Sessions that did not meet the policy", "sessions", "RFC 8460 §4.2"),
    "unprotected": Meaning("Sessions for which the sender found no policy", "sessions", "RFC 8460 §4.4"),
    "sts_success": Meaning(_TYPE_SUM.format("successful", "sts"), "sessions", "RFC 8460 §4.2"),
    "sts_failure": Meaning(_TYPE_SUM.format("failure", "sts"), "sessions", "RFC 8460 §4.2"),
    "tlsa_success": Meaning(_TYPE_SUM.format("successful", "tlsa"), "sessions", "RFC 8460 §4.2"),
    "tlsa_failure": Meaning(_TYPE_SUM.format("failure", "tlsa"), "sessions", "RFC 8460 §4.2"),
    "unsure_sessions": Meaning(
        "Sessions more, added up over a report, if what it tells under two policies were not the same sessions", "sessions"
    ),
    "rated": Meaning("Whether rates take these sessions: not those of a submitter that reports only on days with failures"),
    "mentions": Meaning("Sessions said to have failed this way; may overlap between result types", "mentions", "RFC 8460 §4"),
}

_OF_TABLES: dict[str, Meaning] = {
    column.name: Meaning(column.meaning, column.unit, column.source) for table in reversed(TABLES.values()) for column in table.columns
}


class ColumnOfView(NamedTuple):
    """One column of a view."""

    name: str
    type: str
    meaning: str
    unit: str
    source: str


class View(NamedTuple):
    """A table or view of the lake and what its columns mean."""

    name: str
    grain: str
    columns: tuple[ColumnOfView, ...]

    def _repr_html_(self) -> str:
        caption = f"<b>{escape(self.name)}</b>: {escape(self.grain)}"
        return html_table(caption, ColumnOfView._fields, self.columns)


class Views(dict[str, View]):
    """The tables and views of a lake by name; shows itself as a table in a notebook."""

    def _repr_html_(self) -> str:
        return html_table("The views of the lake", ("view", "one row is"), [(view.name, view.grain) for view in self.values()])


def meaning_of(view: str, column: str) -> Meaning:
    """Return what a column of a view means; a table's own word comes first."""
    table = TABLES.get(view)
    own = next((c for c in table.columns if c.name == column), None) if table else None
    if own is not None:
        return Meaning(own.meaning, own.unit, own.source)
    return _ADDED.get(column) or _OF_TABLES.get(column) or Meaning("")


def views_of(connection: duckdb.DuckDBPyConnection) -> Views:
    """Return all views with their columns, their types in DuckDB, and what they mean."""
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'main' and not internal order by table_name, column_index"
    ).fetchall()
    columns: dict[str, list[ColumnOfView]] = {name: [] for name in GRAINS}
    for view, column, kind in rows:
        columns[view].append(ColumnOfView(column, kind, *meaning_of(view, column)))
    return Views({name: View(name, grain, tuple(columns[name])) for name, grain in GRAINS.items()})


def comments(views: Views) -> Iterator[str]:
    """Return the statements that tell DuckDB what the views and columns mean. All text in them is ours."""
    for view in views.values():
        yield f"comment on view {view.name} is {_literal(view.grain)};"
        for column in view.columns:
            words = column.meaning + (f" [{column.unit}]" if column.unit else "") + (f" ({column.source})" if column.source else "")
            yield f"comment on column {view.name}.{column.name} is {_literal(words)};"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
