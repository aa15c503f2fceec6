"""A world, written down: what its reports are made from, and what a report of it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from pipeline.demo.manners import Document
from pipeline.demo.places import Domain
from pipeline.demo.planted_incidents import PlantedIncident
from pipeline.demo.simulated_reporters import REPORTERS, Reporter


class OddMail(NamedTuple):
    """A mail that is not an ordinary report."""

    kind: str
    """A key of `pipeline.demo.odd_mail.KINDS`."""
    day: date
    """The day it is about; it comes the day after."""
    reporter: str = "google"
    domain: str = ""
    """Empty: the first domain of the world."""


class DaySpan(NamedTuple):
    """Days, both inclusive, on which something is so for a reporter or a domain; None: for all."""

    first_day: date
    last_day: date
    reporter: str | None = None
    domain: str | None = None
    factor: float = 0.0
    """For a lull: traffic relative to usual."""

    def holds(self, day: date, reporter: str, domain: str) -> bool:
        """Whether it is so on a day, for a reporter and a domain.

        Args:
            day: The day, UTC.
            reporter: The key of the reporter.
            domain: The name of the domain.
        """
        return self.first_day <= day <= self.last_day and self.reporter in (None, reporter) and self.domain in (None, domain)


class Spec(NamedTuple):
    """A world, written down."""

    seed: int
    first_day: date
    last_day: date
    domains: tuple[Domain, ...]
    incidents: tuple[PlantedIncident, ...] = ()
    reporters: tuple[Reporter, ...] = REPORTERS
    loops: tuple[tuple[str, str], ...] = ()
    """(reporter, domain): a report loop, nothing but the one session a day in which the other side's report came."""
    silences: tuple[DaySpan, ...] = ()
    """Days on which a reporter sends nothing, though it had sessions: its own outage."""
    lulls: tuple[DaySpan, ...] = ()
    """Days of little traffic."""
    newcomers: tuple[tuple[str, date], ...] = ()
    """(reporter, first day on which it reports at all)."""
    stray_rate: float = 0.004
    """Chance that a report has one stray failed session."""
    odd_mail: tuple[OddMail, ...] = ()
    """What lies in the mailbox beside the reports."""
    noise: float = 0.25
    """How far a day's traffic strays from the usual, up or down."""


class WorldReport(NamedTuple):
    """One report as its sender wrote it."""

    reporter: str
    report_day: date
    sent_at: datetime
    domain: str
    """The MX host where a report is about one."""
    document: Document
    sessions: int = 0
    """Sessions that it tells of and no other report does."""
    failed: int = 0
