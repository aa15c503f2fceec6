"""From one schema of the lake to the next, under the writer's lock: named steps, each safe to repeat; a version may have several.

A step changes tables in place (a new column is null in old files) and says in the changelog what `tlsrpt rebuild` fills in. The version
goes up table by table, `messages` last; killed in between, the step is run again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigError
from pipeline.failpoint import reach
from pipeline.lake.delta.data_file_list import present
from pipeline.lake.delta.delta_tables import SCHEMA_PROPERTY, commit_parts, schema_version_of, sync_logs
from pipeline.lake.delta.rewrite import put_part
from pipeline.lake.delta.row_masks import put_where, with_columns
from pipeline.lake.delta.scan import read
from pipeline.lake.delta.snapshot import check_schema
from pipeline.report.session_overlap import Once, Sent, told_once
from pipeline.tables.row_types import PRIVATE_COLUMNS
from pipeline.tables.schema import APPEND_ORDER, SCHEMA_VERSION, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.lake.delta.data_file_list import Present
    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location

_KEY = ("report_key", "policy_ix")
_SENT = ("report_domain", "policy_type", "success_count", "failure_count")
_TOLD = ("repeats_sessions", "once_authenticated", "once_failed", "once_unprotected", "totals_equal")


class Step(NamedTuple):
    """One step from the version before to `to_version`."""

    to_version: int
    name: str
    apply: Callable[[Location, dict[str, LakeTable]], None]
    """Changes the tables; may find its work done, or done in part."""


def add_columns(_location: Location, tables: dict[str, LakeTable]) -> None:
    """Give the tables the columns of the schema that they have not; old files have nulls there."""
    from deltalake import Field, Schema

    for name, table in tables.items():
        known = {field.name for field in table.delta.schema().fields}
        missing = [field for field in Schema.from_arrow(arrow_schema(name)).fields if field.name not in known]
        if missing:
            table.delta.alter.add_columns([Field(field.name, field.type, nullable=True) for field in missing])
            table.refresh()


def tell_once(location: Location, tables: dict[str, LakeTable]) -> None:
    """Write what tlsa and the other policies of a report come to if they tell of the same sessions (decision 0039), month by month.

    It follows from the rows alone. Files in which no report has both are left as they are.
    """
    months: defaultdict[str, list[Present]] = defaultdict(list)
    for file in present(tables["policies"], "policies"):
        months[file.month].append(file)
    for month, files in sorted(months.items()):
        rows = read(location, "policies", [file.path for file in files], [*_KEY, *_SENT])
        told = _told(rows)
        if not told:
            continue
        keys = pa.array(sorted({key for key, _ in told}), pa.string())
        for file in files:
            content = read(location, "policies", [file.path])
            concerned = pc.is_in(content.column("report_key"), value_set=keys)
            if not pc.any(concerned).as_py() or not _is_to_do(content, told):
                continue
            part = put_part(location, "policies", _with(content, told), month, prefix="u")
            commit_parts(location, "policies", tables["policies"], adds=[part], removes=[file.gone], rows_change=False)
            reach("upgrade-file")


def forget_private(location: Location, tables: dict[str, LakeTable]) -> None:
    """Take subject, sender and all else of its content from the ledger rows of mail that is not a TLS report."""
    for file in present(tables["messages"], "messages"):
        content = read(location, "messages", [file.path])
        private = pc.equal(content.column("outcome"), pa.scalar("not_tlsrpt"))
        known = pc.or_(*(pc.is_valid(content.column(name)) for name in ("subject", "message_id")))
        known = pc.or_(known, pc.or_(pc.is_valid(content.column("from_domain")), pc.is_valid(content.column("header_date"))))
        if not pc.any(pc.and_(private, known)).as_py():
            continue
        for name in PRIVATE_COLUMNS:
            content = put_where(content, name, private, pa.scalar(None, content.schema.field(name).type))
        part = put_part(location, "messages", content, file.month, prefix="u")
        commit_parts(location, "messages", tables["messages"], adds=[part], removes=[file.gone], rows_change=False)
        reach("upgrade-file")


STEPS = (
    Step(2, "columns of schema 2", add_columns),
    Step(2, "what the policies of a report come to if they tell of the same sessions", tell_once),
    Step(2, "what was kept of private mail is forgotten", forget_private),
)
"""All steps there have been, in order. Schema 1 is the first."""


def upgrade(location: Location, tables: dict[str, LakeTable], *, steps: Sequence[Step] = STEPS, to: int = SCHEMA_VERSION) -> list[str]:
    """Bring the tables of an older lake to schema `to`.

    Args:
        location: Where the lake lies; the caller holds its lock.
        tables: All tables, open; brought to their new versions.
        steps: Those there are, in order; others in tests.
        to: The schema version to reach.

    Returns:
        The names of the steps taken.

    Raises:
        ConfigError: The lake is newer than `to`, or so old that no step leads on from it.
    """
    version = schema_version_of(tables["messages"])
    check_schema(location, version, to)
    taken = []
    while version < to:
        due = [step for step in steps if step.to_version == version + 1]
        if not due:
            raise ConfigError(
                f"the lake {location.uri} has schema {version}, which this version cannot upgrade to {to}; use an older version first"
            )
        for step in due:
            step.apply(location, tables)
            taken.append(step.name)
        version += 1
        for name in APPEND_ORDER:
            reach("upgrade-table")
            _mark(location, name, tables[name], version)
    return taken


def _mark(location: Location, name: str, table: LakeTable, version: int) -> None:
    table.refresh()
    if schema_version_of(table) >= version:
        return
    before = table.version()
    table.delta.alter.set_table_properties({SCHEMA_PROPERTY: str(version)}, raise_if_not_exists=False)
    table.refresh()
    sync_logs(location, {name: table}, {name: before})


def _told(rows: pa.Table) -> dict[tuple[str, int], Once]:
    """Return what is told of the rows of reports with two sides, by key and place."""
    kinds = rows.column("policy_type")
    keys = pc.unique(rows.column("report_key").filter(pc.equal(kinds, pa.scalar("tlsa"))))
    keys = pc.unique(
        rows.filter(pc.and_(pc.is_in(rows.column("report_key"), value_set=keys), pc.not_equal(kinds, pa.scalar("tlsa")))).column(
            "report_key"
        )
    )
    both = rows.filter(pc.is_in(rows.column("report_key"), value_set=keys)).sort_by([(name, "ascending") for name in _KEY])
    reports: defaultdict[str, list[tuple[int, Sent]]] = defaultdict(list)
    for key, place, *sent in zip(*(both.column(name).to_pylist() for name in (*_KEY, *_SENT)), strict=True):
        reports[key].append((place, Sent(*sent)))
    return {
        (key, place): once
        for key, policies in reports.items()
        for (place, _), once in zip(policies, told_once([sent for _, sent in policies]), strict=True)
        if once.authenticated is not None
    }


def _is_to_do(content: pa.Table, told: dict[tuple[str, int], Once]) -> bool:
    """Say whether a file has rows to change: a step that was cut off is taken again."""
    nothing = pc.is_null(content.column("once_failed"))
    rest = content.filter(nothing)
    return any(key in told for key in zip(*(rest.column(name).to_pylist() for name in _KEY), strict=True))


def _with(content: pa.Table, told: dict[tuple[str, int], Once]) -> pa.Table:
    places = list(zip(*(content.column(name).to_pylist() for name in _KEY), strict=True))
    columns: dict[str, list[Any]] = {name: content.column(name).to_pylist() for name in _TOLD}
    for at, place in enumerate(places):
        if (once := told.get(place)) is not None:
            for name, value in zip(_TOLD, once, strict=True):
                columns[name][at] = value
    return with_columns(content, columns)
