"""The domains, those with most failed sessions first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from dashboard.lake_door import Answer, asked, settings

if TYPE_CHECKING:
    from dashboard.filters import Filters

_SHOWN = 10
"""So many domains have their readiness assessed for the overview."""


class Worst(NamedTuple):
    """The worst domains of a period."""

    answer: Answer
    names: tuple[str, ...]
    in_all: int


def by_failures(filters: Filters) -> Answer:
    """Return the sessions of all domains of the period."""
    answer = asked("sessions_by_domain", **filters.parameters())
    there = set(answer.table.column("report_domain").to_pylist())
    missing = [name for name in settings().domains.own if name not in there and filters.domain in (None, name)]
    # Domains of ours that nobody reported about in this period are domains, too.
    counts = ("sessions", "authenticated", "failed", "unprotected", "reporters", "days")
    rows = [{"report_domain": name, **dict.fromkeys(counts, 0)} for name in missing]
    table = pa.concat_tables([answer.table, pa.Table.from_pylist(rows, schema=answer.table.schema)])
    return answer._replace(table=table.sort_by([("failed", "descending"), ("sessions", "descending"), ("report_domain", "ascending")]))


def worst(filters: Filters) -> Worst:
    """Return the first of them."""
    answer = by_failures(filters)
    table: pa.Table = answer.table.slice(0, _SHOWN)
    return Worst(answer._replace(table=table), tuple(map(str, table.column("report_domain").to_pylist())), answer.table.num_rows)
