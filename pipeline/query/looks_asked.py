"""What the note of the looks into mailboxes answers: whether mail comes, and which reports are waited for."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.insight.first_weeks import FirstWeeks, read_first_weeks
from pipeline.lake.mailbox_looks import read_looks, to_plain
from pipeline.query.health import MailboxHealth, MailHabit, judge

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.config import Settings
    from pipeline.groups import Audience
    from pipeline.lake.delta.snapshot import Snapshot
    from pipeline.lake.storage.location import Location


class LooksAsked:
    """The part of `Lake` that knows of looks; the note is read at each asking, as it is then."""

    location: Location
    snapshot: Snapshot
    _settings: Settings
    _mailbox_habits: tuple[str, list[MailHabit]] | None = None
    """How often each mailbox gives mail, of a version of the lake."""

    @property
    def audience(self) -> Audience | None:
        """Whose domains the lake shows; see `Lake.audience`."""
        raise NotImplementedError

    def ask(self, name: str, **parameters: Any) -> pa.Table:
        """Answer a named question; see `Lake.ask`."""
        raise NotImplementedError

    def _looks_text(self) -> str:
        """Return the looks into mailboxes as they are now, which are the operator's: the note is read only where it is asked for."""
        if self.audience is not None:
            return "[]"
        return json.dumps(to_plain(read_looks(self.location))["looks"])

    def waited_for(self) -> dict[str, date | None]:
        """Return the domains of ours, and since when runs have known of each (UTC); None: no run wrote it down."""
        known = dict(read_looks(self.location).own)
        return {name: known.get(name) for name in self._settings.domains.own}

    def first_weeks(self, *, today: date | None = None) -> FirstWeeks:
        """Return which reporters and domains of ours have been seen, and which are waited for.

        Args:
            today: The day of asking (UTC); the clock where it is not given.

        Raises:
            LakeError: The lake cannot be read.
        """
        own = self.waited_for()
        looked = (each.first_try.date() for each in read_looks(self.location).seen)
        first = min(looked if self.audience is None else filter(None, own.values()), default=None)
        return read_first_weeks(
            self.ask,
            today=today or datetime.now(UTC).date(),
            own=own,
            first_look=first,
            configured=sorted(self._settings.trust.known_reporters),
        )

    def mailboxes(self, *, now: datetime | None = None) -> list[MailboxHealth]:
        """Return whether each mailbox is looked into and gives anything, those that do not first; mailboxes are the operator's.

        Args:
            now: The moment of asking, aware; the clock where it is not given.

        Raises:
            LakeError: The lake cannot be read.
        """
        if self.audience is not None:
            return []
        known = read_looks(self.location)
        configured = self._settings.polled
        if not configured and not known.seen:
            return []  # the ledger need not be read for the habits of nobody
        version = self.snapshot.version
        if self._mailbox_habits is None or self._mailbox_habits[0] != version:
            rows = self.ask("mailbox_habits").to_pylist()
            habits = [MailHabit(row["account"], row["days"], row["usual_gap_days"], row["last_found_at"]) for row in rows]
            self._mailbox_habits = version, habits
        return judge(known.seen, known.looks, self._mailbox_habits[1], configured, now=now or datetime.now(UTC))
