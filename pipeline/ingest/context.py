"""What the stages of one run share: settings, lake, clock and counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.ingest import folder_memory as memory
from pipeline.ingest.folder_memory import FolderMemory
from pipeline.ingest.stop import Stop
from pipeline.ingest.tally import Tally
from pipeline.message.fetched import Sender
from pipeline.tables.chunk_columns import choose, rows_of

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.ingest.options import Progress
    from pipeline.lake.writer import LakeWriter, Rehearsal
    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.trust.quota import Quota
    from pipeline.workers.pool import Pool
    from pipeline.workers.reading_task import Job


@dataclass(slots=True)
class Hands:
    """The settings, the lake, the workers, and the counts of one run."""

    settings: Settings
    job: Job
    lake: LakeWriter | Rehearsal
    """For writing, or only looked at in a dry run."""
    pool: Pool
    quota: Quota
    progress: Progress
    stop: Stop = field(default_factory=Stop)
    tally: Tally = field(default_factory=Tally)
    memories: dict[str, FolderMemory] = field(default_factory=dict)

    @property
    def writer(self) -> LakeWriter | None:
        """The lake for writing; None in a dry run."""
        from pipeline.lake.writer import LakeWriter

        return self.lake if isinstance(self.lake, LakeWriter) else None

    def within_quota(self, columns: ChunkColumns) -> ChunkColumns:
        """Return those messages whose sender is within its share of the day; the others stay in the mailbox for a later run."""
        admitted = [place for place, sender in enumerate(rows_of(Sender, columns.messages)) if self.quota.admits(sender)]
        self.tally.deferred += len(columns.contents) - len(admitted)
        return choose(columns, admitted)

    def memory(self, account: str, folder: str) -> FolderMemory:
        """Return what is remembered of a folder."""
        return self.memories.get(f"{account}/{folder}", FolderMemory())

    def remember(self, account: str, folder: str, **changes: Any) -> FolderMemory:
        """Remember more of a folder, at once: a killed run must find what was promised of the mail it has staged."""
        remembered = self.memory(account, folder)._replace(**changes)
        self.memories[f"{account}/{folder}"] = remembered
        if self.writer is not None:
            memory.save(self.writer.location, self.memories)
        return remembered
