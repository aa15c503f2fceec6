"""A synthetic world that has been played: its mails and its truth, for whoever only reads it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.demo.places import Domain
    from pipeline.demo.session_counts import Applied
    from pipeline.demo.signing_keys import KeyRing
    from pipeline.demo.simulated_reporters import Reporter
    from pipeline.demo.spec import Spec, WorldReport


class Played(Protocol):
    """What `pipeline.demo.world.World` shows of itself."""

    spec: Spec
    keyring: KeyRing
    domains: tuple[Domain, ...]

    def domain(self, name: str) -> Domain:
        """Return a domain as its owner really ran it."""

    def days(self, first_day: date | None = None, last_day: date | None = None) -> Iterator[date]:
        """Yield the days of the world, or some of them."""

    def counted(self, reporter: Reporter, domain: Domain, day: date) -> list[Applied]:
        """Return what a reporter counted, whether or not it reported.

        Args:
            reporter: One of the world's reporters.
            domain: One of `domains`.
            day: The day of the sessions, UTC.
        """

    def reports_on(self, reporter: Reporter, domain: Domain, day: date) -> bool:
        """Whether that reporter mails a report about that day.

        Args:
            reporter: One of the world's reporters.
            domain: One of `domains`.
            day: The day of the sessions, UTC.
        """

    def reports(self, first_day: date | None = None, last_day: date | None = None) -> Iterator[WorldReport]:
        """Yield the reports about those days."""
