"""The domains, those with most failed sessions first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from dashboard.lake_door import Answer, asked

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
    return answer._replace(
        table=answer.table.sort_by([("failed", "descending"), ("sessions", "descending"), ("report_domain", "ascending")])
    )


def worst(filters: Filters) -> Worst:
    """Return the first of them."""
    answer = by_failures(filters)
    table: pa.Table = answer.table.slice(0, _SHOWN)
    return Worst(answer._replace(table=table), tuple(map(str, table.column("report_domain").to_pylist())), answer.table.num_rows)
