"""What the steps from one schema to the next do to the tables."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.failpoint import reach
from pipeline.lake.delta.delta_tables import commit_parts
from pipeline.lake.delta.rewrite import present, put_part
from pipeline.lake.delta.scan import read
from pipeline.report.session_overlap import Once, Sent, told_once
from pipeline.tables.row_types import PRIVATE_COLUMNS
from pipeline.tables.schema import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.delta.rewrite import Present
    from pipeline.lake.storage.location import Location

_KEY = ("report_key", "policy_ix")
_SENT = ("report_domain", "policy_type", "success_count", "failure_count")
_TOLD = ("repeats_sessions", "once_authenticated", "once_failed", "once_unprotected", "totals_equal")


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
            index = content.schema.get_field_index(name)
            field = content.schema.field(index)
            content = content.set_column(index, field, pc.if_else(private, pa.scalar(None, field.type), content.column(name)))
        part = put_part(location, "messages", content, file.month, prefix="u")
        commit_parts(location, "messages", tables["messages"], adds=[part], removes=[file.gone], rows_change=False)
        reach("upgrade-file")


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
    columns: dict[str, Sequence[Any]] = {name: content.column(name).to_pylist() for name in _TOLD}
    for at, place in enumerate(places):
        if (once := told.get(place)) is not None:
            for name, value in zip(_TOLD, once, strict=True):
                columns[name][at] = value  # type: ignore[index]
    for name, values in columns.items():
        index = content.schema.get_field_index(name)
        field = content.schema.field(index)
        content = content.set_column(index, field, pa.array(values, field.type))
    return content
