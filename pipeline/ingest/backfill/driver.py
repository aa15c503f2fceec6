"""One bulk import under way: chunks are given out, batches settled, written and committed in their order, while the next ones are read."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import InputError, LakeError, TryAgainError, UnreachableError
from pipeline.failpoint import reach
from pipeline.ingest.backfill.batch import Batch, writes
from pipeline.ingest.backfill.progress_file import DoneChunk, ProgressFile
from pipeline.ingest.backfill.sources import list_sources
from pipeline.ingest.backfill.tasks import Read, ReadReply, Write
from pipeline.ingest.tally import Tally
from pipeline.lake.dedup.batch_rows import decide, remember, repeated_files
from pipeline.lake.dedup.dedup_index import Knowledge
from pipeline.lake.dedup.ledger import Ledger
from pipeline.lake.delta.commit import next_batch
from pipeline.lake.delta.data_file_list import looked_at
from pipeline.lake.delta.data_files import to_arrow
from pipeline.lake.delta.stage import StageName
from pipeline.lake.upkeep.compact import compact_small_files
from pipeline.mailbox.mail_files import FileImport
from pipeline.stages import COMMIT, SETTLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ingest.backfill.import_progress import Shown
    from pipeline.ingest.backfill.local_workers import Workers
    from pipeline.ingest.stop import Stop
    from pipeline.lake.delta.stage import StagedPart
    from pipeline.lake.open_lake import OpenLake
    from pipeline.lake.storage.location import Location
    from pipeline.workers.reading_task import Job

_REMOTE = "://"
_AHEAD = 2
"""Chunks waiting beside those being read, so that no worker waits for the driver."""
_BATCHES = 3
"""At most so many are on their way: one is written while the next ones are read."""
_TRIES = 3
"""Of a task that the storage, or a worker's machine, did not let through."""
_COMPACT_EVERY = 128
"""Batches after which small files are merged though the import goes on: six million messages."""


