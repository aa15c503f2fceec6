"""Polling mailboxes: what is new in a folder, read, committed, and only then treated as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import ConfigError, LakeError, TlsrptError
from pipeline.failpoint import reach
from pipeline.ingest.folder_memory import CopyNotes
from pipeline.ingest.looks_written import without_name
from pipeline.ingest.sink import Sink
from pipeline.ingest.source import minding_throttling
from pipeline.lake.dedup.settle import mailbox_outcomes
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.post_actions import housekeep
from pipeline.message.fetched import messages_and_bytes
from pipeline.stages import FETCH, TREAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from pipeline.ingest.context import Hands
    from pipeline.ingest.looks_written import Looking
    from pipeline.settings.mailbox_tables import MailboxSettings


def poll(hands: Hands, boxes: Sequence[MailboxSettings], looking: Looking) -> None:
    """Poll mailboxes, one after the other; one that fails is counted and does not stop the others.

    Args:
        hands: What the run works with; its tally counts what happens.
        boxes: The mailboxes, in this order.
        looking: Where it is noted how each look ended.

    Raises:
        LakeError: The lake cannot be written: no use going on.
    """
    for settings in boxes:
        if hands.stop:
            return
        before = hands.tally.messages
        try:
            _poll_mailbox(hands, settings)
        except LakeError:
            raise
        except TlsrptError as err:
            _failed(hands, settings.name, err, news=looking.is_news(settings.name, err))
            looking.ended(settings.name, err, hands.tally.messages - before)
        else:
            looking.ended(settings.name, None, hands.tally.messages - before)


def _failed(hands: Hands, mailbox: str, err: TlsrptError, *, news: bool) -> None:
    """Count a mailbox that failed; cron's output has it once, then daily: the exit code says it each time."""
    say = log.error if news else log.info
    say("mailbox-failed", mailbox=mailbox, reason=without_name(mailbox, err))
    hands.tally.mailboxes_failed += 1
    hands.tally.exit_codes.append(err.exit_code)


def _poll_mailbox(hands: Hands, settings: MailboxSettings) -> None:
    missing: list[ConfigError] = []
    with minding_throttling(hands, settings.name, settings.folder), ImapMailbox(settings, hands.job.limits) as mailbox:
        for folder in settings.all_folders:
            if hands.stop:
                return
            try:
                _poll_folder(hands, mailbox, folder)
            except ConfigError as err:
                missing.append(err)
    if missing:
        raise missing[0]


def _poll_folder(hands: Hands, mailbox: ImapMailbox, folder: str) -> None:
    state = mailbox.open(folder)
    reach("folder-open")
    account = mailbox.settings.name
    ledger = hands.lake.ledger
    known_validities = ledger.uidvalidities(account, folder)
    if known_validities and state.uidvalidity not in known_validities:
        log.warning(
            "uidvalidity-changed",
            mailbox=account,
            folder=folder,
            now=state.uidvalidity,
            meaning="the folder was recreated (UIDVALIDITY changed); all of it is read again, known mail will be recorded as duplicates",
        )
    treatment = Treatment(hands, mailbox, folder)
    uids = mailbox.new_uids(ledger.uids(account, folder, state.uidvalidity).missing)
    reach("searched")
    if mailbox.unlisted:
        log.warning(
            "not-listed", mailbox=account, folder=folder, messages=mailbox.unlisted, meaning="the server counts them and lists no UID"
        )
    elif not uids:
        log.info("nothing-new", mailbox=account, folder=folder, messages=state.exists)
    try:
        if uids:
            _read(hands, mailbox, uids, treatment)
        if not hands.stop:
            treatment.of_earlier_runs()
    finally:
        treatment.tell()


