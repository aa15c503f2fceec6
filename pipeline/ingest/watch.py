"""Staying, instead of running from cron: ingest, wait for new mail with IDLE, ingest again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import LakeError, TlsrptError, TryAgainError
from pipeline.ingest.run import ingest, wanted_mailboxes, wanted_sources
from pipeline.ingest.stop import Stop
from pipeline.mailbox.imap import ImapMailbox

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.ingest.options import RunOptions

ROUND_SECONDS = 15 * 60
"""At least so often everything is polled, whatever IDLE says."""
SEVERAL_SECONDS = 60.0
"""How often several mailboxes are polled."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 15 * 60.0
"""After a failure the pause doubles from the first to the longest."""


def watch(settings: Settings, options: RunOptions) -> int:
    """Ingest until somebody asks to stop; a failure of a mailbox is said and tried again with growing pauses.

    The lake is locked only while a run works, so that other commands get their turn. With one mailbox the connection waits in IDLE on its
    first folder; with several they are polled.

    Raises:
        ConfigError: Nothing is configured to poll, or the sign-in cannot work.
    """
    boxes = wanted_mailboxes(settings, options.mailboxes)
    stop = Stop()
    pause = FIRST_PAUSE
    arrivals = Arrivals()
    with stop.on_signals():
        while not stop:
            try:
                outcome = ingest(settings, options, stop)
                # A refused `after` keeps no mail from being read.
                if not outcome.tally.mailboxes_failed and not stop:
                    pause = FIRST_PAUSE
                    arrivals.wait(settings, options, stop, fruitless=outcome.tally.messages == outcome.tally.duplicates)
                    continue
            except LakeError as err:
                log.error("run-failed", reason=err)
            except TryAgainError as err:
                log.warning("run-put-off", reason=err)
            if not stop.wait(pause):
                pause = min(pause * 2, LONGEST_PAUSE)
    log.info("watch-ended", mailboxes=len(boxes))
    return 0


class Arrivals:
    """Waits for mail without missing what arrives between the end of an ingest and the beginning of the wait."""

    def __init__(self) -> None:
        self._uidnext = self._exists = self._in_vain = 0

    def wait(self, settings: Settings, options: RunOptions, stop: Stop, *, fruitless: bool) -> None:
        """Wait for new mail, or until the next round is due; with several mailboxes or a spool simply for a minute.

        Args:
            settings: The mailboxes and other sources there are.
            options: Which mailboxes.
            stop: Ends the wait.
            fruitless: The round before found nothing that was not known. Mail may have come after it looked, so the first time the
                next round follows at once. If that was in vain too, there is a pause: a server that numbers its mail anew whenever it
                is asked (GNU Mailutils does, for mail nobody has opened) would keep us busy for nothing.
        """
        boxes = wanted_mailboxes(settings, options.mailboxes)
        if len(boxes) != 1 or wanted_sources(settings, options.mailboxes):
            stop.wait(SEVERAL_SECONDS)
            return
        box = boxes[0].model_copy(update={"after": "keep"})  # EXAMINE is enough to wait
        try:
            with ImapMailbox(box, settings.report_limits) as mailbox:
                state = mailbox.open(box.folder)
                first = not self._uidnext
                arrived = state.uidnext != self._uidnext or state.exists > self._exists
                self._uidnext, self._exists = state.uidnext, state.exists
                self._in_vain = self._in_vain + 1 if arrived and fruitless and not first else 0
                if self._in_vain > 1:
                    stop.wait(SEVERAL_SECONDS)
                elif not arrived:
                    mailbox.wait(ROUND_SECONDS, stop=lambda: bool(stop))
        except TlsrptError as err:
            log.warning("wait-failed", mailbox=box.name, reason=err)
            stop.wait(FIRST_PAUSE)
