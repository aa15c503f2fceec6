"""How many reports count, told at the end of a run: what vouching changed, and once a day that nothing counts.

What counts is decided by the views of `pipeline.query`, and every number comes from there. A run that has nothing to say, because all is
well, is saved the fifth of a second that opening them takes: that most reports count is told by three columns of `reports`, without DuckDB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import log
from pipeline.errors import TlsrptError
from pipeline.insight.period import period_of
from pipeline.lake.delta.data_file_list import Files
from pipeline.lake.delta.delta_tables import floor_of, open_table
from pipeline.lake.delta.scan import batches, count_rows, since
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.notes import open_note

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from pipeline.config import Settings
    from pipeline.insight.ground import Ground
    from pipeline.lake.storage.location import Location

_NOTE = "said"


def counted_reports(settings: Settings) -> int:
    """Return how many reports count; none where there is no lake yet.

    Raises:
        LakeError: The lake cannot be read.
    """
    from pipeline.query import open_lake

    with open_lake(settings=settings, missing_ok=True) as lake:
        return sum(row["counted"] for row in lake.ask("tiers").to_pylist())


def what_counts(settings: Settings, today: date, *, always: bool) -> list[str]:
    """Return what is to be said after a run: nothing where enough counts, or where it was said today already.

    Args:
        settings: The lake, and what of it counts.
        today: The day of the run (UTC).
        always: Somebody is looking; under cron it is said once a day.
    """
    location = configured_location(settings.lake)
    try:
        with open_note(location, _NOTE) as note:
            if not always and (note.read() or {}).get("ground") == today.isoformat():
                return []
            ground = None if not always and _enough_counts(settings, location, today) else _ground(settings, today)
            note.write({"ground": today.isoformat()})
    except TlsrptError as err:
        log.warning("ground-not-told", reason=err)
        return []
    if ground is None:
        return []
    if not ground.reports or ground.reports_left_out > ground.reports:
        return ground.lines()
    return ground.notes() if always and (ground.left_out or ground.waiting or not ground.own) else []


def _enough_counts(settings: Settings, location: Location, today: date) -> bool:
    """Say whether there is nothing to say for sure."""
    first = period_of(today, settings.insight.days, settings.insight).since
    return mostly_counted(location, first, today, tiers=settings.trust.count, own=settings.domains.own)


def _ground(settings: Settings, today: date) -> Ground:
    from pipeline.query import open_lake  # with DuckDB: a fourth of what an ingest of nothing new takes

    with open_lake(settings=settings) as lake:
        return lake.ground(as_of=today)


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
