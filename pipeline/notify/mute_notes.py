"""Muting and unmuting, for the command line and the page: what is meant is found, and the note written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.insight.faults import named_by
from pipeline.insight.told_incidents import remembered
from pipeline.notify.kept_notes import open_mutes
from pipeline.notify.mutes import Mute, covers, to_plain
from pipeline.notify.notice import lineage_of, names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.incident import Incident
    from pipeline.lake.storage.location import Location

_LEAST_PREFIX = 4
_REASON_CHARS = 500


def mute(location: Location, incidents: Sequence[Incident], what: str, *, until: date | None, reason: str, by: str, today: date) -> Mute:
    """Mute a fault or host, instead of what was muted of it before.

    Args:
        location: The lake, whose note is written.
        incidents: All there are now.
        what: The id of an incident or a fault, or a beginning of it that only one has; or an MX host of one.
        until: The last day it holds, UTC; None: until it is over.
        reason: Why; not empty.
        by: Who wants it.
        today: UTC; the mute holds from this day on.

    Raises:
        UsageError: There is no such incident or host, the day is past, or no reason is given.
        LakeError: The note cannot be written.
        TryAgainError: Another process holds it.
    """
    if not reason.strip():
        raise UsageError("say why with --reason; whoever reads the list later will want to know")
    if until is not None and until < today:
        raise UsageError(f"the last day {until} is in the past")
    named, title = _meant(what, incidents)
    made = Mute(named, title, until, reason.strip()[:_REASON_CHARS], by, today, ())
    made = made._replace(as_it_was=tuple(remembered(one) for one in incidents if covers(made, one)))
    with open_mutes(location) as (note, mutes):
        note.write(to_plain([*(one for one in mutes if one.what != made.what), made]))
    return made


def _meant(what: str, incidents: Sequence[Incident]) -> tuple[str, str]:
    """Return what is muted, and its title."""
    found = named_by(incidents, what) if len(what) >= _LEAST_PREFIX else []
    if found:
        return lineage_of(found[0]), f"{found[0].title} on {names(found[0].mx_hosts) or found[0].domain}"
    host = what.lower()
    if host in {each for one in incidents for each in one.mx_hosts}:
        return f"host:{host}", host
    raise UsageError(f"{what[:60]!r} is neither an incident nor an MX host of one; `tlsrpt incidents` lists them")


def unmute(location: Location, what: str) -> Mute:
    """End the mute whose fault or host is named by its title, name or a unique beginning of it, and return it.

    Raises:
        UsageError: There is none, or several.
        LakeError: The note cannot be written.
        TryAgainError: Another process holds it.
    """
    with open_mutes(location) as (note, mutes):
        found = [one for one in mutes if _is_named(one, what)]
        if len(found) != 1:
            muted = f"muted: {', '.join(one.title for one in mutes)}" if mutes else "nothing is"
            said = f"is not muted; {muted}" if not found else f"could be {len(found)} mutes; write more of one; {muted}"
            raise UsageError(f"{what[:60]!r} {said}")
        note.write(to_plain([one for one in mutes if one is not found[0]]))
    return found[0]


def _is_named(one: Mute, what: str) -> bool:
    if what in {one.what, one.title, one.what.removeprefix("host:")}:
        return True
    ids = [told.id for told in one.as_it_was]
    if one.what.startswith("fault:"):
        ids.append(one.what.rsplit(":", 1)[1])
    return len(what) >= _LEAST_PREFIX and any(each.startswith(what) for each in ids)
