"""The first two weeks: which reporters have been seen, which usually come, which of our domains were reported on, what to check. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ground import WAITED_FOR
from pipeline.insight.phrases import count_of
from pipeline.message.shipped_reporters import REPORTERS
from pipeline.output.markup import html_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from pipeline.insight.ask import Ask

_SHOWN_DAYS = 3
"""Days with reports from which on a reporter has a habit of its own here."""
USUAL_DAYS = 3
"""Days until first reports come: senders collect a UTC day, and send within the next."""


class SeenReporter(NamedTuple):
    """A reporter that was seen, or usually is."""

    reporter: str
    name: str
    """Who that is, where the shipped list knows."""
    usually: str
    """When it usually comes: by what came so far, or as is known of it; empty: nothing is known."""
    reports: int
    counted: int
    first_received: date | None

    def state(self) -> str:
        """Say in a few words whether it has been seen."""
        if self.first_received is None:
            return "not seen yet"
        left = "" if self.counted == self.reports else f", {self.counted:,} count"
        return f"{count_of(self.reports, 'report')} since {self.first_received}{left}"


class SeenDomain(NamedTuple):
    """A domain of ours."""

    domain: str
    reports: int
    first_day: date | None
    """The first day a report is about."""


class FirstWeeks(NamedTuple):
    """How far the beginning has come."""

    began: date | None
    """When reports were first looked for, or came; None: nobody has begun."""
    today: date
    reporters: tuple[SeenReporter, ...]
    """Those that usually come first, then the others that were seen."""
    domains: tuple[SeenDomain, ...]
    """`[domains] own`; where it is not set those reported on."""

    @property
    def last(self) -> bool:
        """Whether they still last."""
        return self.began is None or self.today - self.began <= WAITED_FOR

    def sentence(self) -> str:
        """Say where it stands."""
        if not self.last:
            return f"The first two weeks are over; they began on {self.began}."
        if self.began is None:
            return "No mailbox has been polled yet: run `tlsrpt ingest`; `tlsrpt doctor` checks the setup first."
        day = (self.today - self.began).days + 1
        seen = [one for one in self.reporters if one.reports]
        if seen:
            reported = sum(bool(one.reports) for one in self.domains)
            domains = f", about {reported:,} of {len(self.domains):,} domains" if self.domains else ""
            return f"Day {day}: {count_of(len(seen), 'reporter')} seen so far{domains}."
        if day <= USUAL_DAYS:
            return f"Day {day}: no report yet. First reports usually come within {USUAL_DAYS} days of publishing the _smtp._tls record."
        return f"Day {day}: no report yet, though first reports usually come within {USUAL_DAYS} days. Go through what to check."

    def to_check(self) -> tuple[str, ...]:
        """Return what to look at if reports are missing, most likely first."""
        missing = next((one.domain for one in self.domains if not one.reports), "DOMAIN")
        return (
            f"tlsrpt check {missing}: is the _smtp._tls record there, and does its rua name the mailbox that is read here? A mailbox in "
            "another domain needs no permission for TLS reports, but it must take the mail.",
            "tlsrpt doctor: does the sign-in work, is it the right folder, does the DNS answer?",
            "Check the spam folder and the filters of the mailbox: reports are mail with a .json.gz attached.",
            "Reports come about days on which a sender has delivered mail to the domain, and only from senders that send reports at all: "
            "a domain that gets little mail may wait longer.",
            "tlsrpt status: reports that came and do not count are named there, with the way out.",
        )

    def _repr_html_(self) -> str:
        rows = [(one.reporter, one.name, one.usually, one.state()) for one in self.reporters]
        return html_table(self.sentence(), ("reporter", "who", "usually", "seen"), rows)


def read_first_weeks(
    ask: Ask, *, today: date, own: Mapping[str, date | None], first_look: date | None, configured: Iterable[str] = ()
) -> FirstWeeks:
    """Return how far the beginning has come; once it is over, which reporters and domains were seen is not asked any more.

    Args:
        ask: Answers questions.
        today: UTC.
        own: `[domains] own`, and since when reports about each are waited for.
        first_look: When a mailbox was first looked into; None: never, or nobody wrote it down.
        configured: `[trust] reporters`: they are waited for like those of the shipped list.

    Raises:
        LakeError: The lake cannot be read.
    """
    ingested = ask("extent").to_pylist()[0]["first_ingested_at"]
    days = [day for day in (first_look, ingested.date() if ingested else None) if day is not None]
    weeks = FirstWeeks(min(days, default=None), today, (), ())
    if not weeks.last:
        return weeks
    seen = {row["submitter_domain"]: row for row in ask("reporters_seen").to_pylist()}
    # A mailbox that gathered reports for months before it was first read is past its beginning.
    came = [row["first_received_at"].date() for row in seen.values()]
    weeks = weeks._replace(began=min([*came, *days], default=None))
    if not weeks.last:
        return weeks
    known = {row["report_domain"]: row for row in ask("reported_domains", at_most=1_000_000).to_pylist()}
    named = {one.domain: one for one in REPORTERS}
    rows = []
    waited_for = dict.fromkeys((*named, *configured))
    for name in dict.fromkeys((*waited_for, *seen)):
        row, shipped = seen.get(name), named.get(name)
        first = row["first_received_at"] if row else None
        rows.append(
            SeenReporter(
                name,
                shipped.name if shipped else "",
                _usually(row) or (shipped.usually if shipped else "named in [trust] reporters" if name in waited_for else ""),
                row["reports"] if row else 0,
                row["counted"] if row else 0,
                first.date() if first else None,
            )
        )
    domains = [SeenDomain(name, *_reported(known.get(name))) for name in (own or known)]
    return weeks._replace(reporters=tuple(rows), domains=tuple(sorted(domains, key=lambda one: (one.reports, one.domain))))


def _usually(row: Mapping[str, Any] | None) -> str:
    """Return the habit of a reporter that has shown one; empty: it is too early."""
    if row is None or row["days"] < _SHOWN_DAYS:
        return ""
    every = round(((row["last_day"] - row["first_day"]).days + 1) / row["days"])
    return f"about every {every} days so far" if every > 1 else "about daily so far"


def _reported(row: dict[str, object] | None) -> tuple[int, date | None]:
    return (0, None) if row is None else (int(str(row["reports"])), row["first_day"] if isinstance(row["first_day"], date) else None)
