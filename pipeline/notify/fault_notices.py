"""Faults as notices: one for each fault and kind, whatever the number of its domains. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.insight import told_incidents
from pipeline.insight.detect.causes import CAUSES, POLICY_HOST_CAUSES
from pipeline.insight.phrases import count_of, first_step, sentence_start, span_of
from pipeline.notify.notice import Notice, lineage_of, name, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.insight.incident import Incident
    from pipeline.insight.told_incidents import Told
    from pipeline.notify.notice import Kind, Urgency
    from pipeline.notify.observed import Observed


_WITHDRAWN_DAYS = 30
"""What was last seen longer ago may have left the period that is looked at."""


def fault_of(incident: Incident) -> tuple[str, str]:
    """Return what incidents of one fault have in common, and whose it is."""
    return incident.fault_id or incident.id, incident.fault


def fault_notices(
    news: Sequence[told_incidents.News], incidents: Sequence[Incident], told: Sequence[Told], observed: Observed
) -> Iterator[Notice]:
    """Yield one event for each fault and kind, whatever the number of its domains.

    A domain more that a known fault hits makes it worse. A fault is over when it is on all its domains.

    Args:
        news: What is new, worse or over since the channel was told last.
        incidents: All there are now that are not muted: others of the same fault are looked for among them.
        told: What the channel was told.
        observed: The state of things.
    """
    groups: defaultdict[tuple[str, str, str], list[told_incidents.News]] = defaultdict(list)
    for entry in news:
        groups[entry.kind, *fault_of(entry.incident)].append(entry)
    for (kind, *fault), entries in groups.items():
        own = [entry.incident for entry in entries]
        siblings = [one for one in incidents if fault_of(one) == tuple(fault) and one not in own]
        if kind == "over":
            if not any(one.state == "open" for one in siblings):
                ended = [one for one in siblings if any(_overlap(one, other) for other in own)]
                yield fault_notice("over", "", [*own, *ended], observed)
        elif kind == "new" and (known := [one for one in siblings if one.state == "open" and told_incidents.told_of(one, told)]):
            why = f"{names(sorted({one.domain for one in own}))} {'is' if len(own) == 1 else 'are'} hit, too"
            yield fault_notice("worse", why, [*own, *known], observed)
        else:
            yield fault_notice(entries[0].kind, entries[0].why, own, observed)


def _overlap(one: Incident, other: Incident) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def fault_notice(kind: Kind, why: str, incidents: Sequence[Incident], observed: Observed) -> Notice:
    """Return what is told of one fault.

    Args:
        kind: Why it is told.
        why: What got worse.
        incidents: Of that fault, at least one.
        observed: What else is known.
    """
    first = max(incidents, key=lambda one: one.failed_sessions)
    domains = tuple(sorted({one.domain for one in incidents}))
    failed, sessions = sum(one.failed_sessions for one in incidents), sum(one.sessions for one in incidents)
    began, last = min(one.first_day for one in incidents), max(one.last_day for one in incidents)
    where = f": {names(first.mx_hosts)}" if first.mx_hosts else ""
    over = all(one.state == "resolved" for one in incidents)
    days = f"{span_of(began, last)}{'' if kind == 'over' else ', and not since'}" if over else f"since {began}"
    what = (
        f"{names(domains)}: {failed:,} of {count_of(sessions, 'session')} of {names(first.reporters)} {first.went} {days}. "
        f"Fault: {first.fault}.{f' {sentence_start(why)}.' if kind == 'worse' else ''}"
    )
    return Notice(
        lineage_of(first),
        "fault",
        kind,
        "later" if over and kind == "new" else _fault_urgency(incidents, observed),
        f"{last if kind == 'over' else began}:{len(first.mx_hosts)}:{f'{len(domains)}:{first.share or 0:.2f}' if kind == 'worse' else ''}",
        domains,
        f"{sentence_start(CAUSES[first.cause].title)}{where}, for "
        + (count_of(len(domains), "domain") if len(domains) > 1 else name(domains[0])),
        what,
        "" if over else first_step(first.fix),
        f"incident?id={first.id}",
        first.fault,
    )


def withdrawn(told: Sequence[Told], observed: Observed) -> list[Told]:
    """Return what was told as open lately, and is no incident at all any more: later reports showed it in another light.

    Args:
        told: What a channel was told.
        observed: The state of things, what is muted included.
    """
    matched = {told_incidents.told_of(one, told) for one in observed.incidents}
    return [
        one
        for one in told
        if one.state != "resolved" and one.fault != "unknown" and one not in matched
        if (observed.as_of - one.last_day).days <= _WITHDRAWN_DAYS
    ]


def withdrawal_notice(told: Told) -> Notice:
    """Return the notice that something told before does not hold."""
    title = CAUSES[told.cause].title
    return Notice(
        f"fault:{told.cause}:{told.id}",
        "fault",
        "over",
        "later",
        f"withdrawn:{told.last_day}",
        (told.domain,),
        f"{sentence_start(title)}, for {name(told.domain)}",
        f"It was told as since {told.first_day}; with the reports that came later it is no fault of its own any more.",
        "",
        f"domain?domain={name(told.domain)}",
        told.fault,
    )


def _fault_urgency(incidents: Sequence[Incident], observed: Observed) -> Urgency:
    """Return `now` where mail is refused or unprotected by our own fault: the policy is enforce, or the senders checked DANE."""
    return "now" if any(one.fault == "ours" and endangers(one, observed) for one in incidents) else "later"


def endangers(incident: Incident, observed: Observed) -> bool:
    """Say whether mail is refused for an incident: senders checked DANE, or the policy is enforce and the MX host is at fault."""
    if "tlsa" in incident.policy_types:
        return True
    return incident.domain in observed.enforcing and incident.cause not in POLICY_HOST_CAUSES
