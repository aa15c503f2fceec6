"""What a channel should hear now: from what is observed and what it was told last to what is new, worse or over. Pure.

Silence is the rule: nothing on `unknown`, nothing because something could not be checked, nothing twice. What a channel hears first is one
summary of how things stand.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight import told_incidents
from pipeline.insight.coverage import has_stopped
from pipeline.insight.phrases import and_more, count_of
from pipeline.notify.fault_notices import fault_notice, fault_notices, fault_of, withdrawal_notice, withdrawn
from pipeline.notify.matters import NOTHING_COUNTS, matters_of
from pipeline.notify.mutes import is_muted
from pipeline.notify.notice import Notice, name, names, worst_first
from pipeline.notify.outbox import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.insight.incident import Incident
    from pipeline.insight.told_incidents import Told
    from pipeline.notify.matters import Matter
    from pipeline.notify.observed import Observed

_SEEN_TO_END = ("ingest:", "ground:", "reporter:")
"""Matters whose end is told, once it is seen."""
_LASTING = (*_SEEN_TO_END, "readiness:", "published:", "certificate:", "rollover:")
"""Matters whose state stands until the next is seen: a check that was not made for a while says nothing new."""
_FORGET_DAYS = 90
_IN_SUMMARY = ("ingest", "certificate", "reporter", "rollover")
_SUMMED = 5
"""Faults named in the summary."""
_NAMED = 10
"""Domains named in one notice."""
_VERDICTS = {"ready": "ready for enforce", "already-enforcing": "already enforcing"}


class ChannelNews(NamedTuple):
    """What to tell a channel, and what it knows afterwards."""

    events: list[Notice]
    memory: Memory


def news_for(observed: Observed, memory: Memory | None) -> ChannelNews:
    """Return what a channel should hear.

    Args:
        observed: The state of things.
        memory: What the channel was told; None: nothing ever.
    """
    matters = list(matters_of(observed))
    states = _states_after(matters, observed, memory)
    if memory is None:
        incidents = told_incidents.next_memory(_known_faults(observed.incidents, ()), None, (), until=observed.as_of)
        return ChannelNews([_summary(observed, matters)], Memory(tuple(incidents), states))
    loud = _known_faults([one for one in observed.incidents if not is_muted(one, observed.muted)], memory.incidents)
    news = [entry for entry in told_incidents.news_of(loud, memory.incidents) if entry.kind == "over" or entry.incident.fault != "unknown"]
    gone = withdrawn(memory.incidents, observed)
    events = [
        *fault_notices(news, loud, memory.incidents, observed),
        *map(withdrawal_notice, gone),
        *_changes(matters, memory, observed),
    ]
    held = [one for one in memory.incidents if one not in gone]
    incidents = told_incidents.next_memory(loud, held, news, until=observed.as_of)
    return ChannelNews(events, Memory(tuple(incidents), states))


def _known_faults(incidents: Iterable[Incident], told: Sequence[Told]) -> list[Incident]:
    """Return the incidents to tell and remember: one whose fault nobody knows is neither, unless it was told before."""
    return [one for one in incidents if one.fault != "unknown" or told_incidents.told_of(one, told) is not None]


def standing(observed: Observed) -> list[tuple[Notice, Incident | None]]:
    """Return everything that is open now, as events: what Alertmanager is posted, with the incident that began it first, if it is one."""
    open_now = [one for one in observed.incidents if one.state != "resolved" and not is_muted(one, observed.muted)]
    groups: defaultdict[tuple[str, str], list[Incident]] = defaultdict(list)
    for incident in open_now:
        groups[fault_of(incident)].append(incident)
    faults = [(fault_notice("new", "", group, observed), min(group, key=lambda one: one.first_day)) for group in groups.values()]
    return [
        *faults,
        *((matter.event, None) for matter in matters_of(observed) if matter.event is not None and matter.event.topic != "readiness"),
    ]


def _changes(matters: Sequence[Matter], memory: Memory, observed: Observed) -> Iterator[Notice]:
    """Yield what came to be so, and what is over, since the channel was told last."""
    yield from _verdict_changes([one for one in matters if one.lineage.startswith("readiness:")], memory, observed)
    for matter in matters:
        before = memory.states.get(matter.lineage)
        if matter.state == before:
            continue
        if matter.event is not None and not (before is None and matter.event.topic == "published"):
            yield _still(matter.event) if before is not None and _root(before) == _root(matter.state) else matter.event
    now = {matter.lineage for matter in matters}
    for lineage, state in memory.states.items():
        if lineage not in now and lineage.startswith(_SEEN_TO_END) and _is_seen(lineage, observed):
            yield _over(lineage, state)


def _root(state: str) -> str:
    """Return a state without the day it has come to: a mailbox that cannot be read is told again each day."""
    return state.split(", day ", 1)[0]


def _still(event: Notice) -> Notice:
    return event._replace(kind="still", title=event.title.replace(" cannot ", " still cannot ")) if event.topic == "ingest" else event


def _is_seen(lineage: str, observed: Observed) -> bool:
    """Say whether its being over was seen, and not merely its absence."""
    topic, what = lineage.split(":", 1)
    if topic == "ingest":
        return any(box.name == what for box in observed.mailboxes)
    if topic == "ground":
        return observed.ground is not None and observed.ground.reports > 0 and not has_stopped(observed.ground, observed.coverage)
    return any(line.reporter == what and line.state == "reporting" for line in observed.coverage)


def _over(lineage: str, state: str) -> Notice:
    topic, what = lineage.split(":", 1)
    if topic == "ingest":
        title, text, path = f"Mailbox {name(what)} is read again", f"It had been {_root(state)}.", "ingest"
        return Notice(lineage, "ingest", "over", "now", state, (), title, text, "", path)
    if topic == "ground":
        before = state.replace("nothing counts", "none counted")  # perhaps after a day
        text = f"Figures and conclusions rest on reports again; before, {before}."
        return Notice(lineage, "ingest", "over", "now", state, (), "Reports count again", text, "", "ingest")
    title, text = f"{name(what)} reports again", f"It had been {state}."
    return Notice(lineage, "reporter", "over", "later", state, (), title, text, "", f"reporters?reporter={name(what)}")


def _verdict_changes(matters: Iterable[Matter], memory: Memory, observed: Observed) -> Iterator[Notice]:
    """Yield which domains became ready, and which stopped being so; other changes of a verdict are not worth a word."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for matter in matters:
        before = memory.states.get(matter.lineage)
        if before not in {None, matter.state} and "ready" in {matter.state, before} and matter.state != "already-enforcing":
            groups[before or "", matter.state].append(matter.lineage.removeprefix("readiness:"))
    for (before, now), domains in groups.items():
        first, many = name(domains[0]), len(domains) > 1
        yield Notice(
            f"readiness:{','.join(domains)}" if len(domains) <= _NAMED else f"readiness:{first} and {len(domains) - 1} more",
            "readiness",
            "changed",
            "later",
            f"{now}:{observed.as_of}",
            tuple(domains),
            f"{count_of(len(domains), 'domain') if many else first} {'are' if many else 'is'} "
            f"{'now' if now == 'ready' else 'no longer'} ready for enforce",
            f"{names(domains, _NAMED)}: the verdict was {_VERDICTS.get(before, before)} and is {_VERDICTS.get(now, now)}.",
            f"`tlsrpt readiness {first}` shows what it rests on.",
            f"domain?domain={first}",
        )