class Drive:
    """One import under way."""

    def __init__(
        self, location: Location, lake: OpenLake | None, workers: Workers, *, job: Job, sources: Sequence[str], shown: Shown, stop: Stop
    ) -> None:
        """Take the lake (None: it is only looked at), those who work, and what is to be imported."""
        self.tally = Tally(stages=workers.stages)
        self._location, self._lake, self._workers, self._shown, self._stop = location, lake, workers, shown, stop
        files, floor = (lake.files, lake.floor) if lake is not None else looked_at(location)
        self._knowledge, self._ledger = Knowledge(files, floor), Ledger(files["messages"], floor)
        self._walker = FileImport([], received_at=job.run.ingested_at, limits=job.limits, stdin=None)
        self._chunks = list_sources(sources, self._walker)
        with location.errors("read"):
            self._note = ProgressFile(location, self._ledger.batches)
        self._run_id, self._newest = job.run.run_id, self._ledger.newest_batch
        self._batches: list[Batch] = []
        self._under_way: dict[Future[ReadReply | list[StagedPart]], tuple[Batch, Read | Write, int, int]] = {}
        """What each task is for: its batch, the task itself, the place of its chunk, and which attempt it is."""
        self._listed = False
        self._resolver_down = False
        self._spooled = 0
        self._committed = 0
        self._brought_by: tuple[int, str] | None = None
        """The newest batch and its run."""
        self._temporary = _temporary_folder(location) if lake is not None and workers.shared_disk and _REMOTE in location.uri else None

    def run(self) -> None:
        """Do it all."""
        while True:
            self._workers.check()
            self._read_ahead()
            self._go_on()
            if not self._under_way and not self._batches and (self._listed or self._stop):
                return
            for future in wait(self._under_way, timeout=1.0, return_when=FIRST_COMPLETED).done:
                self._take(future)

    def put_down(self) -> None:
        """Keep what was noted."""
        self.tally.skipped += self._walker.skipped
        if self._walker.unreadable:
            self.tally.exit_codes.append(InputError.exit_code)
        if self._lake is not None:
            with self._location.errors("write"):
                self._note.save(now=True)

    def clear(self) -> None:
        """Remove what lies outside the lake."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def compact(self) -> None:
        """Merge the small files that batches leave in a month, where there are many."""
        if self._lake is not None and self.tally.messages:
            with self._location.errors("write"):
                compact_small_files(self._lake)

    def _read_ahead(self) -> None:
        """Give the workers chunks, until they have enough; a chunk that is noted as done is counted and passed over."""
        while not self._stop and not self._listed and self._reading < self._workers.width + _AHEAD:
            batch = self._open_batch()
            if batch is None:
                return
            chunk = next(self._chunks, None)
            if chunk is None:
                self._listed = True
                return
            done = self._note[chunk]
            if done is not None:
                self.tally.add(["duplicate"] * done.messages)
                self.tally.skipped += done.skipped
                self._shown.advance(done.messages, chunk.size_bytes)
                continue
            batch.chunks.append(chunk)
            self._submit(batch, Read(chunk, self._location.uri, batch.folder), len(batch.chunks) - 1)

    @property
    def _reading(self) -> int:
        return sum(isinstance(task, Read) for _, task, *_ in self._under_way.values())

    def _open_batch(self) -> Batch | None:
        """Return the batch that takes more chunks, a new one where the last is full; None where enough are on their way."""
        if self._batches and self._batches[-1].full:
            self._batches[-1].closed = True
        if self._batches and not self._batches[-1].closed:
            return self._batches[-1]
        if len(self._batches) >= _BATCHES:
            return None
        batch = Batch(self._spool_folder())
        self._batches.append(batch)
        return batch

    def _spool_folder(self) -> str | None:
        """Return where the rows of the next batch wait: in the stage of a batch yet to come, with which recovery removes them."""
        if self._lake is None:
            return None
        self._spooled += 1
        if self._temporary is not None:
            return str(self._temporary / str(self._spooled))
        folder = StageName(next_batch(self._lake.tables) + len(self._batches), self._lake.epoch or 0).folder
        folder = f"{folder}/spool-{self._spooled}"
        return folder if _REMOTE in self._location.uri else self._location.path_of(folder)

    def _submit(self, batch: Batch, task: Read | Write, place: int, attempt: int = 1) -> None:
        self._under_way[self._workers.submit(task)] = (batch, task, place, attempt)

    def _take(self, future: Future[ReadReply | list[StagedPart]]) -> None:
        """Take what a worker brings; what the storage did not let through is tried again."""
        batch, task, place, attempt = self._under_way.pop(future)
        try:
            reply = future.result()
        except (LakeError, TryAgainError, UnreachableError) as err:
            if attempt >= _TRIES or self._workers.closed:
                raise
            log.warning("task-tried-again", reason=str(err))
            self._submit(batch, task, place, attempt + 1)
            return
        if isinstance(reply, ReadReply):
            self._take_read(batch, place, reply)
        elif isinstance(task, Write):
            batch.parts.setdefault(task.table, []).extend(reply)
            batch.writing -= 1

    def _take_read(self, batch: Batch, place: int, reply: ReadReply) -> None:
        batch.replies[place] = reply
        self._shown.advance(reply.messages, batch.chunks[place].size_bytes)
        for event, fields in reply.warnings:
            if event != "resolver-down" or not self._resolver_down:
                log.warning(event, **fields)
            self._resolver_down |= event == "resolver-down"
        reach("bulk-read")

    def _go_on(self) -> None:
        """Bring the oldest batch as far as it can go; batches are settled and committed in their order."""
        if self._batches and (self._listed or self._stop):
            self._batches[-1].closed = True
        while self._batches and self._batches[0].read:
            batch = self._batches[0]
            if batch.decided is None:
                self._settle(batch)
            if batch.writing:
                return
            self._finish(batch)
            self._batches.pop(0)

    def _settle(self, batch: Batch) -> None:
        """Decide what is new of a batch, and have that written."""
        chunks = [reply.essence for reply in batch.in_order()]
        with self._location.errors("read"), self.tally.stages.timing(SETTLE, messages=batch.messages):
            batch.decided = decide(chunks, self._knowledge.about, repeated_files(chunks, self._ledger))
        if self._lake is None or not batch.decided.rows:
            return
        batch.stage = self._lake.stage()
        for place, task in enumerate(writes(batch, self._location.uri, batch.stage)):
            self._submit(batch, task, place)
            batch.writing += 1
        reach("bulk-weighed")

    def _finish(self, batch: Batch) -> None:
        """Commit a batch whose files are written, and take note of it."""
        decided = batch.decided
        assert decided is not None  # noqa: S101 -- for mypy
        if batch.stage is not None and self._lake is not None:
            size_bytes = sum(part.part.size_bytes for parts in batch.parts.values() for part in parts)
            commit = self.tally.stages.timing(COMMIT, messages=decided.rows, size_bytes=size_bytes)
            with self._location.errors("write"), commit:
                for name, parts in batch.parts.items():
                    batch.stage.take(name, parts)
                batch.stage.add("superseded", to_arrow("superseded", decided.superseded, batch.stage.batch))
                number = self._lake.commit(batch.stage)
            self._brought_by = number, self._run_id
            self._committed += 1
            if self._committed % _COMPACT_EVERY == 0:
                self.compact()
            log.info("batch-committed", batch=number, messages=len(decided.outcomes), reports_new=decided.reports_new)
        remember(decided.news, self._knowledge, self._ledger)
        self.tally.add(decided.outcomes, reports_new=decided.reports_new)
        self.tally.pending += decided.pending
        self._settle_accounts(batch)

    def _settle_accounts(self, batch: Batch) -> None:
        """Note the chunks of a batch, count what they passed over, remove their spool."""
        for place, chunk in enumerate(batch.chunks):
            reply = batch.replies[place]
            self.tally.skipped += reply.skipped
            if reply.unreadable:
                self.tally.exit_codes.append(InputError.exit_code)
            elif self._lake is not None and (brought_by := self._brought_by or self._newest()):
                self._brought_by = brought_by
                self._note.add(chunk, DoneChunk(reply.messages, reply.skipped, *brought_by))
        if self._lake is None or batch.folder is None:
            return
        with self._location.errors("write"):
            if batch.folder.startswith("/"):
                shutil.rmtree(batch.folder, ignore_errors=True)
            else:
                self._location.store.remove_tree(batch.folder)
            self._note.save()


def _temporary_folder(location: Location) -> Path:
    """Return an empty folder of our own on this machine, the same for every run on a lake: what a killed run left goes here."""
    name = hashlib.sha256(location.uri.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"tlsrpt-backfill-{os.getuid()}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
