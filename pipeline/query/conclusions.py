"""What an analyst asks of an open lake besides rows: frames, incidents, verdicts, who reports. Each is drawn as a table in a notebook."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.extras import import_extra
from pipeline.insight.period import as_of_from
from pipeline.query.looks_asked import LooksAsked

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from pipeline.insight.api import Incident, PoliciesSeen, PublishedPolicy, Readiness
    from pipeline.insight.ground import Ground
    from pipeline.query.notebook_html import CoverageTable, Incidents


class Analysis(LooksAsked):
    """The part of `Lake` that draws conclusions; all of them rest on named questions.

    `as_of` is the as-of date (UTC), by default today. Days are complete two days later; later ones are excluded from verdicts.
    """

    def frame(self, name: str, **parameters: Any) -> pd.DataFrame:
        """Answer a named question as a pandas frame, days as `datetime64`; the parameters are those of `ask`."""
        import_extra("pandas", extra="notebooks", what="a frame")
        frame: pd.DataFrame = self.ask(name, **parameters).to_pandas(date_as_object=False)
        return frame

    def known_domain(self, name: str) -> str:
        """Return a domain as the lake has it: lower-case, as A-label.

        Raises:
            UsageError: Nobody reports about it and it is not ours, while other domains are known; the sentence suggests one.
            LakeError: The lake cannot be read.
        """
        from pipeline.query.known_domains import known_domain

        audience = self._settings.audience
        return known_domain(self.ask, name, self._settings.domains.own, whose=audience.title if audience is not None else "")

    def ground(
        self,
        *,
        domain: str | None = None,
        days: int | None = None,
        since: date | None = None,
        until: date | None = None,
        as_of: date | str | None = None,
    ) -> Ground:
        """Return what conclusions rest on: what counts, what is left out and why, and what to do about it.

        Args:
            domain: One domain only; None: all.
            days: Complete days to look at; the configured ones where it is not given.
            since: The first day, instead of `days`.
            until: The last day; the last complete one where it is not given.
            as_of: The day of asking.

        Raises:
            UsageError: `as_of` is not a day, or nobody knows the domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight.ground import read_ground
        from pipeline.insight.period import period_of
        from pipeline.tables.schema import TRUST_TIERS

        today = _today(as_of)
        period = period_of(today, days or self._settings.insight.days, self._settings.insight)
        ground = read_ground(
            self.ask,
            since=since or period.since,
            until=until or today,
            as_of=today,
            complete_until=period.until,
            own=self.waited_for(),
            domain=self._named(domain),
            trusts_all=set(TRUST_TIERS) <= set(self._settings.trust.count),
        )
        if today < _today(None):
            return ground  # of another day nothing is known of the mailboxes
        return ground._replace(unread=tuple(f"{box.title()}. {box.sentence()} {box.fix()}" for box in self.mailboxes() if box.why))

    def incidents(
        self,
        *,
        domain: str | None = None,
        days: int | None = None,
        as_of: date | str | None = None,
        evidence: int | None = 0,
    ) -> Incidents:
        """Return what fails or failed, newest first.

        Args:
            domain: One domain only; None: all.
            days: Complete days to look at; the configured ones where it is not given. Incidents are followed back beyond them.
            as_of: The day of asking.
            evidence: How many report keys to give each, newest first; None: all; 0: none, which saves a question.

        Raises:
            UsageError: `as_of` is not a day, or nobody knows the domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api
        from pipeline.query.notebook_html import Incidents

        found = api.find_incidents(
            self.ask,
            as_of=_today(as_of),
            settings=self._settings.insight,
            known=self._settings.trust.known_reporters,
            days=days,
            domain=self._named(domain),
            evidence=evidence,
        )
        silent = (lambda: [box for box in self.mailboxes() if box.why is not None]) if as_of is None else tuple
        return Incidents(found, lambda: self.ground(domain=domain, days=days, as_of=as_of), silent)

    def incident(self, wanted: str, *, days: int | None = None, as_of: date | str | None = None, evidence: int | None = 20) -> Incident:
        """Return one incident by its id, also by one it had earlier, with the reports that prove it.

        Args:
            wanted: The id of an incident or of its fault, or a beginning of it that only one has.
            days: Complete days to look at; the configured ones where it is not given.
            as_of: The day of asking.
            evidence: How many report keys to give, newest first; None: all; 0: none.

        Raises:
            UsageError: There is none of that id in the period, several begin so, or `as_of` is not a day.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api

        found = api.find_incident(
            self.ask,
            wanted,
            as_of=_today(as_of),
            settings=self._settings.insight,
            known=self._settings.trust.known_reporters,
            days=days,
            evidence=evidence,
        )
        if found is None:
            raise UsageError(f"there is no incident {wanted[:40]!r} in the period; `lake.incidents()` lists them")
        return found

    def readiness(
        self, domain: str, *, as_of: date | str | None = None, published: PublishedPolicy | None = None, ground: bool = True
    ) -> Readiness:
        """Return whether a domain may go from `testing` to `enforce`, what is missing, and what that rests on (`rests_on`).

        Args:
            domain: The domain, as a lower-case A-label.
            as_of: The day of asking.
            published: The policy now published; None: as last checked in the seven days before, or else as the senders of the last three
                days show it.
            ground: Whether to work out what it rests on, which takes some questions more.

        Raises:
            UsageError: `as_of` is not a day, or nobody knows the domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api

        name, settings = self.known_domain(domain), self._settings.insight
        known = self._settings.trust.known_reporters
        verdict = api.readiness(self.ask, name, as_of=_today(as_of), settings=settings, known=known, published=published)
        return replace(verdict, rests_on=self.ground(domain=name, days=settings.readiness_days, as_of=as_of)) if ground else verdict

    def verdicts(self, domains: Iterable[str], *, as_of: date | str | None = None) -> dict[str, str]:
        """Return the verdict of `readiness` on each of some domains, from incidents that are found once for all of them.

        Raises:
            UsageError: `as_of` is no day, or nobody knows a domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api
        from pipeline.insight.many_domains import shared
        from pipeline.query.known_domains import known_domains

        today, settings, known = _today(as_of), self._settings.insight, self._settings.trust.known_reporters
        names = known_domains(self.ask, domains, self._settings.domains.own)
        ask = shared(self.ask)
        found = api.find_incidents(ask, as_of=today, settings=settings, known=known, days=settings.readiness_days) if names else []
        weighed = api.verdicts(ask, names, as_of=today, settings=settings, known=known, incidents=found)
        return {name: readiness.verdict for name, readiness in weighed.items()}

    def policies_seen(
        self, domain: str, *, days: int | None = None, as_of: date | str | None = None, published: PublishedPolicy | None = None
    ) -> PoliciesSeen:
        """Return which MTA-STS policies senders applied to a domain, who holds an old one, and what changed.

        Args:
            domain: The domain, in any spelling that `known_domain` takes.
            days: Complete days to look at; the configured ones where it is not given.
            as_of: The day of asking.
            published: The policy now published; None: as last checked in the seven days before, or else what most sessions of the last
                three days carried.

        Raises:
            UsageError: `as_of` is not a day, or nobody knows the domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api

        name = self.known_domain(domain)
        return api.policies_seen(self.ask, name, as_of=_today(as_of), settings=self._settings.insight, days=days, published=published)

    def coverage(self, *, domain: str | None = None, days: int | None = None, as_of: date | str | None = None) -> CoverageTable:
        """Return who reports on what, how often, and who went silent.

        Args:
            domain: One domain only; None: all.
            days: Complete days to look at; the configured ones where it is not given.
            as_of: The day of asking.

        Raises:
            UsageError: `as_of` is not a day, or nobody knows the domain.
            LakeError: The lake cannot be read.
        """
        from pipeline.insight import api
        from pipeline.query.notebook_html import CoverageTable

        named = self._named(domain)
        lines = api.coverage(self.ask, as_of=_today(as_of), settings=self._settings.insight, days=days, domain=named)
        return CoverageTable(lines, lambda: self.ground(domain=named, days=days, as_of=as_of))

    def _named(self, domain: str | None) -> str | None:
        return None if domain is None else self.known_domain(domain)


def _today(asked: date | str | None) -> date:
    return datetime.now(UTC).date() if asked is None else as_of_from(asked)
