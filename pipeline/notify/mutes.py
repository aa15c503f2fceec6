"""Faults and hosts that somebody has silenced: until a day, until it is over, and never beyond getting worse. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.insight import told_incidents
from pipeline.notify.notice import lineage_of, speaks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.incident import Incident
    from pipeline.insight.told_incidents import Told

VERSION = 1


class Mute(NamedTuple):
    """One fault or host that no notice speaks of."""

    what: str
    """`fault:CAUSE:ID`, or `host:NAME` for every fault on that host."""
    title: str
    until: date | None
    """The last day it holds; None: until it is over."""
    reason: str
    by: str
    since: date
    as_it_was: tuple[Told, ...]
    """The incidents on the day it was muted: getting worse is measured by them."""


def lapsed(mute: Mute, incidents: Sequence[Incident], today: date) -> str | None:
    """Return why a mute no longer holds, as the end of a sentence, or None while it does.

    Args:
        mute: As it was noted, with the incidents as they were then.
        incidents: All incidents there are now.
        today: UTC; a mute that ends on this day still holds.
    """
    if mute.until is not None and today > mute.until:
        return f"it was muted until {mute.until}"
    own = [one for one in incidents if covers(mute, one)]
    if own and all(one.state == "resolved" for one in own):
        return "it is resolved"
    worse = [news for news in told_incidents.news_of(own, mute.as_it_was) if news.kind == "worse"]
    return f"it got worse: {worse[0].why}" if worse else None


def covers(mute: Mute, incident: Incident) -> bool:
    """Say whether a mute is about an incident: of its host, its fault, or what was muted and goes by another id since."""
    if mute.what.startswith("host:"):
        return mute.what.removeprefix("host:") in incident.mx_hosts
    return mute.what == lineage_of(incident) or told_incidents.told_of(incident, mute.as_it_was) is not None


def is_muted(incident: Incident, mutes: Iterable[Mute]) -> bool:
    """Say whether one of these mutes is about an incident."""
    return any(covers(mute, incident) for mute in mutes)


def holding(mutes: Iterable[Mute], incidents: Sequence[Incident], today: date) -> tuple[Mute, ...]:
    """Return the mutes that still hold.

    Args:
        mutes: Those there are.
        incidents: All incidents there are now.
        today: UTC.
    """
    return tuple(mute for mute in mutes if lapsed(mute, incidents, today) is None)


def without_domain(mutes: Iterable[Mute], domain: str) -> list[Mute]:
    """Return the mutes without a domain whose data is erased."""
    left = ((mute, mute._replace(as_it_was=tuple(one for one in mute.as_it_was if one.domain != domain))) for mute in mutes)
    return [after for before, after in left if (after.as_it_was or not before.as_it_was) and not speaks_of(_words(after), domain)]


def _words(mute: Mute) -> str:
    return " ".join((mute.what, mute.title, mute.reason, *(host for one in mute.as_it_was for host in one.mx_hosts)))


def to_plain(mutes: Iterable[Mute]) -> dict[str, object]:
    """Return mutes as plain values, for JSON."""
    return {
        "version": VERSION,
        "mutes": [
            {
                **mute._asdict(),
                "until": mute.until and mute.until.isoformat(),
                "since": mute.since.isoformat(),
                "as_it_was": told_incidents.to_plain(mute.as_it_was),
            }
            for mute in mutes
        ],
    }


def from_plain(plain: dict[str, Any] | None) -> list[Mute]:
    """Return mutes from plain values; there is none where there is no note.

    Raises:
        ValueError: They are not mutes this version knows.
    """
    if plain is None:
        return []
    if plain.get("version") != VERSION:
        raise ValueError(f"it has version {plain.get('version')}; this program reads version {VERSION}")
    try:
        return [
            Mute(
                **{
                    **entry,
                    "until": entry["until"] and date.fromisoformat(entry["until"]),
                    "since": date.fromisoformat(entry["since"]),
                    "as_it_was": tuple(told_incidents.from_plain(entry["as_it_was"])),
                }
            )
            for entry in plain["mutes"]
        ]
    except (KeyError, TypeError) as err:
        raise ValueError(f"not a list of mutes: {err}") from err
