"""A quarter of a year played day by day: reports as they come in, checks, looks into the mailbox, and what is sent of it.

`python -m tests.notify.ninety_days` writes the transcript that is committed beside this file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import PlantedIncident
from pipeline.demo.simulated_reporters import REPORTERS
from pipeline.demo.spec import DaySpan, Spec, WorldReport
from pipeline.demo.world import World
from pipeline.insight import api
from pipeline.lake.mailbox_looks import Look, Looks, with_looks
from pipeline.notify import outbox
from pipeline.notify.channel_message import message_of
from pipeline.notify.digest import digest_of
from pipeline.notify.digest_page import as_text
from pipeline.notify.mutes import Mute, covers, holding
from pipeline.notify.news import news_for
from pipeline.notify.notice import lineage_of
from pipeline.notify.observe import look_back, observe
from pipeline.query.health import MailboxHealth, MailHabit, judge
from pipeline.report.rows import Ownership
from pipeline.tables.row_types import CheckRow, ReportRows
from tests.score.world_lake import ReportLake, rows_of

FIRST, DAYS = date(2026, 7, 6), 90
"""A Monday."""
TRANSCRIPT = Path(__file__).with_name("ninety-days.txt")
LINK = "https://tls.example.org"
_MORNING = time(6, tzinfo=UTC)
_LOST = ("example.net", 66, 71)
"""The domain that loses its policy, and its first and last day: its zone was restored from an old copy."""
_RUA_FAILS = range(40, 43)
"""Days on which the password of the mailbox is refused."""
_HARBOUR = Domain(
    "harbour.example",
    (MxHost("mail.harbour.example", ("203.0.113.80",)), MxHost("mail2.harbour.example", ("203.0.113.81",))),
    (PolicyVersion(date(2026, 1, 1), "enforce", ("mail.harbour.example", "mail2.harbour.example"), 604_800, "1"),),
    60,
)


def day(number: int) -> date:
    """The n-th day."""
    return FIRST + timedelta(days=number)


def _testing(*mx: str, max_age: int = 86_400) -> tuple[PolicyVersion, ...]:
    return (PolicyVersion(date(2026, 1, 1), "testing", mx, max_age, "1"),)


def _goes_wrong(cause: str, domain: str, first: int, last: int, **more: Any) -> PlantedIncident:
    return PlantedIncident(cause, domain, day(first), day(last), **more)


def world(days: int = DAYS, *, quiet: bool = False, most: int | None = None) -> World:
    """The world: nine domains, eight reporters, every cause once; a quiet one has the same traffic and nothing wrong."""
    hosted = MxHost("mx.hoster.example", ("203.0.113.100",))
    domains = (
        Domain(
            "example.com",
            tuple(MxHost(f"mx{n}.example.com", (f"203.0.113.{n}",)) for n in (1, 2, 3)),
            _testing("mx1.example.com", "mx2.example.com", "mx3.example.com"),
            200,
        ),
        Domain("example.net", (MxHost("mx.example.net", ("203.0.113.40",)),), _testing("mx.example.net"), 150),
        Domain(
            "example.org",
            tuple(MxHost(f"mx{n}.example.org", (f"203.0.113.{60 + n}",), dane=True) for n in (1, 2)),
            (PolicyVersion(date(2026, 1, 1), "enforce", ("mx1.example.org", "mx2.example.org"), 604_800, "1"),),
            120,
        ),
        _HARBOUR,
        Domain("garden.example", (hosted,), _testing(hosted.name), 40),
        Domain("meadow.example", (hosted,), _testing(hosted.name), 50),
        Domain("library.example", (MxHost("mx.library.example", ("203.0.113.120",)),), _testing("mx.library.example"), 60),
        Domain(
            "lighthouse.example",
            (MxHost("mail.lighthouse.example", ("203.0.113.90",)), MxHost("mail2.lighthouse.example", ("203.0.113.91",))),
            (PolicyVersion(date(2026, 1, 1), "enforce", ("mail.lighthouse.example",), 1_209_600, "1"),),
            60,
        ),
        Domain("orchard.example", (MxHost("mx.orchard.example", ("203.0.113.130",)),), (), 15),
    )
    incidents = (
        _goes_wrong("mx-certificate-expired", "example.com", 8, 14, hosts=("mx2.example.com",)),
        _goes_wrong("mx-certificate-name", "harbour.example", 22, 25, hosts=("mail2.harbour.example",)),
        *(_goes_wrong("mx-certificate-untrusted", name, 30, 35) for name in ("garden.example", "meadow.example")),
        _goes_wrong("starttls-missing", "example.com", 50, 52, hosts=("mx3.example.com",)),
        _goes_wrong("starttls-stripped", "example.com", 58, 63, reporters=("fastmail",), fault="path"),
        _goes_wrong("policy-unreachable", "library.example", 16, 20),
        _goes_wrong("policy-host-certificate", "library.example", 36, 39),
        _goes_wrong("policy-invalid", "library.example", 60, 64),
        _goes_wrong("mx-not-in-policy", "example.com", 72, 76, hosts=("mx1.example.com",)),
        _goes_wrong("policy-stale", "lighthouse.example", 53, 66, hosts=("mail2.lighthouse.example",)),
        _goes_wrong("tlsa-mismatch", "example.org", 12, 15, hosts=("mx1.example.org",)),
        _goes_wrong("dnssec-broken", "example.org", 45, 47),
        _goes_wrong("dane-missing", "example.org", 78, 82),
        _goes_wrong("mx-certificate-untrusted", "example.org", 25, 29, reporters=("mailru",), fault="sender"),
    )
    return World(
        Spec(
            8460,
            FIRST,
            day(days - 1),
            domains[:most],
            () if quiet else incidents,
            silences=() if quiet else (DaySpan(day(66), day(78), reporter="mailru"),),
        )
    )


class Played:
    """The lake as it is on one morning, with the part of `pipeline.query.Lake` that the notifier asks."""

    audience = None

    def __init__(self, play: Play, today: date) -> None:
        self._play, self.today = play, today
        self._settings = Settings(domains={"own": play.world.own_domains})

    def ask(self, name: str, **given: Any) -> Any:
        return self._play.lake.ask(name, **{"as_of": self.today, **given})

    def incidents(self, *, as_of: date) -> list[Any]:
        return api.find_incidents(self.ask, as_of=as_of, settings=self._settings.insight, known=KNOWN, evidence=0)

    def coverage(self, *, as_of: date) -> list[Any]:
        return api.coverage(self.ask, as_of=as_of, settings=self._settings.insight)

    def ground(self, *, as_of: date) -> None:
        """Not asked: every report of the world counts."""

    def verdicts(self, domains: Iterator[str], *, as_of: date) -> dict[str, str]:
        insight = self._settings.insight
        found = api.find_incidents(self.ask, as_of=as_of, settings=insight, known=KNOWN, days=insight.readiness_days)
        judged = partial(api.readiness, self.ask, as_of=as_of, settings=insight, known=KNOWN, incidents=found)
        return {name: judged(name).verdict for name in domains}

    def mailboxes(self, *, now: datetime | None = None) -> list[MailboxHealth]:
        assert now is not None
        habit = MailHabit("rua", 60, 1, now)
        return judge(self._play.looks.seen, self._play.looks.looks, [habit], ["rua"], now=now)


KNOWN = frozenset(reporter.signing_domain for reporter in REPORTERS)


class Play:
    """The world up to one morning."""

    def __init__(self, played: World, *, quiet: bool) -> None:
        self.world, self.quiet = played, quiet
        self.lake = ReportLake(())
        self.looks = Looks()
        self._own = Ownership(played.own_domains, played.own_hosts)
        self._coming = sorted(played.reports(), key=lambda report: report.sent_at)
        self._rows: list[ReportRows] = []
        self._checks: list[CheckRow] = []

    def morning(self, number: int) -> Played:
        """Take in what has come until the morning of the n-th day, unless nobody could read it."""
        now = datetime.combine(day(number), _MORNING)
        refused = not self.quiet and number in _RUA_FAILS
        error = "imap.example.org refused the user name or the password" if refused else ""
        look = Look("rua", f"run {number}", now, now, 77 if refused else 0, error)
        self.looks = with_looks(self.looks, [look])
        if not refused:
            arrived = [report for report in self._coming if report.sent_at <= now]
            self._coming = self._coming[len(arrived) :]
            rows = [row for report in arrived for row in rows_of(_without_policy(report) if not self.quiet else report, self._own)]
            self._add(number, rows, checks(number) if not self.quiet else ())
        return Played(self, day(number))

    def _add(self, number: int, reports: Sequence[ReportRows], found: Sequence[CheckRow]) -> None:
        """Add files for what is new; once a week all is written anew, since hundreds of small files take long to ask."""
        self._rows += reports
        self._checks += found
        if not number % 7:
            self.lake.close()
            self.lake = ReportLake(self._rows, self._checks)
            return
        more = ReportLake(reports, found)
        for name, files in more.files.items():
            self.lake.files.setdefault(name, []).extend(files)
        self.lake.look_again()


def _without_policy(report: WorldReport) -> WorldReport:
    """Return the report of a sender that finds no policy any more, as long as the domain has none."""
    domain, first, last = _LOST
    if report.domain != domain or not day(first) <= report.report_day <= day(last):
        return report
    document = json.loads(json.dumps(report.document))
    for entry in document["policies"]:
        entry["policy"] = {"policy-type": "no-policy-found", "policy-domain": domain}
        entry.pop("failure-details", None)
    return report._replace(document=document)


def checks(number: int) -> list[CheckRow]:
    """What `tlsrpt check` finds each morning: certificates, a roll-over ahead, what two domains publish."""
    at = datetime.combine(day(number), time(5, tzinfo=UTC))
    policy = (
        ("version: STSv1", "mode: enforce", "mx: mail.harbour.example", "max_age: 604800") if number >= 54 else _HARBOUR.policies[0].lines
    )
    ends = day(100) if number < 84 else day(190)
    rolls = datetime.combine(day(118), time(12, tzinfo=UTC))
    found = [
        (
            "harbour.example",
            "smtp",
            "smtp-ok",
            "mail.harbour.example [203.0.113.80]",
            "fine",
            "",
            datetime.combine(ends, time(12, tzinfo=UTC)),
            policy,
        ),
    ]
    if 73 <= number <= 80:
        found.append(
            (
                "example.org",
                "tlsa",
                "dane-roll-over",
                "_25._tcp.mx2.example.org",
                f"the certificate ends on {rolls:%Y-%m-%d}, and every record is of what is served now: when it is renewed with a new key, "
                "none matches",
                "1. now: make the new key, and publish its record beside the old one; 2. not before two TTLs later: serve the new "
                "certificate; 3. then remove the old record",
                rolls,
                (),
            )
        )
    return [
        CheckRow(f"{at:%Y-%m}", at, domain, 0, check, code, "ok", place, what, "", fix, "", "", "1", policy_lines, (), (), expires)
        for domain, check, code, place, what, fix, expires, policy_lines in found
    ]


def transcript(days: int = DAYS, *, quiet: bool = False, domains: int | None = None) -> str:
    """Play the days, and return what a channel that gets everything was sent, week by week, with the digest of each Monday.

    Args:
        days: How many.
        quiet: Whether nothing goes wrong.
        domains: Only so many domains of the world; None: all.
    """
    play = Play(world(days, quiet=quiet, most=domains), quiet=quiet)
    box, mutes, weeks, told = outbox.Box(), [], [], []
    for number in range(1, days):
        now = datetime.combine(day(number), _MORNING)
        lake = play.morning(number)
        observed = observe(lake, as_of=day(number), own=play.world.own_domains, now=now)
        if not quiet and number == 61:
            mutes = [_muted(one, observed) for one in observed.incidents if one.cause == "starttls-stripped"][:1]
        observed = replace(observed, muted=holding(mutes, observed.incidents, observed.as_of))
        events, memory = news_for(observed, box.memory)
        box, due = outbox.claim(outbox.queue(box, events, memory, now), now)
        for entry in due:
            message = message_of(entry.events, most=10, link=LINK)
            urgent = "at once" if any("now" in event.tags for event in entry.events) else "can wait for the digest"
            told.append(f"{now:%a %Y-%m-%d}, {urgent}\nSubject: {message.subject}\n\n{message.text}")
            box = outbox.mark_sent(box, entry.id, now)
        if day(number).weekday() == 0 or number == days - 1:
            digest = digest_of(look_back(lake, observed, mutes, days=7, link=LINK))
            count = f"{len(told)} message{'s' if len(told) != 1 else ''} and the digest"
            head = f"==== Week to {day(number)}: {count} ===="
            weeks.append("\n".join([head, "", *(f"{one}" for one in told), f"Digest\nSubject: {digest.subject}\n\n{as_text(digest)}"]))
            told = []
    return "\n".join(weeks)


def _muted(incident: Any, observed: Any) -> Mute:
    from pipeline.insight.told_incidents import remembered

    mute = Mute(lineage_of(incident), f"{incident.title}, {incident.domain}", None, "the sender's network knows", "ops", observed.as_of, ())
    return mute._replace(as_it_was=tuple(remembered(one) for one in observed.incidents if covers(mute, one)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--quiet", action="store_true")
    given = parser.parse_args()
    text = transcript(given.days, quiet=given.quiet)
    if given.days == DAYS and not given.quiet:
        TRANSCRIPT.write_text(text, encoding="utf-8")
    else:
        print(text)
