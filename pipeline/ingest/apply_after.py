"""Applying a changed `after` setting to mail that was ingested before it was set: only when asked by name, with the number shown first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import UsageError
from pipeline.ingest import folder_memory
from pipeline.ingest.poll import setting_of
from pipeline.ingest.run import wanted_mailboxes
from pipeline.lake.storage.locate import configured_location
from pipeline.lake.writer import LakeWriter
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.outcome_groups import groups_touched
from pipeline.mailbox.post_actions import housekeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.config import Settings

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def apply_after(settings: Settings, name: str, *, confirm: Callable[[str], bool]) -> int:
    """Treat all committed mail of a mailbox as `after` says now.

    Args:
        settings: Its mailboxes, and the lake whose ledger says what was committed.
        name: Of the mailbox, as `[[mailbox]]` says it.
        confirm: Gets the question with the number of messages; True goes on.

    Returns:
        0 when done, 1 when the answer was no.

    Raises:
        UsageError: The mailbox has `after = "keep"`: there is nothing to apply.
        ConfigError: The server refuses it.
    """
    box = next(iter(wanted_mailboxes(settings, [name])), None)
    if box is None:
        raise UsageError(f"{name} is not a mailbox over IMAP: what was read under an earlier setting stays as it is")
    if not groups_touched(box):
        raise UsageError(f'mailbox {name} has after = "keep": there is nothing to apply')
    with (
        LakeWriter(configured_location(settings.lake), run_id="apply-after") as writer,
        ImapMailbox(box, settings.report_limits) as mailbox,
    ):
        memories = folder_memory.load(writer.location)
        for folder in box.all_folders:
            state = mailbox.open(folder)
            pairs = writer.ledger.settled_uids(box.name, folder, state.uidvalidity, _LONG_AGO)
            if not pairs:
                continue
            question = f'{len(pairs):,} messages of {name}/{folder} were ingested; apply after = "{box.after}" to those still in it?'
            if not confirm(question):
                return 1
            treated = housekeep(mailbox, pairs, folder_memory.CopyNotes(writer.location, memories, f"{name}/{folder}"))
            log.info("mailbox-treated", mailbox=name, folder=folder, after=box.after, **treated.done)
            if treated.refused is not None:
                raise treated.refused
        for folder in box.all_folders:
            known = memories.get(f"{box.name}/{folder}", folder_memory.FolderMemory())
            memories[f"{box.name}/{folder}"] = known._replace(after=setting_of(box), since=_LONG_AGO)
        folder_memory.save(writer.location, memories)
    return 0
