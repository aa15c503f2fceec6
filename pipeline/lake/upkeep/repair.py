"""Makes a lake again of what is left, where it lost what no rebuild can make anew and there is no backup.

Of `raw`, `checks` and `messages` the files that are missing or broken are struck off, and what they held is gone. Mails whose ledger rows
went are fetched again from a mailbox that kept them, and fall out as duplicates. Of the tables that a rebuild makes anew nothing is struck
off: a lake with fewer failures and no word is what must never be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import parquet

from pipeline.lake.delta.delta_tables import commit_parts
from pipeline.lake.delta.whole import lacking
from pipeline.lake.upkeep.maintain import Done
from pipeline.tables.schema import MADE_ANEW

if TYPE_CHECKING:
    from pipeline.lake.open_lake import OpenLake
    from pipeline.lake.storage.location import Location


def damage_of(location: Location, path: str, rows: int) -> str | None:
    """Return what is wrong with a data file, in words that begin with its path; None where its footer reads and has so many rows.

    Args:
        location: Where the lake lies.
        path: Of the file, relative to the lake.
        rows: How many the log of its table says it has.
    """
    try:
        with location.filesystem.open_input_file(location.path_of(path)) as file:
            found = parquet.ParquetFile(file).metadata.num_rows
    except (OSError, ValueError) as err:
        return f"{path}: {str(err).splitlines()[0][:120]}"
    return None if found == rows else f"{path} has {found:,} rows instead of {rows:,}"


def repair(lake: OpenLake, *, dry_run: bool = False) -> list[Done]:
    """Strike off what is missing or broken and cannot be made anew.

    Args:
        lake: The lake, opened for writing with `mending=OUTLIVE_REBUILD`.
        dry_run: Whether to tell only.
    """
    others = {name: table for name, table in lake.tables.items() if name != "messages"}
    # A table that lost its log is what is left of it, or an empty one in its place; how much that was nobody knows.
    done = [Done("repair", name) for name in lacking(lake.tables["messages"], others)]
    for name in sorted(lake.tables.keys() - MADE_ANEW):
        broken = [each for each in lake.present(name) if damage_of(lake.location, f"{name}/{each.path}", each.rows) is not None]
        if broken and not dry_run:
            commit_parts(lake.location, name, lake.tables[name], removes=[each.gone for each in broken])
        if broken:
            done.append(Done("repair", name, sum(each.rows for each in broken), len(broken)))
    if not dry_run:
        # The ledger says from now on how far the other tables are, and readers that cached an answer ask again.
        lake.commit(lake.stage())
    return done
