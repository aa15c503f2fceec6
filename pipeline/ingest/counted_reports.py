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
            from pipeline.query import open_lake  # a fifth of what an ingest of nothing new takes

            with open_lake(settings=settings) as lake:
                ground = lake.ground(as_of=today)
            note.write({"ground": today.isoformat()})
    except TlsrptError as err:
        log.warning("ground-not-told", reason=err)
        return []
    if not ground.reports or ground.reports_left_out > ground.reports:
        return ground.lines()
    return ground.notes() if always and (ground.left_out or ground.waiting or not ground.own) else []
