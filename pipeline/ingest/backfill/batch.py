"""One batch of a bulk import on its way: its chunks are read, settled together, written, and committed as one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.ingest.backfill.tasks import Kept, Write
from pipeline.lake.dedup.batch_rows import REPORT_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ingest.backfill.chunk import Chunk
    from pipeline.ingest.backfill.tasks import ReadReply
    from pipeline.lake.dedup.batch_rows import Decided
    from pipeline.lake.delta.stage import StagedPart, StageWriter

MESSAGES = 50_000
SPOOL_BYTES = 256 * 1024 * 1024
SECONDS = 120.0
"""A batch ends at the first of these; there are few commits, and little is read again after a death."""
WRITE_BYTES = 48 * 1024 * 1024
"""Rows that one worker writes at once: what it holds in memory is a few times that."""


@dataclass(slots=True)
class Batch:
    """The chunks of a batch, and what is known of them."""

    folder: str | None
    """Of its spool; None in a dry run."""
    begun: float = field(default_factory=time.monotonic)
    chunks: list[Chunk] = field(default_factory=list)
    replies: dict[int, ReadReply] = field(default_factory=dict)
    closed: bool = False
    decided: Decided | None = None
    stage: StageWriter | None = None
    """None before it is settled, and where nothing in it is new."""
    writing: int = 0
    """Tasks that are not done yet."""
    parts: dict[str, list[StagedPart]] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """How many messages there are, as far as is known."""
        return sum(self.replies[n].messages if n in self.replies else each.messages for n, each in enumerate(self.chunks))

    @property
    def full(self) -> bool:
        """Whether it is time to commit it."""
        spooled = sum(sum(reply.sizes.values()) for reply in self.replies.values())
        return self.messages >= MESSAGES or spooled >= SPOOL_BYTES or (bool(self.chunks) and time.monotonic() - self.begun >= SECONDS)

    @property
    def read(self) -> bool:
        """Whether all its chunks are read."""
        return self.closed and len(self.replies) == len(self.chunks)

    def in_order(self) -> list[ReadReply]:
        """Return the replies in the order of the chunks."""
        return [self.replies[place] for place in range(len(self.chunks))]


def writes(batch: Batch, lake: str, stage: StageWriter) -> Iterator[Write]:
    """Yield the tasks that write the data files of a settled batch: for each table as many as keep the workers small.

    Args:
        batch: It is settled: what it takes of each chunk is decided.
        lake: URI of the lake.
        stage: The stage that the files are written to.
    """
    assert batch.decided is not None  # noqa: S101 -- for mypy
    pairs = list(zip(batch.decided.taken, batch.in_order(), strict=True))
    for table in ("raw", "messages", *REPORT_TABLES):
        some: list[Kept] = []
        size = 0
        for taken, reply in pairs:
            if some and size + reply.sizes[table] > WRITE_BYTES:
                yield Write(lake, stage.name.folder, stage.batch, table, some)
                some, size = [], 0
            some.append(Kept(batch.folder or "", reply.token, taken))
            size += reply.sizes[table]
        if some:
            yield Write(lake, stage.name.folder, stage.batch, table, some)
