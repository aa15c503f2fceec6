"""Incidents as they were last told, and what is new, worse or over since: for `incidents --new-since-last` and every channel. Values only.

An incident is recognised by domain, cause and days, not by its id, which may change when later reports come.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.incident import Incident

Kind = Literal["new", "worse", "over"]

VERSION = 1
_SIBLINGS = {"starttls-stripped": "starttls-missing", "policy-stale": "mx-not-in-policy"}
_FORGET_DAYS = 400
_MUCH_MORE = 2.0
"""Worse is twice the share of sessions that was told, and not for a handful of them."""
_FEW = 10


class Told(NamedTuple):
    """One incident as it was last told, or last seen without a word."""

    id: str
    domain: str
    cause: str
    mx_hosts: tuple[str, ...]
    fault: str
    state: str
    first_day: date
    last_day: date
    share: float
    failed_sessions: int


class News(NamedTuple):
    """One thing to tell."""

    kind: Kind
    why: str
    incident: Incident


def remembered(incident: Incident) -> Told:
    """Return an incident as it is remembered."""
    told = Told._make(getattr(incident, name) for name in Told._fields)
    return told._replace(share=incident.share or 0.0)


def news_of(incidents: Sequence[Incident], memory: Sequence[Told] | None) -> list[News]:
    """Return what is to be told, in the order of the incidents.

    Args:
        incidents: All there are now.
        memory: What was told; None when nobody was ever told: then what is over already is nothing new.
    """
    if memory is None:
        return [News("new", "not reported before", incident) for incident in incidents if incident.state != "resolved"]
    return [news for incident in incidents if (news := _news(incident, memory)) is not None]


def _news(incident: Incident, memory: Iterable[Told]) -> News | None:
    before = told_of(incident, memory)
    if before is None:
        return News("new", "not reported before" if incident.state != "resolved" else "it began and ended since the last run", incident)
    if incident.state == "resolved":
        return News("over", f"no such failure since {incident.last_day}", incident) if before.state != "resolved" else None
    if before.state == "resolved":
        return News("worse", "it had ended, and is back", incident)
    if why := _worsening(incident, before):
        return News("worse", why, incident)
    return None


def _worsening(incident: Incident, before: Told) -> str | None:
    if incident.fault == "ours" != before.fault:
        return f"it is ours; before, the fault was {before.fault}"
    if more := sorted(set(incident.mx_hosts) - set(before.mx_hosts)):
        return f"{len(more)} more MX host{'s fail' if len(more) > 1 else ' fails'}"
    share = incident.share or 0.0
    if share and share >= _MUCH_MORE * before.share and incident.failed_sessions >= before.failed_sessions + _FEW:
        return f"{share:.1%} of the sessions fail, {before.share:.1%} before"
    return None


def told_of(incident: Incident, memory: Iterable[Told]) -> Told | None:
    """Return what was told of an incident: same domain and cause, days that touch, hosts that are shared."""
    same = [
        told
        for told in memory
        if (told.domain, _sibling(told.cause)) == (incident.domain, _sibling(incident.cause))
        and told.first_day <= incident.last_day
        and incident.first_day <= told.last_day
        and (not told.mx_hosts or not incident.mx_hosts or set(told.mx_hosts) & set(incident.mx_hosts))
    ]
    return max(same, key=lambda told: (told.id == incident.id, told.last_day), default=None)


def _sibling(cause: str) -> str:
    return _SIBLINGS.get(cause, cause)


def next_memory(incidents: Sequence[Incident], memory: Sequence[Told] | None, news: Iterable[News], *, until: date) -> list[Told]:
    """Return the memory after telling: what was told as it is now, what is quiet as it was told, moved on to its latest day.

    Args:
        incidents: All there are now.
        memory: What was told before; None: nobody was ever told.
        news: What of the incidents is told now.
        until: The day of asking (UTC): what is not among the incidents any more is forgotten when its last day is too long before it.
    """
    told_now = {entry.incident.id for entry in news}
    kept: list[Told] = []
    matched: set[Told] = set()
    for incident in incidents:
        before = told_of(incident, memory or ())
        now = remembered(incident)
        if before is not None:
            matched.add(before)
        quiet = before is not None and incident.id not in told_now
        kept.append(
            now._replace(share=before.share, failed_sessions=before.failed_sessions, mx_hosts=before.mx_hosts) if before and quiet else now
        )
    kept += [told for told in memory or () if told not in matched and (until - told.last_day).days <= _FORGET_DAYS]
    return sorted(kept, key=lambda told: (told.domain, told.first_day, told.id))


def to_plain(memory: Iterable[Told]) -> dict[str, Any]:
    """Return the memory as plain values, for a JSON file."""
    days = {"first_day", "last_day"}
    return {
        "version": VERSION,
        "told": [
            {
                name: value.isoformat() if name in days else list(value) if isinstance(value, tuple) else value
                for name, value in told._asdict().items()
            }
            for told in memory
        ],
    }


def from_plain(plain: dict[str, Any]) -> list[Told]:
    """Return the memory from plain values.

    Raises:
        ValueError: They are no such memory, or that of a newer program.
    """
    if plain.get("version") != VERSION:
        msg = f"version {plain.get('version')}, this version supports up to {VERSION}"
        raise ValueError(msg)
    try:
        return [
            Told(
                **{
                    **entry,
                    "mx_hosts": tuple(entry["mx_hosts"]),
                    "first_day": date.fromisoformat(entry["first_day"]),
                    "last_day": date.fromisoformat(entry["last_day"]),
                }
            )
            for entry in plain["told"]
        ]
    except (KeyError, TypeError) as err:
        raise ValueError(f"not a list of reported incidents: {err}") from err
