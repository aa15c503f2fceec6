"""How many reports count, told at the end of a run: what vouching changed, and once a day that nothing counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import TlsrptError
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.storage.notes import open_note

if TYPE_CHECKING:
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
    from pipeline.insight.period import period_of
    from pipeline.lake.mostly_counted import mostly_counted

    since = period_of(today, settings.insight.days, settings.insight).since
    return mostly_counted(location, since, today, tiers=settings.trust.count, own=settings.domains.own)


def _ground(settings: Settings, today: date) -> Ground:
    from pipeline.query import open_lake  # with DuckDB: a fourth of what an ingest of nothing new takes

    with open_lake(settings=settings) as lake:
        return lake.ground(as_of=today)
