"""A part of the lake – a period, perhaps one domain – as tables that explain themselves."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline import __version__
from pipeline.query.describe import GRAINS, Meaning, meaning_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.query import Lake

VIEWS = {"sessions": "sessions", "policies": "counted_policies", "failures": "counted_failures", "reports": "reports"}
"""The tables that are handed over, and the view each is taken from."""


class ExtractPart(NamedTuple):
    """What is handed over: the reports that count, of these days (UTC, both inclusive)."""

    since: date
    until: date
    domain: str | None
    """One report domain; None: all."""

    def months(self) -> Iterator[tuple[date, date]]:
        """Yield the first and last day of each month, so that no more than a month is in memory."""
        begin = self.since
        while begin <= self.until:
            last = date(begin.year, begin.month, calendar.monthrange(begin.year, begin.month)[1])
            yield begin, min(last, self.until)
            begin = date.fromordinal(last.toordinal() + 1)


def part_of(lake: Lake, since: str | None, until: str | None, domain: str | None) -> ExtractPart:
    """Return the part asked for; without a beginning or an end, all that is there up to today.

    Args:
        lake: The open lake.
        since: First day, inclusive, UTC, as `YYYY-MM-DD`; None: the first that a report is about.
        until: Last day, inclusive; None: the last that a report is about, no later than today.
        domain: One report domain, as a lower-case A-label; None: all.

    Raises:
        UsageError: A day is none, or the period ends before it begins.
        LakeError: The lake cannot be read.
    """
    from pipeline.query.catalogue import asked_period

    today = datetime.now(UTC).date()
    extent = lake.ask("extent").to_pylist()[0]
    first, last = extent["first_day"] or today, min(extent["last_day"] or today, today)
    period = asked_period(since or min(first, last), until or last, today)
    return ExtractPart(period["since"], period["until"], domain)


def chunks(lake: Lake, table: str, part: ExtractPart) -> Iterator[pa.Table]:
    """Yield the rows of a table month by month, at least one chunk, all of one schema with the meaning of each column in it.

    Args:
        lake: The open lake.
        table: A key of `VIEWS`.
        part: The days and the domain.

    Raises:
        LakeError: The lake cannot be read.
    """
    for since, until in part.months():
        yield _explained(lake.ask(f"handed_{table}", since=since, until=until, as_of=until, domain=part.domain), table)


def meaning(table: str, column: str) -> Meaning:
    """Return what a column of a table that is handed over means."""
    return meaning_of(VIEWS[table], column)


def grain(table: str) -> str:
    """Return what one row of the table is."""
    return "one row per report that counts" if table == "reports" else GRAINS[VIEWS[table]]


def about(lake: Lake, part: ExtractPart) -> dict[str, str]:
    """Return what a reader must know about the whole."""
    return {
        "made_by": f"tlsrpt-analytics {__version__}",
        "since": part.since.isoformat(),
        "until": part.until.isoformat(),
        "domain": part.domain or "all",
        "counted": "reports of senders in the trust tiers that count, of our domains, each session once; days are UTC, counts are sessions",
        "lake_version": lake.version,
    }


def _explained(chunk: pa.Table, table: str) -> pa.Table:
    import pyarrow as pa

    fields = [
        field.with_metadata({key: value for key, value in meaning(table, field.name)._asdict().items() if value}) for field in chunk.schema
    ]
    return chunk.cast(pa.schema(fields, metadata={"grain": grain(table)}))
