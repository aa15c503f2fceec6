"""The options of one run, what it says of itself while it works, and its outcome."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pipeline.ingest.tally import Tally


class Progress:
    """Says nothing; the command line has one that draws bars."""

    def begin(self, what: str, total: int | None) -> None:
        """A mailbox folder or an import begins, with so many messages (None: not known)."""

    def advance(self, messages: int) -> None:
        """So many more messages are read."""

    def end(self) -> None:
        """The folder or import is done."""


class RunOptions(NamedTuple):
    """What the command line asks of one run."""

    paths: tuple[str, ...] = ()
    """Files to import; without any the configured mailboxes are polled."""
    mailboxes: tuple[str, ...] = ()
    """Only these; none named: all."""
    dry_run: bool = False
    """Read everything, store and touch nothing."""
    vouch_before: datetime | None = None
    """The operator vouches for mail received before this moment."""
    workers: int | None = None
    """Processes that read mail; None: what fits the machine, 0: none beside this one."""
    progress: Progress = Progress()


class Outcome(NamedTuple):
    """How a run ended."""

    tally: Tally
    seconds: float
    exit_code: int
