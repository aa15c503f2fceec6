"""From what is observed and what a channel was told last to the events it should hear now: what is new, worse or over. Pure.

Silence is the rule: nothing on `unknown`, nothing because something could not be checked, nothing twice. What a channel hears first is one
summary of how things stand.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight import notifications
from pipeline.insight.detect.causes import CAUSES, POLICY_HOST_CAUSES
from pipeline.notify.channel_memory import Memory
from pipeline.notify.notice import Notice
from pipeline.notify.notice_text import name, names, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.insight.coverage import Coverage
    from pipeline.insight.incident import Incident
    from pipeline.notify.notice import Kind, Urgency
    from pipeline.notify.observed import Observed, RollOver

CERTIFICATE_DAYS = (30, 14, 7, 0)
"""A certificate is flagged when it has no more days left than each of these; 0: it has expired."""
_HABIT_DAYS = 14
"""Days with reports from which on the silence of a reporter is worth a word."""
_LASTING = ("ingest:", "reporter:", "readiness:", "published:", "certificate:", "rollover:")
"""Matters whose state stands until the next is seen: a check that was not made for a while says nothing new."""
_FORGET_DAYS = 90
_VERDICTS = {"ready": "ready for enforce", "already-enforcing": "already enforcing"}


class News(NamedTuple):
    """What to tell a channel, and what it knows afterwards."""

    events: list[Notice]
    memory: Memory


class _Matter(NamedTuple):
    """A state that is remembered by one text: an event when the text changes."""

    lineage: str
    state: str
    event: Notice | None
    """What is told when it came to be so; None: nothing, it is only remembered."""


def news_for(observed: Observed, memory: Memory | None) -> News:
    """Return what a channel should hear.

    Args:
        observed: The state of things.
        memory: What the channel was told; None: nothing ever.
    """
    matters = list(_matters(observed))
    states = _states_after(matters, observed, memory)
    if memory is None:
        incidents = notifications.next_memory(observed.incidents, None, (), until=observed.as_of)
        return News([_summary(observed, matters)], Memory(tuple(incidents), states))
    loud = [incident for incident in observed.incidents if not is_muted(incident, observed.muted)]
    news = [entry for entry in notifications.news_of(loud, memory.incidents) if entry.incident.fault != "unknown"]
    events = [*_fault_events(news, observed), *_changes(matters, memory, observed)]
    incidents = notifications.next_memory(loud, memory.incidents, news, until=observed.as_of)
    return News(events, Memory(tuple(incidents), states))


def standing(observed: Observed) -> list[tuple[Notice, Incident | None]]:
    """Return everything that is open now, as events: what Alertmanager is posted, with the incident that began it first, if it is one."""
    open_now = [one for one in observed.incidents if one.state != "resolved" and not is_muted(one, observed.muted)]
    groups: defaultdict[tuple[str, ...], list[Incident]] = defaultdict(list)
    for incident in open_now:
        groups[_fault_of(incident)].append(incident)
    faults = [(_fault_event("new", "", group, observed), min(group, key=lambda one: one.first_day)) for group in groups.values()]
    return [
        *faults,
        *((matter.event, None) for matter in _matters(observed) if matter.event is not None and matter.event.topic != "readiness"),
    ]


def is_muted(incident: Incident, muted: Iterable[str]) -> bool:
    """Say whether an incident is muted by its lineage, its cause at a host, or a host."""
    lineage = lineage_of([incident])
    return any(mute == lineage or mute in {f"host:{host}" for host in incident.mx_hosts} for mute in muted)


def lineage_of(incidents: Sequence[Incident]) -> str:
    """Return the name of the fault these incidents are: cause and hosts, or the domain where no host is named."""
    first = incidents[0]
    where = ",".join(sorted(first.mx_hosts)) or first.domain
    return f"fault:{first.cause}:{where}"


# -- faults ------------------------------------------------------------------------------------------------------------


def _fault_of(incident: Incident) -> tuple[str, ...]:
    return (incident.cause, incident.fault, *(sorted(incident.mx_hosts) or (incident.domain,)))


def _fault_events(news: Sequence[notifications.News], observed: Observed) -> Iterator[Notice]:
    """Yield one event for each fault and kind, whatever the number of its domains."""
    groups: defaultdict[tuple[str, ...], list[notifications.News]] = defaultdict(list)
    for entry in news:
        groups[entry.kind, *_fault_of(entry.incident)].append(entry)
    for entries in groups.values():
        yield _fault_event(entries[0].kind, entries[0].why, [entry.incident for entry in entries], observed)


def _fault_event(kind: Kind, why: str, incidents: Sequence[Incident], observed: Observed) -> Notice:
    first = max(incidents, key=lambda one: one.failed_sessions)
    domains = tuple(sorted({one.domain for one in incidents}))
    failed, sessions = sum(one.failed_sessions for one in incidents), sum(one.sessions for one in incidents)
    began, last = min(one.first_day for one in incidents), max(one.last_day for one in incidents)
    where = f" on {names(first.mx_hosts)}" if first.mx_hosts else ""
    days = f"from {began} to {last}" if kind == "over" else f"since {began}"
    what = (
        f"{names(domains)}: {failed:,} of {plural(sessions, 'session')} of {names(first.reporters)} failed {days}. "
        f"Fault: {first.fault}.{f' {why[:1].upper()}{why[1:]}.' if kind == 'worse' else ''}"
    )
    return Notice(
        lineage_of([first]),
        "fault",
        kind,
        _fault_urgency(incidents, observed),
        f"{last if kind == 'over' else began}:{len(first.mx_hosts)}:{round(first.share, 2) if kind == 'worse' else ''}",
        domains,
        f"{CAUSES[first.cause].title[:1].upper()}{CAUSES[first.cause].title[1:]}{where}"
        + (f" ({plural(len(domains), 'domain')})" if len(domains) > 1 else f", {name(domains[0])}"),
        what,
        "" if kind == "over" else first.fix.split("\n", 1)[0],
        f"incident?id={first.id}",
        first.fault,
    )


def _fault_urgency(incidents: Sequence[Incident], observed: Observed) -> Urgency:
    """Return `now` where mail is refused or unprotected by our own fault: the policy is enforce, or the senders checked DANE."""
    return "now" if any(one.fault == "ours" and _endangers(one, observed) for one in incidents) else "later"


def _endangers(incident: Incident, observed: Observed) -> bool:
    if "tlsa" in incident.policy_types:
        return True
    return incident.domain in observed.enforcing and incident.cause not in POLICY_HOST_CAUSES


# -- everything else ---------------------------------------------------------------------------------------------------


def _matters(observed: Observed) -> Iterator[_Matter]:
    yield from _ingest(observed)
    yield from _silences(observed.coverage)
    yield from _certificates(observed)
    yield from _published(observed)
    yield from _roll_overs(observed)
    for domain, verdict in observed.verdicts:
        yield _Matter(f"readiness:{domain}", verdict, None)


def _ingest(observed: Observed) -> Iterator[_Matter]:
    for box in observed.mailboxes:
        since = box.failing_since or box.silent_since
        if since is None:
            continue
        lineage, state = f"ingest:{box.name}", f"{'failing' if box.failing_since else 'silent'} since {since:%Y-%m-%d}"
        what = (
            f"No look into it has succeeded since {since:%Y-%m-%d %H:%M} UTC. {box.error}"
            if box.failing_since
            else f"Nothing has arrived since {since:%Y-%m-%d}, longer than its longest usual gap."
        )
        step = (
            "Run `tlsrpt doctor`, which says what the mail server answers."
            if box.failing_since
            else "Check that the _smtp._tls records still name this mailbox, and that mail to it is delivered."
        )
        title = f"Mailbox {name(box.name)} {'cannot be read' if box.failing_since else 'has gone silent'}"
        yield _Matter(lineage, state, Notice(lineage, "ingest", "new", "now", state, (), title, what, step, "ingest"))


def _silences(lines: Sequence[Coverage]) -> Iterator[_Matter]:
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
        lineage = f"reporter:{reporter}"
        yield _Matter(
            lineage,
            f"silent since {last}",
            Notice(
                lineage,
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
        )


def _certificates(observed: Observed) -> Iterator[_Matter]:
    of_host: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
    for one in observed.certificates:
        of_host[one.place, one.expires].append(one.domain)
    for (place, expires), domains in sorted(of_host.items()):
        left = (expires - observed.as_of).days
        threshold = min((days for days in CERTIFICATE_DAYS if left <= days), default=None)
        if threshold is None:
            continue
        lineage = f"certificate:{place}:{expires}"
        urgent = left <= 0 or (left <= 7 and any(domain in observed.enforcing for domain in domains))
        yield _Matter(
            lineage,
            str(threshold),
            Notice(
                lineage,
                "certificate",
                "ahead",
                "now" if urgent else "later",
                str(threshold),
                tuple(sorted(set(domains))),
                f"The certificate of {name(place)} {'expired on' if left < 0 else 'expires on'} {expires}",
                f"{plural(max(left, 0), 'day')} left; it serves {names(sorted(set(domains)))}.",
                "Renew it, and look at it with `tlsrpt check`.",
                f"domain?domain={name(domains[0])}",
            ),
        )


def _published(observed: Observed) -> Iterator[_Matter]:
    for one in observed.published:
        lineage = f"published:{one.domain}"
        yield _Matter(
            lineage,
            one.digest,
            Notice(
                lineage,
                "published",
                "changed",
                "now" if one.domain in observed.enforcing else "later",
                one.digest,
                (one.domain,),
                f"What {name(one.domain)} publishes has changed",
                f"The check of {one.checked} found another policy, id, MX host or TLSA record than the check before.",
                "If you did not change it, find out who did; `tlsrpt check` shows what is there now.",
                f"domain?domain={name(one.domain)}",
            ),
        )


def _roll_overs(observed: Observed) -> Iterator[_Matter]:
    of_host: defaultdict[tuple[str, str], list[RollOver]] = defaultdict(list)
    for one in observed.roll_overs:
        of_host[one.place, one.what].append(one)
    for (place, what), found in of_host.items():
        domains = tuple(sorted({one.domain for one in found}))
        lineage = f"rollover:{place}"
        event = Notice(
            lineage,
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
        yield _Matter(lineage, what, event)


def _changes(matters: Sequence[_Matter], memory: Memory, observed: Observed) -> Iterator[Notice]:
    """Yield what came to be so, and what is over, since the channel was told last."""
    for matter in matters:
        before = memory.states.get(matter.lineage)
        if matter.state == before:
            continue
        if matter.lineage.startswith("readiness:"):
            yield from _verdict_change(matter, before, observed)
        elif matter.event is not None and not (before is None and matter.event.topic == "published"):
            yield matter.event
    now = {matter.lineage for matter in matters}
    for lineage, state in memory.states.items():
        if lineage not in now and lineage.startswith(("ingest:", "reporter:")) and _is_seen(lineage, observed):
            yield _over(lineage, state)


def _is_seen(lineage: str, observed: Observed) -> bool:
    """Say whether its being over was seen, and not merely its absence."""
    topic, what = lineage.split(":", 1)
    if topic == "ingest":
        return any(box.name == what for box in observed.mailboxes)
    return any(line.reporter == what and line.state == "reporting" for line in observed.coverage)


def _over(lineage: str, state: str) -> Notice:
    topic, what = lineage.split(":", 1)
    if topic == "ingest":
        title, text, path = f"Mailbox {name(what)} is read again", f"It had been {state}.", "ingest"
        return Notice(lineage, "ingest", "over", "now", state, (), title, text, "", path)
    title, text = f"{name(what)} reports again", f"It had been {state}."
    return Notice(lineage, "reporter", "over", "later", state, (), title, text, "", f"reporters?reporter={name(what)}")


def _verdict_change(matter: _Matter, before: str | None, observed: Observed) -> Iterator[Notice]:
    """Yield that a domain became ready or stopped being so; other changes of a verdict are not worth a word."""
    domain = matter.lineage.removeprefix("readiness:")
    if before is None or "ready" not in (matter.state, before) or matter.state == "already-enforcing":
        return
    became = matter.state == "ready"
    yield Notice(
        matter.lineage,
        "readiness",
        "changed",
        "later",
        f"{matter.state}:{observed.as_of}",
        (domain,),
        f"{name(domain)} is {'now ready for enforce' if became else 'no longer ready for enforce'}",
        f"The verdict was {_VERDICTS.get(before, before)} and is {_VERDICTS.get(matter.state, matter.state)}.",
        f"`tlsrpt readiness {name(domain)}` shows what it rests on.",
        f"domain?domain={name(domain)}",
    )


def _states_after(matters: Sequence[_Matter], observed: Observed, memory: Memory | None) -> dict[str, str]:
    """Return the states to remember: those of now, and of before those whose end was not seen."""
    kept = {
        lineage: state
        for lineage, state in (memory.states if memory else {}).items()
        if lineage.startswith(_LASTING) and not _ended(lineage, observed)
    }
    return {**kept, **{matter.lineage: matter.state for matter in matters}}


def _ended(lineage: str, observed: Observed) -> bool:
    """Say whether a state need not be remembered: its end was seen, or its certificate is long gone."""
    if lineage.startswith("certificate:"):
        return (observed.as_of - date.fromisoformat(lineage[-10:])).days > _FORGET_DAYS
    return lineage.startswith(("ingest:", "reporter:")) and _is_seen(lineage, observed)


def _summary(observed: Observed, matters: Sequence[_Matter]) -> Notice:
    """Return the one message a channel hears first."""
    open_now = [one for one in observed.incidents if one.state != "resolved"]
    faults = {_fault_of(one) for one in open_now}
    ours = {_fault_of(one) for one in open_now if one.fault == "ours"}
    others = [
        matter.event.title for matter in matters if matter.event is not None and matter.event.topic in ("ingest", "certificate", "reporter")
    ]
    urgent = any(one.fault == "ours" and _endangers(one, observed) for one in open_now)
    return Notice(
        "summary",
        "summary",
        "summary",
        "now",
        str(observed.as_of),
        tuple(sorted({one.domain for one in open_now})),
        f"{plural(len(faults), 'open fault')}, {len(ours)} of them yours" if faults else "no open fault",
        "From now on this channel hears what is new, worse or over. "
        + (f"Beside the faults: {'; '.join(others[:5])}. " if others else "")
        + ("Mail is being refused or unprotected now." if urgent else ""),
        "`tlsrpt incidents` shows each open fault." if faults else "",
        "",
    )
