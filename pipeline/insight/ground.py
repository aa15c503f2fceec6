"""What a conclusion rests on, in numbers and sentences: said before the conclusion, on every surface. Pure over answers.

Nothing counted is not the same as nothing failing: a mailbox of unsigned mail, or of another company's, would else look like good news.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.insight.habits import Habit, read_habits, sentences
from pipeline.insight.phrases import count_of, days_of
from pipeline.output.markup import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.insight.ask import Ask

WAITED_FOR = timedelta(days=14)
"""So long the first report about a domain may be on its way."""
NO_OWN = "[domains] own is not set, so every domain counts as yours."
_UNKNOWN_DAYS = timedelta(days=3)
"""So many complete days without any report that counts are worth a word."""
_WAYS = {
    "fail": "if a border server of yours checks mail before it changes it, name it in [trust] authserv_ids and run `tlsrpt rebuild`; for "
    "old mail you trust, `tlsrpt ingest --vouch-before DAY`",
    "none": "if a border server of yours checks mail, name it in [trust] authserv_ids; where you trust what is in the mailbox, "
    "`tlsrpt ingest --vouch-before DAY` counts what came before that day",
    "no_key": "`tlsrpt ingest --vouch-before DAY` counts old mail, whose keys are gone, or name the server that checked it in "
    "[trust] authserv_ids and run `tlsrpt rebuild`",
    "expired": "`tlsrpt ingest --vouch-before DAY` counts old mail, or name the server that checked it in [trust] authserv_ids",
    "unaligned": "somebody else signed for the reporter, as mailing lists do: have the border server that received the original named in "
    "[trust] authserv_ids, or the mail delivered without a list between",
    "not_our_domain": "add the domains that are yours to [domains] own",
    "pass": "add the tier to [trust] count",
    "posted": "add posted to [trust] count, or name the networks of senders you believe in [trust] posted_from for what comes from now on",
    "temperror": "the next runs ask the DNS again",
    "unknown": "`tlsrpt rebuild` reads what is kept again",
}
_OTHER_WAY = "see `tlsrpt status` for what was said of each; --vouch-before DAY counts old mail you trust"
_WORDS = {
    "not_our_domain": "about domains that [domains] own does not name",
    "unknown": "whose check is no longer in the ledger",
    "none": "not signed",
    "posted": "posted over HTTPS, where nothing says who sent them (posted)",
    "pass": "proved, of a trust tier that [trust] count leaves out (pass)",
    "fail": "with a signature that fails (fail)",
    "no_key": "whose key is no longer published (no_key)",
    "expired": "whose signature had expired (expired)",
    "unaligned": "signed by another domain than the reporter's (unaligned)",
    "temperror": "whose DKIM key could not be looked up yet (temperror)",
    "permerror": "whose signature or key breaks the standard (permerror)",
    "weak": "whose signature is too weak to prove anything (weak)",
    "not_covered": "whose signature leaves out what decides (not_covered)",
    "not_reporter": "not from the address that sends this reporter's reports (not_reporter)",
    "unchecked": "whose signature was not checked (unchecked)",
}


class Uncounted(NamedTuple):
    """Reports that do not count for one reason."""

    reason: str
    """A result of the check of the signature (`pipeline.message.verdict`), or not_our_domain."""
    reports: int
    domains: tuple[str, ...] = ()
    """Some of the domains they are about."""

    def words(self) -> str:
        """Say it: `300 not signed`."""
        named = f": {', '.join(self.domains)}" if self.reason == "not_our_domain" and self.domains else ""
        return f"{self.reports:,} {_WORDS.get(self.reason) or f'left out as {self.reason}'}{named}"

    def way_out(self) -> str:
        """Say what makes them count."""
        return _WAYS.get(self.reason, _OTHER_WAY)


class Ground(NamedTuple):
    """What a conclusion rests on."""

    since: date
    until: date
    sessions: int
    reports: int
    reporters: int
    days: int
    left_out: tuple[Uncounted, ...]
    """The largest first."""
    ever: int
    """Reports of any day and domain, whether they count or not."""
    own: tuple[str, ...]
    """`[domains] own`; none: every domain counts as ours."""
    unreported: tuple[str, ...]
    """Domains of ours that no report was ever about."""
    waiting: tuple[str, ...] = ()
    """Those of them that have been waited for no longer than two weeks."""
    incomplete_sessions: int = 0
    """Sessions from days that are not complete yet: they are counted, and excluded from verdicts."""
    domain: str | None = None
    trusts_all: bool = False
    """Whether reports of every tier count: somebody wants to see all, whoever sent it."""
    last_day: date | None = None
    """The last day that reports which count are about."""
    complete_until: date | None = None
    """The last complete day."""
    left_out_since: int = 0
    """Reports about later days than `last_day` that do not count, where it is not the last complete day or close to it."""
    unread: tuple[str, ...] = ()
    """Sentences on the mailboxes that are not read, or give nothing: what they hold is in no conclusion."""
    habits: tuple[Habit, ...] = ()
    """Reporters whose numbers need a word: failures only, report loops, several reports a day, host reports, unsure."""

    @property
    def reports_left_out(self) -> int:
        """How many reports do not count."""
        return sum(each.reports for each in self.left_out)

    @property
    def is_nothing(self) -> bool:
        """Whether there are reports and none of them counts: then nothing is known, and that is a finding (exit 1)."""
        return not self.reports and self.reports_left_out > 0

    @property
    def ends_early(self) -> bool:
        """Whether the newest complete days are days of which nothing is known, though earlier ones have reports."""
        if self.last_day is None or self.complete_until is None:
            return False
        return self.complete_until - self.last_day >= _UNKNOWN_DAYS

    def good_news(self, said: str) -> str:
        """Return good news as far as anything is known: `no incidents up to 2026-05-18; nothing is known of the days since`."""
        return f"{said.rstrip('.')} up to {self.last_day}; nothing is known of the days since" if self.ends_early else said

    def without_reports(self) -> list[tuple[str, str]]:
        """Return the domains of ours without any report, as far as they are asked about: waiting in the first two weeks, then never."""
        asked = [name for name in self.unreported if self.domain in (None, name)]
        return [(name, "waiting" if name in self.waiting else "never") for name in asked]

    def headline(self) -> str:
        """Return what it rests on, in one sentence."""
        about = f" about {self.domain}" if self.domain else ""
        if self.reports:
            everything = " of every trust tier, forged ones included" if self.trusts_all else ""
            later = f"; {self.incomplete_sessions:,} of the sessions are of days not complete yet" if self.incomplete_sessions else ""
            return (
                f"Rests on {count_of(self.sessions, 'session')} in {count_of(self.reports, 'report')}{everything}{about} of "
                f"{count_of(self.reporters, 'reporter')} on {count_of(self.days, 'day')} ({days_of(self.since, self.until)}{later})."
            )
        if self.left_out:
            return (
                f"Nothing is known: none of the {count_of(self.reports_left_out, 'report')}{about} of {days_of(self.since, self.until)} "
                "counts. That is not the same as nothing failing."
            )
        if self.domain in self.unreported and self.ever:
            said = self._no_report_about((self.domain,), is_waited_for=self.domain in self.waiting)
            return f"Nothing is known: {said[:1].lower()}{said[1:]}"
        if self.ever:
            missing = f"no report{about} of {days_of(self.since, self.until)} is in the lake"
            return f"Nothing is known: {missing}. That is not the same as nothing failing."
        if self.unreported and not self.waiting:
            return f"Nothing is known: no report has come in more than {WAITED_FOR.days} days. That is not the same as nothing failing."
        return (
            "Nothing is known: no report has come yet. First reports usually come within 3 days of publishing the _smtp._tls record; "
            "`tlsrpt check` says whether it can be found."
        )

    def why_nothing(self) -> list[str]:
        """Return the sentences that say why nothing is known, of all days or of the newest, without the ways out."""
        nothing = [] if self.reports else [self.headline()]
        return [*nothing, *filter(None, (self._ended(), self._left_out()))]

    def _ended(self) -> str:
        if not self.ends_early:
            return ""
        later = f"; {count_of(self.left_out_since, 'report')} about them left out" if self.left_out_since else ""
        return f"No report that counts is about a day after {self.last_day}: nothing is known of the days since{later}."

    def _left_out(self) -> str:
        if not self.left_out:
            return ""
        reasons = "; ".join(each.words() for each in self.left_out)
        return f"Left out: {count_of(self.reports_left_out, 'report')} ({reasons})."

    def notes(self) -> list[str]:
        """Return what else a reader has to know: what is left out and the way out, domains nobody reports about, whose domains count."""
        said = [*filter(None, (self._ended(), self._left_out()))]
        if self.left_out:
            said += [f"Way out ({each.reason}): {each.way_out()}." for each in self.left_out[:3]]
        if not self.own:
            said.append(NO_OWN)
        if not self.domain:
            never = tuple(name for name in self.unreported if name not in self.waiting)
            said += [self._no_report_about(names, is_waited_for=names is self.waiting) for names in (self.waiting, never) if names]
        return [*said, *sentences(self.habits)]

    @staticmethod
    def _no_report_about(names: Sequence[str], *, is_waited_for: bool) -> str:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        if is_waited_for:
            return (
                f"No report ever about {shown}: first reports usually come within 3 days; check the _smtp._tls record "
                f"(`tlsrpt check {names[0]}`) and that its rua reaches this mailbox."
            )
        return (
            f"No report ever about {shown}, in more than {WAITED_FOR.days} days: `tlsrpt check {names[0]}` says what its _smtp._tls "
            "record names; a domain that large senders do not write to gets no reports."
        )

    def lines(self) -> list[str]:
        """Return all of it, the headline first."""
        return [self.headline(), *self.notes()]

    def said(self) -> list[str]:
        """Return all there is to say before a conclusion: the mailboxes that are not read come before everything else."""
        return [*self.unread, *self.lines()]

    def _repr_html_(self) -> str:
        return "".join(f"<p>{text(line)}</p>" for line in self.said())

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **{
                name: getattr(self, name)
                for name in ("sessions", "incomplete_sessions", "reports", "reporters", "days", "ever", "domain", "trusts_all")
            },
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "left_out_since": self.left_out_since,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "left_out": [each._asdict() for each in self.left_out],
            "reports_left_out": self.reports_left_out,
            "own": list(self.own),
            "unreported": list(self.unreported),
            "waiting": list(self.waiting),
            "unread": list(self.unread),
            "habits": [each.as_json() for each in self.habits],
        }


def read_ground(
    ask: Ask,
    *,
    since: date,
    until: date,
    as_of: date,
    complete_until: date,
    own: Mapping[str, date | None],
    domain: str | None,
    trusts_all: bool,
) -> Ground:
    """Return what conclusions about some days rest on.

    Args:
        ask: Answers questions.
        since: First day, inclusive.
        until: Last day, inclusive.
        as_of: The day of asking.
        complete_until: The last complete day.
        own: `[domains] own`, and since when reports about each are waited for; None: nobody wrote it down.
        domain: One domain only; None: all.
        trusts_all: Whether every tier counts.

    Raises:
        LakeError: The lake cannot be read.
    """
    period: dict[str, Any] = {"since": since, "until": until, "as_of": as_of, "domain": domain}
    counted = ask("ground", **period, complete_until=complete_until).to_pylist()[0]
    left_out = ask("ground_left_out", **period).to_pylist()
    extent = ask("extent").to_pylist()[0]
    unreported = _unreported(ask, tuple(own))
    began = extent["first_ingested_at"].date() if extent["first_ingested_at"] else as_of
    ground = Ground(
        since=since,
        until=until,
        sessions=int(counted["sessions"]),
        incomplete_sessions=int(counted["incomplete_sessions"]),
        reports=int(counted["reports"]),
        reporters=int(counted["reporters"]),
        days=int(counted["days"]),
        left_out=tuple(Uncounted(row["reason"], row["reports"], tuple(filter(None, row["domains"] or ()))) for row in left_out),
        ever=int(extent["reports"]),
        own=tuple(own),
        unreported=unreported,
        waiting=tuple(name for name in unreported if as_of - (own[name] or began) <= WAITED_FOR),
        domain=domain,
        trusts_all=trusts_all,
        last_day=counted["last_day"],
        complete_until=min(complete_until, until),
        habits=read_habits(ask, since=since, until=until, domain=domain) if counted["reports"] else (),
    )
    if not ground.ends_early or not left_out:
        return ground
    later = ask("ground_left_out", **(period | {"since": counted["last_day"] + timedelta(days=1)})).to_pylist()
    return ground._replace(left_out_since=sum(row["reports"] for row in later))


def _unreported(ask: Ask, own: Sequence[str]) -> tuple[str, ...]:
    if not own:
        return ()
    known = {row["report_domain"]: row["reports"] for row in ask("reported_domains", at_most=1_000_000).to_pylist()}
    return tuple(name for name in own if not known.get(name))
