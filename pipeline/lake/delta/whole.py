"""Whether all of a lake is there: each table as far as the ledger's last commit saw it.

A table that lost its newest log entries, or was deleted, is a table with fewer rows to whoever opens it, and fewer failures is what a
healthy domain has. So each commit of `messages` says which version every other table had, and who opens the lake holds them against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import LakeError
from pipeline.tables.schema import APPEND_ORDER, OUTLIVE_REBUILD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.lake.delta.delta_tables import LakeTable
    from pipeline.lake.storage.location import Location

AT = "tlsrpt.at."
"""Before the name of a table: the application id whose version, on `messages`, is that of the table as of the last batch."""

OTHERS = APPEND_ORDER[:-1]

BACKUP = "restore the backup; `tlsrpt maintain --repair` continues without what is lost"
"""What to do where no rebuild helps."""
MEND = f"`tlsrpt rebuild` recreates what is not in raw, messages and checks; else {BACKUP}"
"""What to do where something is missing or broken."""


def seen(tables: Mapping[str, LakeTable]) -> dict[str, int]:
    """Return the application transactions that a commit of `messages` carries."""
    return {f"{AT}{name}": tables[name].version() for name in OTHERS}


def lacking(messages: LakeTable, others: Mapping[str, LakeTable | None]) -> list[str]:
    """Return the tables that are older than the ledger's last commit saw them, or are gone.

    A ledger of before this was kept says nothing until its next commit; what it has committed to is missed all the same where it is gone.
    """
    found = []
    for name, table in others.items():
        expected = messages.delta.transaction_version(f"{AT}{name}")
        if (expected is None and table is None and messages.version() > 0) or (
            expected is not None and (table is None or table.version() < expected)
        ):
            found.append(name)
    return found


def refuse_lacking(location: Location, names: Iterable[str]) -> None:
    """Refuse a lake in which something is missing.

    Raises:
        LakeError: There is such a table.
    """
    missing = sorted(names)
    if not missing:
        return
    what = f"the table{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    lost = OUTLIVE_REBUILD.intersection(missing)
    mend = BACKUP if lost else "`tlsrpt rebuild` recreates it from the stored mail, or restore the backup"
    raise LakeError(f"the lake {location.uri} is incomplete: {what} lost what was committed; {mend}")