def _states_after(matters: Sequence[Matter], observed: Observed, memory: Memory | None) -> dict[str, str]:
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
    return lineage.startswith(_SEEN_TO_END) and _is_seen(lineage, observed)


def _summary(observed: Observed, matters: Sequence[Matter]) -> Notice:
    """Return the one message a channel hears first: what is open, the worst first, and what else is not as it should be."""
    faults = worst_first([event for event, incident in standing(observed) if incident is not None])
    ours = sum(event.fault == "ours" for event in faults)
    told = [matter.event for matter in matters if matter.event is not None and matter.event.topic in _IN_SUMMARY]
    nothing = next((event for event in told if event.lineage == NOTHING_COUNTS), None)
    unread = [event.title for event in told if event.topic == "ingest" and event.lineage != NOTHING_COUNTS]
    count = f"{count_of(len(faults), 'open fault')}, {ours} of them yours" if faults else "no open fault"
    rests = observed.ground
    titles = [f"{unread[0]}; {count} in what was read"] if unread else [count]
    if rests is not None and not rests.reports:
        titles = unread or [nothing.title if nothing is not None else "Nothing is known: no report counts"]
    elif rests is not None and not faults:
        titles = [rests.good_news(titles[0])]
    beside = [event.title for event in worst_first(told) if event.lineage != NOTHING_COUNTS]
    parts = [
        nothing.what if nothing is not None else rests.headline() if rests is not None else "",
        f"Open: {and_more([event.title for event in faults], _SUMMED, '; ')}." if faults else "",
        f"Beside that: {and_more(beside, _SUMMED, '; ')}." if beside else "",
        "Mail is being refused or unprotected now." if any(event.urgency == "now" for event in faults) else "",
        "From now on this channel hears what is new, worse or over.",
    ]
    return Notice(
        "summary",
        "summary",
        "summary",
        "now",
        str(observed.as_of),
        tuple(sorted({domain for event in (*faults, *told) for domain in event.domains})),
        "; ".join(titles),
        " ".join(part for part in parts if part),
        nothing.step if nothing is not None else "`tlsrpt incidents` shows each open fault." if faults else "",
        "",
    )
