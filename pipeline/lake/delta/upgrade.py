"""From one schema of the lake to the next, under the writer's lock: named steps, each safe to repeat; a version may have several.

A step changes tables in place (a new column is null in old files) and says in the changelog what `tlsrpt rebuild` fills in. The version
goes up table by table, `messages` last; killed in between, the step is run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ConfigError
from pipeline.failpoint import reach
from pipeline.lake.delta.delta_tables import SCHEMA_PROPERTY, schema_version_of, sync_logs
from pipeline.lake.delta.upgrade_steps import add_columns, forget_private, tell_once
from pipeline.tables.schema import APPEND_ORDER, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location


class Step(NamedTuple):
    """One step from the version before to `to_version`."""

    to_version: int
    name: str
    apply: Callable[[Location, dict[str, LakeTable]], None]
    """Changes the tables; may find its work done, or done in part."""


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
    present = schema_version_of(tables["messages"])
    if present > to:
        raise ConfigError(
            f"the lake {location.uri} uses schema {present}; this version supports up to {to}; use the newer version that wrote it"
        )
    taken = []
    while present < to:
        due = [step for step in steps if step.to_version == present + 1]
        if not due:
            raise ConfigError(
                f"the lake {location.uri} has schema {present}, which this version cannot upgrade to {to}; use an older version first"
            )
        for step in due:
            step.apply(location, tables)
            taken.append(step.name)
        present += 1
        for name in APPEND_ORDER:
            reach("upgrade-table")
            _mark(location, name, tables[name], present)
    return taken


def _mark(location: Location, name: str, table: LakeTable, version: int) -> None:
    table.refresh()
    if schema_version_of(table) >= version:
        return
    before = table.version()
    table.delta.alter.set_table_properties({SCHEMA_PROPERTY: str(version)}, raise_if_not_exists=False)
    table.refresh()
    sync_logs(location, {name: table}, {name: before})
