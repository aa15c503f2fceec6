"""`incidents --new-since-last` as a channel: what cron mails, remembered in the outbox like what every other channel was told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.insight import told_incidents
from pipeline.lake.storage.notes import Note
from pipeline.notify.fault_notices import fault_notices
from pipeline.notify.kept_notes import FORMER, mutes_of, open_boxes
from pipeline.notify.mutes import holding, is_muted
from pipeline.notify.observed import Observed
from pipeline.notify.outbox import SENT_KEPT, Box, Entry, Memory, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.insight.incident import Incident
    from pipeline.insight.told_incidents import News, Told
    from pipeline.lake.storage.location import Location

NAME = "incidents --new-since-last"


class CronChannel:
    """What was told, while the outbox is held."""

    def __init__(self, location: Location, note: Note, boxes: dict[str, Box]) -> None:
        self._location, self._note, self._boxes = location, note, boxes
        box = boxes.get(NAME)
        self.memory = box.memory if box is not None else _former(location)
        """None: nothing ever was."""

    @property
    def incidents(self) -> tuple[Told, ...] | None:
        """What was told of incidents; None: nothing ever was."""
        return None if self.memory is None else self.memory.incidents

    @property
    def mailboxes(self) -> Mapping[str, str]:
        """The mailboxes that were told to be silent, with why, and since when."""
        return {} if self.memory is None else self.memory.states

    def loud(self, incidents: Sequence[Incident], today: date) -> list[Incident]:
        """Return the incidents that are not muted."""
        mutes = holding(mutes_of(self._location), incidents, today)
        return [one for one in incidents if not is_muted(one, mutes)]

    def remember(
        self, incidents: Sequence[Incident], news: Sequence[News], mailboxes: Mapping[str, str], *, now: datetime, as_of: date
    ) -> None:
        """Write what was told, where anything is new.

        Args:
            incidents: All there are.
            news: What was told of them now.
            mailboxes: Those that are silent now.
            now: The moment, aware.
            as_of: The day of asking.
        """
        told = told_incidents.next_memory(incidents, self.incidents, news, until=as_of)
        memory = Memory(tuple(told), dict(mailboxes))
        if memory == self.memory:
            return
        events = tuple(fault_notices(news, incidents, self.incidents or (), Observed(as_of=as_of)))
        box = self._boxes.get(NAME, Box())
        sent = (*box.sent, Entry(events, now, sent=now)) if events else box.sent
        self._boxes[NAME] = box._replace(memory=memory, sent=sent[-SENT_KEPT:])
        self._note.write(to_plain(self._boxes))


@contextmanager
def open_cron_channel(location: Location) -> Iterator[CronChannel]:
    """Hold the outbox for `incidents --new-since-last`.

    Raises:
        LakeError: A note cannot be read.
        TryAgainError: Another process holds it.
    """
    with open_boxes(location) as (note, boxes):
        yield CronChannel(location, note, boxes)


def _former(location: Location) -> Memory | None:
    return Note(location, FORMER).understood(_memory_of)


def _memory_of(plain: dict[str, Any] | None) -> Memory | None:
    if plain is None:
        return None
    told = plain.get("mailboxes", {})
    return Memory(tuple(told_incidents.from_plain(plain)), told if isinstance(told, dict) else dict.fromkeys(told, ""))