def _read(hands: Hands, mailbox: ImapMailbox, uids: Sequence[int], treatment: Treatment) -> None:
    """Read and commit new mail, and treat it."""
    account, folder = mailbox.settings.name, mailbox.folder
    hands.progress.begin(f"{account}/{folder}", len(uids))
    sink = Sink(hands.lake, hands.tally, treatment.of_committed)
    try:
        for chunk, columns in hands.pool.read(hands.tally.stages.over(FETCH, mailbox.fetch(uids), messages_and_bytes)):
            hands.progress.advance(len(chunk))
            reach("chunk-read")
            sink.add(hands.within_quota(columns))
            if hands.stop:
                break
    finally:
        # What was fetched is worth keeping even when the connection is gone.
        sink.flush()
        hands.progress.end()
        if mailbox.unanswered:
            log.warning(
                "not-delivered", mailbox=account, folder=folder, messages=len(mailbox.unanswered), meaning="retried on the next run"
            )


class Treatment:
    """Does what `after` says with the committed mail of one folder.

    New mail comes first: what earlier runs left undone is done after it. What the server refuses is told once, counts for the exit code,
    and is tried again by the next run; mail is read all the same.
    """

    def __init__(self, hands: Hands, mailbox: ImapMailbox, folder: str) -> None:
        """Remember since when mail is promised this treatment; mail ingested under another setting stays as it was promised."""
        settings = mailbox.settings
        self._hands = hands
        self._mailbox = mailbox
        self._folder = folder
        self._refused: TlsrptError | None = None
        memory = hands.memory(settings.name, folder)
        wanted = setting_of(settings)
        if memory.after != wanted or memory.since is None:
            memory = hands.remember(settings.name, folder, after=wanted, since=hands.job.run.ingested_at, stays=False)
        self._since = memory.since
        self._journal = CopyNotes(hands.writer.location, hands.memories, f"{settings.name}/{folder}") if hands.writer else None

    def of_committed(self, messages: pa.Table, outcomes: Sequence[str]) -> None:
        """Treat messages that have just been committed."""
        uids, results = (messages.column(name).to_pylist() for name in ("uid", "dkim_result"))
        self._treat([(uid, fate) for uid, fate in zip(uids, mailbox_outcomes(outcomes, results), strict=True) if uid is not None])

    def of_earlier_runs(self) -> None:
        """Repeat what a killed run, or a server that refused, may have left undone."""
        writer, settings = self._hands.writer, self._mailbox.settings
        if writer is None or settings.after == "keep" or self._since is None:
            return
        self._treat(writer.ledger.settled_uids(settings.name, self._folder, self._mailbox.state.uidvalidity, self._since))

    def tell(self) -> None:
        """Say what was refused."""
        if self._refused is not None:
            log.error("after-refused", mailbox=self._mailbox.settings.name, folder=self._folder, reason=self._refused)
            self._hands.tally.exit_codes.append(self._refused.exit_code)

    def _treat(self, pairs: Sequence[tuple[int, str]]) -> None:
        settings = self._mailbox.settings
        if self._journal is None or settings.after == "keep" or not (pairs or self._journal.copying()):
            return
        reach("before-treating")
        with self._hands.tally.stages.timing(TREAT, messages=len(pairs)):
            treated = housekeep(self._mailbox, pairs, self._journal)
        reach("treated")
        self._refused = self._refused or treated.refused
        if treated.done:
            log.info("mailbox-treated", mailbox=settings.name, after=settings.after, **treated.done)
        if "left" in treated.done and not self._hands.memory(settings.name, self._folder).stays:
            self._hands.remember(settings.name, self._folder, stays=True)
            log.warning("messages-stay", mailbox=settings.name, reason="the server has neither MOVE nor UID EXPUNGE; use after = seen")


def setting_of(settings: MailboxSettings) -> str:
    """Return the `after` setting as one text, to see whether it was changed."""
    moved = f" {settings.move_to.processed}|{settings.move_to.quarantined}|{settings.move_to.other}" if settings.after == "move" else ""
    touched = f"{' other' if settings.touch_other else ''}{' quarantined' if settings.touch_quarantined else ''}"
    return f"{settings.after}{moved}{touched}"
