"""The digest: the last days in a mail that reads as text and as HTML. A quiet week still has one: its absence is the alarm. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.faults import by_fault
from pipeline.insight.phrases import count_of, days_of, first_step, sentence_start, span_of
from pipeline.notify.matters import is_unread
from pipeline.notify.mutes import holding, is_muted
from pipeline.notify.notice import defused, name, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.incident import Incident
    from pipeline.notify.mutes import Mute
    from pipeline.notify.observed import Observed

CERTIFICATE_DAYS = 60
"""How far ahead the digest looks."""


class Totals(NamedTuple):
    """Sessions of the days of the digest, as counted."""

    sessions: int
    authenticated: int
    failed: int
    no_policy: int
    success_rate: float | None
    """Without senders that report only on days with failures; None where nobody else reports."""


class NotCounted(NamedTuple):
    """Reports that are not counted, for one reason."""

    reason: str
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDays:
    """All that a digest is made of. Days are UTC, both ends inclusive."""

    since: date
    until: date
    observed: Observed
    totals: Totals
    left_out: tuple[NotCounted, ...]
    verdicts_before: tuple[tuple[str, str], ...]
    """Domain and verdict as they were on the first day."""
    mutes: tuple[Mute, ...]
    link: str = ""


class DigestLine(NamedTuple):
    """One line of a section."""

    says: str
    step: str = ""
    """What to do first; empty: nothing."""
    link: str = ""
    """Where its evidence is; empty: there is no page."""


class DigestSection(NamedTuple):
    """A heading with its lines; one without lines is left out."""

    title: str
    lines: tuple[DigestLine, ...]


class Digest(NamedTuple):
    """A digest, before it is text or HTML. Every text in it is defused already."""

    subject: str
    opening: str
    sections: tuple[DigestSection, ...]
    closing: str


def digest_of(days: DigestDays) -> Digest:
    """Return the digest of some days."""
    faults = _faults(days.observed.incidents)
    mutes = holding(days.mutes, days.observed.incidents, days.observed.as_of)
    loud = [fault for fault in faults if not is_muted(fault[0], mutes)]
    began = [fault for fault in loud if _first(fault) >= days.since and not _over(fault)]
    ended = [fault for fault in loud if _over(fault) and max(one.last_day for one in fault) >= days.since - timedelta(days=2)]
    goes_on = [fault for fault in loud if _first(fault) < days.since and not _over(fault)]
    sections = (
        _section("Reading the mailboxes", _mailboxes(days.observed)),
        DigestSection("Began", tuple(_line(fault, days) for fault in began)),
        DigestSection("Continues", tuple(_line(fault, days) for fault in goes_on)),
        DigestSection("Ended", tuple(_line(fault, days) for fault in ended)),
        _section("Muted", (_muted(mute) for mute in mutes)),
        _section("Verdicts that changed", _verdicts(days)),
        _section("Published otherwise than before", _published(days)),
        _section("Senders", _senders(days.observed)),
        _section("Certificates and roll-overs", (*_certificates(days.observed), *_roll_overs(days.observed))),
        _section("Not counted", (f"{count_of(one.reports, 'report')}: {defused(one.reason)}" for one in days.left_out)),
    )
    return Digest(
        f"TLS reports, {days_of(days.since, days.until)}: {_state(began, goes_on, days)}",
        _opening(began, goes_on, days),
        tuple(section for section in sections if section.lines),
        f"The dashboard: {days.link}" if days.link else "`tlsrpt incidents` shows each fault with its evidence.".replace("`", "'"),
    )


def _section(title: str, lines: Iterable[str]) -> DigestSection:
    return DigestSection(title, tuple(map(DigestLine, lines)))


def _faults(incidents: Iterable[Incident]) -> list[list[Incident]]:
    return sorted(by_fault(incidents), key=lambda fault: (fault[0].fault != "ours", -sum(one.failed_sessions for one in fault)))


def _first(fault: Sequence[Incident]) -> date:
    return min(one.first_day for one in fault)


def _over(fault: Sequence[Incident]) -> bool:
    return all(one.state == "resolved" for one in fault)


def _state(began: Sequence[object], goes_on: Sequence[object], days: DigestDays) -> str:
    if is_unread(days.observed):
        return "the mailbox is not being read"
    if not days.totals.sessions:
        return "nothing is known"
    count = len(began) + len(goes_on)
    return f"{count_of(count, 'open fault')}" if count else _so_far("no open fault", days)


def _opening(began: Sequence[Sequence[Incident]], goes_on: Sequence[Sequence[Incident]], days: DigestDays) -> str:
    """Return how things are, in a sentence that says first what it rests on."""
    totals = days.totals
    if not totals.sessions:
        return (
            f"No counted report is about {days_of(days.since, days.until)}, so nothing is known of these days; that is not the same as "
            "nothing failing."
        )
    reporters = len({line.reporter for line in days.observed.coverage if line.reporter})
    ours = sum(1 for fault in (*began, *goes_on) if fault[0].fault == "ours")
    no_policy = f"; {totals.no_policy:,} found no policy" if totals.no_policy else ""
    faults = f"{count_of(ours, 'open fault')} on your side." if ours else f"{_so_far('No open fault on your side', days)}."
    rate = "" if totals.success_rate is None else f"{totals.success_rate:.1%} were authenticated and "
    who = count_of(reporters, "sender")
    return f"Of {count_of(totals.sessions, 'session')} reported by {who}, {rate}{totals.failed:,} failed{no_policy}. {faults}"


def _so_far(said: str, days: DigestDays) -> str:
    """Return good news, with the day up to which anything is known where that is not the end."""
    return days.observed.ground.good_news(said) if days.observed.ground is not None else said


def _line(fault: Sequence[Incident], days: DigestDays) -> DigestLine:
    first = max(fault, key=lambda one: one.failed_sessions)
    domains = sorted({one.domain for one in fault})
    last = max(one.last_day for one in fault)
    when = span_of(_first(fault), last) if _over(fault) else f"since {_first(fault)}"
    if all(one.state != "open" for one in fault) and not _over(fault):
        when += f", last seen {last} and not known since"
    failed, sessions = sum(one.failed_sessions for one in fault), sum(one.sessions for one in fault)
    where = f" on {names(first.mx_hosts)}" if first.mx_hosts else ""
    told = f"{failed:,} of {count_of(sessions, 'session')} {first.went} for {names(domains)}; fault: {first.fault}."
    step = "" if _over(fault) else f"First step: {first_step(first.fix)}"
    link = f"{days.link.rstrip('/')}/incident?id={first.id}" if days.link else ""
    return DigestLine(defused(f"{sentence_start(first.title)}{where}, {when}: {told}"), defused(step), link)


def _mailboxes(observed: Observed) -> Iterable[str]:
    for box in observed.mailboxes:
        if box.failing_since:
            yield defused(f"{name(box.name)} cannot be read since {box.failing_since:%Y-%m-%d}. {box.error}")
        elif box.silent_since:
            yield f"{name(box.name)} has given nothing since {box.silent_since:%Y-%m-%d}, longer than its longest usual gap."


def _muted(mute: Mute) -> str:
    until = f"until {mute.until}" if mute.until else "until it is over"
    return defused(f"{mute.title}, {until} or until it gets worse; by {mute.by} on {mute.since}: {mute.reason}")


def _verdicts(days: DigestDays) -> Iterable[str]:
    before = dict(days.verdicts_before)
    for domain, verdict in days.observed.verdicts:
        if (was := before.get(domain)) is not None and was != verdict:
            yield f"{name(domain)}: {was} before, {verdict} now"


def _published(days: DigestDays) -> Iterable[str]:
    for one in days.observed.published:
        if one.changed_on is not None and days.since <= one.changed_on <= days.until:
            yield defused(f"{name(one.domain)}, found on {one.changed_on}: {'; '.join(one.changes)}")


def _senders(observed: Observed) -> Iterable[str]:
    reporting = sorted({line.reporter for line in observed.coverage if line.state == "reporting"})
    silent = sorted({line.reporter for line in observed.coverage if line.state == "silent"} - set(reporting))
    if reporting:
        yield f"{count_of(len(reporting), 'sender')} reporting: {names(reporting, 8)}"
    for reporter in silent if not is_unread(observed) else ():
        last = max(line.last_day for line in observed.coverage if line.reporter == reporter)
        yield f"{name(reporter)} has stopped reporting; its last report is about {last}"


def _roll_overs(observed: Observed) -> Iterable[str]:
    for place, what in sorted({(one.place, one.what) for one in observed.roll_overs}):
        yield defused(f"{name(place)}: a DANE roll-over is ahead; {what}")


def _certificates(observed: Observed) -> Iterable[str]:
    for place, expires in sorted({(one.place, one.expires) for one in observed.certificates}, key=lambda one: one[1]):
        left = (expires - observed.as_of).days
        if left < 0:
            yield f"{name(place)}: expired on {expires}"
        elif left <= CERTIFICATE_DAYS:
            yield f"{name(place)}: expires on {expires}, in {count_of(left, 'day')}"
