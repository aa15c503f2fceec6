"""Whether most reports about some days count for sure: told by three columns of `reports`, without asking DuckDB.

What counts is decided by the views of `pipeline.query`, and every number comes from there. A run that has nothing to say, because all is
well, is saved the fifth of a second that opening them takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.delta.data_file_list import Files
from pipeline.lake.delta.delta_tables import floor_of, open_table
from pipeline.lake.delta.scan import batches, count_rows, since

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from pipeline.lake.storage.location import Location


def mostly_counted(location: Location, first: date, last: date, *, tiers: Collection[str], own: Collection[str]) -> bool:
    """Say whether there are reports about these days and most of them count; False also where it takes more than a look to tell.

    Args:
        location: The lake.
        first: First day, inclusive.
        last: Last day, inclusive.
        tiers: The trust tiers that count.
        own: The domains that are ours; none: every domain is.

    Raises:
        LakeError: It cannot be read.
    """
    with location.errors("read"):
        messages, reports, superseded = (open_table(location, name) for name in ("messages", "reports", "superseded"))
        if messages is None or reports is None or superseded is None:
            return False
        present = since(floor_of(messages))
        files = Files(location, "reports", reports)
        months = [month for month in files.months() if f"{first:%Y-%m}" <= month <= f"{last:%Y-%m}"]
        days = (pc.field("report_day") >= pa.scalar(first)) & (pc.field("report_day") <= pa.scalar(last))
        wanted = ("trust_tier", "report_domains") if own else ("trust_tier",)
        rows = counted = 0
        for batch in batches(location, "reports", files.of(months), wanted, where=present & days):
            rows, counted = rows + batch.num_rows, counted + _how_many(batch, tiers, own)
        # Each of those that a better report replaces may be one of those that seem to count.
        replaced = count_rows(location, "superseded", Files(location, "superseded", superseded).of(months), present)
    counted -= replaced
    return counted > 0 and 2 * counted >= rows


def _how_many(rows: pa.RecordBatch, tiers: Collection[str], own: Collection[str]) -> int:
    trusted: Any = pc.is_in(rows.column("trust_tier"), value_set=pa.array(sorted(tiers), pa.string()))
    if not own:
        return int(trusted.true_count)
    ours: Any = rows.column("report_domains").filter(trusted)
    names, places = pc.list_flatten(ours), pc.list_parent_indices(ours)
    return len(pc.unique(places.filter(pc.is_in(names, value_set=pa.array(sorted(own), pa.string())))))
