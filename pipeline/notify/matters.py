"""What is remembered by one text each, beside the faults: mailboxes, reporters, certificates, what is published, verdicts. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.coverage import has_stopped
from pipeline.insight.phrases import count_of, sentence_start
from pipeline.notify.notice import Notice, name, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.insight.coverage import Coverage
    from pipeline.notify.observed import Observed, RollOver

CERTIFICATE_DAYS = (30, 14, 7, 0)
"""A certificate is flagged when it has no more days left than each of these; 0: it has expired."""
_HABIT_DAYS = 14
"""Days with reports from which on the silence of a reporter is worth a word."""


class Matter(NamedTuple):
    """A state that is remembered by one text: an event when the text changes."""

    lineage: str
    state: str
    event: Notice | None
    """What is told when it came to be so; None: nothing, it is only remembered."""


NOTHING_COUNTS = "ground:nothing"
"""A lake none of whose reports counts."""


def matters_of(observed: Observed) -> Iterator[Matter]:
    """Yield every state there is to remember, with what is told of it."""
    yield from _ingest(observed)
    yield from _nothing_counts(observed)
    if not is_unread(observed):
        yield from _silences(observed.coverage)
    yield from _certificates(observed)
    yield from _published(observed)
    yield from _roll_overs(observed)
    for domain, verdict in observed.verdicts:
        yield Matter(f"readiness:{domain}", verdict, None)


def is_unread(observed: Observed) -> bool:
    """Say whether nobody reads a mailbox, or nothing comes into it: then every reporter seems to be silent."""
    return any(box.failing_since or box.silent_since for box in observed.mailboxes)


def _told(event: Notice, state: str | None = None) -> Matter:
    """Return what is remembered of a notice: its revision, unless another state is given."""
    return Matter(event.lineage, event.revision if state is None else state, event)


def _ingest(observed: Observed) -> Iterator[Matter]:
    for box in observed.mailboxes:
        since = box.failing_since or box.silent_since
        if since is None:
            continue
        state = f"{'failing' if box.failing_since else 'silent'} since {since:%Y-%m-%d}"
        if box.failing_since and (number := (observed.as_of - since.date()).days) > 0:
            state += f", day {number + 1}"
        what = (
            f"It has not been polled successfully since {since:%Y-%m-%d %H:%M} UTC. {_sentence(box.error)}"
            if box.failing_since
            else f"Nothing has arrived since {since:%Y-%m-%d}, longer than its longest usual gap."
        )
        step = (
            "Run `tlsrpt doctor`, which shows what the mail server answers."
            if box.failing_since
            else "Check that the _smtp._tls records still name this mailbox, and that mail to it is delivered."
        )
        title = f"Mailbox {name(box.name)} {'cannot be read' if box.failing_since else 'has gone silent'}"
        yield _told(Notice(f"ingest:{box.name}", "ingest", "new", "now", state, (), title, what, step, "ingest"))


_LOOK_AT = "Check the mailbox, the runs of `tlsrpt ingest` and the _smtp._tls records."


def _nothing_counts(observed: Observed) -> Iterator[Matter]:
    ground = observed.ground
    if ground is None:
        return
    if ground.is_nothing:
        title, state = f"Nothing is known: none of {count_of(ground.reports_left_out, 'report')} counts", "nothing counts"
    elif has_stopped(ground, observed.coverage) and not is_unread(observed):
        title, state = f"No report that counts is about a day after {ground.last_day}", f"nothing counts after {ground.last_day}"
    else:
        return
    step = f"{sentence_start(ground.left_out[0].way_out())}." if ground.left_out else _LOOK_AT
    what = " ".join(ground.why_nothing())
    yield _told(Notice(NOTHING_COUNTS, "ingest", "new", "now", state, (), title, what, step, "ingest"))


def _sentence(words: str) -> str:
    return f"{words.rstrip('.')}." if words else ""


def _silences(lines: Sequence[Coverage]) -> Iterator[Matter]:
    """Yield the reporters that are silent on every domain they used to report on; silence of all at once is the ingest's matter."""
    if any(line.state == "ingest-outage" for line in lines):
        return
    of_reporter: defaultdict[str, list[Coverage]] = defaultdict(list)
    for line in lines:
        if line.days >= _HABIT_DAYS:
            of_reporter[line.reporter].append(line)
    for reporter, own in sorted(of_reporter.items()):
        if any(line.state != "silent" for line in own):
            continue
        last = max(line.last_day for line in own)
        domains = tuple(sorted(line.domain for line in own))
        yield _told(
            Notice(
                f"reporter:{reporter}",
                "reporter",
                "new",
                "later",
                str(last),
                domains,
                f"{name(reporter)} has stopped reporting",
                f"Its last report is about {last}; it used to report on {names(domains)}.",
                "If others go on reporting, nothing is wrong on your side; without its reports nothing is known of its sessions.",
                f"reporters?reporter={name(reporter)}",
            ),
            f"silent since {last}",
        )


def _certificates(observed: Observed) -> Iterator[Matter]:
    of_host: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
    for one in observed.certificates:
        of_host[one.place, one.expires].append(one.domain)
    for (place, expires), domains in sorted(of_host.items()):
        left = (expires - observed.as_of).days
        threshold = min((days for days in CERTIFICATE_DAYS if left <= days), default=None)
        if threshold is None:
            continue
        urgent = left <= 0 or (left <= 7 and any(domain in observed.enforcing for domain in domains))
        yield _told(
            Notice(
                f"certificate:{place}:{expires}",
                "certificate",
                "ahead",
                "now" if urgent else "later",
                str(threshold),
                tuple(sorted(set(domains))),
                f"The certificate of {name(place)} {'expired on' if left < 0 else 'expires on'} {expires}",
                f"{count_of(max(left, 0), 'day')} left; it serves {names(sorted(set(domains)))}.",
                "Renew it, then verify with `tlsrpt check`.",
                f"domain?domain={name(domains[0])}",
            ),
        )


def _published(observed: Observed) -> Iterator[Matter]:
    for one in observed.published:
        yield _told(
            Notice(
                f"published:{one.domain}",
                "published",
                "changed",
                "now" if one.domain in observed.enforcing else "later",
                one.digest,
                (one.domain,),
                f"What {name(one.domain)} publishes has changed",
                f"The check of {one.changed_on} found: {'; '.join(one.changes)}."
                if one.changes
                else f"The check of {one.checked} found another policy, id, TLSRPT record, MX host or TLSA record than the one told last.",
                "If you did not change it, find out who did; `tlsrpt check` shows what is there now.",
                f"domain?domain={name(one.domain)}",
            ),
        )


def _roll_overs(observed: Observed) -> Iterator[Matter]:
    of_host: defaultdict[str, list[RollOver]] = defaultdict(list)
    for one in observed.roll_overs:
        of_host[one.place].append(one)
    for place, found in of_host.items():
        # Domains of one host that were checked on different days may have seen different certificates.
        what = "; ".join(sorted({one.what for one in found}))
        domains = tuple(sorted({one.domain for one in found}))
        yield _told(
            Notice(
                f"rollover:{place}",
                "rollover",
                "ahead",
                "now",
                what,
                domains,
                f"A DANE roll-over ahead: the TLSA records of {name(place)} will not match",
                f"It serves {names(domains)}; {what}.",
                found[0].step,
                f"domain?domain={name(domains[0])}",
            )
        )
