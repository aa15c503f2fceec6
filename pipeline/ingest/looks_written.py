"""Writes down each look into a mailbox, at the beginning of a run and at its end; failing to do so never stops a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import TlsrptError
from pipeline.lake import mailbox_looks as notes
from pipeline.lake.mailbox_looks import Look, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.lake.storage.location import Location
    from pipeline.workers.reading_task import Job

_DAY = timedelta(days=1)


class Looking:
    """The looks of one run."""

    def __init__(self, location: Location | None, job: Job, mailboxes: Sequence[str], own: Sequence[str]) -> None:
        """Take the mailboxes that are to be looked into.

        Args:
            location: The lake; None in a dry run, which leaves no trace.
            job: Its id and its beginning are noted with each look.
            mailboxes: Their names; none where files are imported.
            own: The domains of ours.
        """
        self._location, self._job, self._open, self._own = location, job, list(mailboxes), own
        self._ended: list[Look] = []
        self._before: dict[str, Seen] = {}

    def begin(self) -> None:
        """Write that they are about to be looked into."""
        if self._location is None or not (self._open or self._own):
            return
        try:
            self._before = {seen.mailbox: seen for seen in notes.read_looks(self._location).seen}
            notes.begin(self._location, self._open, self._job.run.run_id, self._job.run.ingested_at, self._own)
        except TlsrptError as err:
            log.warning("look-not-noted", reason=err)

    def is_news(self, mailbox: str, err: TlsrptError) -> bool:
        """Say whether a look that failed is worth a word: it failed for another reason before, or a day more has passed since it began to.

        Args:
            mailbox: As `[[mailbox]]` names it.
            err: What ended the look.
        """
        before = self._before.get(mailbox)
        if before is None or before.failing_since is None or before.error != without_name(mailbox, err)[: notes.MOST_WORDS]:
            return True
        now = self._job.run.ingested_at
        return (now - before.failing_since) // _DAY > (before.last_try - before.failing_since) // _DAY

    def ended(self, mailbox: str, err: TlsrptError | None, messages: int) -> None:
        """Remember how a look ended.

        Args:
            mailbox: Its name in the configuration.
            err: What ended it; None: it went well.
            messages: How many messages were new.
        """
        if mailbox in self._open:
            self._open.remove(mailbox)
        self._ended.append(
            Look(
                mailbox,
                self._job.run.run_id,
                self._job.run.ingested_at,
                datetime.now(UTC),
                err.exit_code if err else 0,
                without_name(mailbox, err) if err else "",
                messages,
            )
        )

    def end(self, err: TlsrptError | None = None) -> None:
        """Write how all of them ended; those that the run did not come to, with what ended it."""
        for mailbox in [*self._open] if err else []:
            self.ended(mailbox, err, 0)
        if self._location is None or not self._ended:
            return
        try:
            notes.end(self._location, self._ended)
        except TlsrptError as failed:
            log.warning("look-not-noted", reason=failed)


def without_name(mailbox: str, err: TlsrptError) -> str:
    """Return the sentence of an error without the name of the mailbox, where that is said beside it."""
    return str(err).removeprefix(f"mailbox {mailbox}: ").removeprefix(f"mailbox {mailbox}, ")
