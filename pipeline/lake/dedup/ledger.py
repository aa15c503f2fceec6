"""The ledger: which messages are in the lake already, asked before anything is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.dedup.hash_files import HashColumn, KeyColumn
from pipeline.lake.dedup.settle import NEVER_ASKED_AGAIN, PENDING, awaits_dns, mailbox_outcomes
from pipeline.lake.delta.scan import among, batches, combinations, numbers, read, since
from pipeline.message.fetched import Sender
from pipeline.tables.chunk_columns import rows_of
from pipeline.tables.row_types import MessageRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from pipeline.lake.delta.data_file_list import Files

FILE_ACCOUNT = "file"
"""The account of what was imported from files: its key is the sha256 of the bytes."""


class KnownUids:
    """The UIDs of one folder that are in the ledger."""

    def __init__(self, pieces: Iterable[NDArray[np.int64]] = ()) -> None:
        """Take them piece by piece. They are kept as runs of numbers that follow each other: a mailbox has a few, however large it is."""
        runs = [_runs(piece) for piece in pieces if len(piece)]
        starts, ends = (np.concatenate([np.empty(0, np.int64), *(run[side] for run in runs)]) for side in (0, 1))
        order = np.argsort(starts)
        starts, reach = starts[order], np.maximum.accumulate(ends[order]) if len(ends) else ends
        apart = np.append(True, starts[1:] > reach[:-1] + 1)[: len(starts)]
        self._starts = starts[apart]
        self._ends = reach[np.append(apart[1:], True)[: len(starts)]]

    def __len__(self) -> int:
        return int((self._ends - self._starts + 1).sum())

    def missing(self, uids: Iterable[int]) -> list[int]:
        """Return the UIDs that are not in the ledger, in the order given."""
        asked = np.fromiter(uids, np.int64)
        run = np.searchsorted(self._starts, asked, "right") - 1
        held = np.append(self._ends, -1)[run] >= asked  # before the first run there is the last place, which holds nothing
        absent: list[int] = asked[~held].tolist()
        return absent


def _runs(numbers_: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last of each run of numbers that follow each other."""
    ordered = np.sort(numbers_)
    breaks = np.flatnonzero(ordered[1:] > ordered[:-1] + 1)
    return ordered[np.append(0, breaks + 1)], ordered[np.append(breaks, len(ordered) - 1)]


class Ledger:
    """The rows of `messages`, for a run that writes the lake or only rehearses; of a lake that is not there it has none.

    Raises:
        LakeError: On every question: the lake cannot be read.
    """

    def __init__(self, files: Files, floor: int) -> None:
        self._files, self._floor = files, floor
        self._imported = HashColumn(files, KeyColumn("messages", "message_sha256", account=FILE_ACCOUNT), floor=floor)

    def uids(self, account: str, folder: str, uidvalidity: int) -> KnownUids:
        """Return the UIDs in the ledger for one folder of one account.

        Args:
            account: The name of the mailbox.
            folder: Its folder, as in the ledger.
            uidvalidity: UIDs under another UIDVALIDITY are other messages (RFC 9051 §2.3.1.1) and are not among those returned.

        Raises:
            LakeError: The lake cannot be read.
        """
        same: dict[str, str | int] = {"account": account, "folder": folder, "uidvalidity": uidvalidity}
        with self._files.location.errors("read"):
            return KnownUids(numbers(self._files.location, "messages", self._files.of(), "uid", same=same, floor=self._floor))

    def uidvalidities(self, account: str, folder: str) -> set[int]:
        """Return the UIDVALIDITY values under which the ledger knows a folder."""
        same: dict[str, str | int] = {"account": account, "folder": folder}
        with self._files.location.errors("read"):
            found = numbers(self._files.location, "messages", self._files.of(), "uidvalidity", same=same, floor=self._floor)
            return {int(value) for piece in found for value in np.unique(piece)}

    def settled_uids(self, account: str, folder: str, uidvalidity: int, first_ingested_since: datetime) -> list[tuple[int, str]]:
        """Return UID and outcome of messages first ingested since then; `PENDING` where the DNS is awaited.

        Args:
            account: The name of the mailbox.
            folder: Its folder, as in the ledger.
            uidvalidity: The UIDVALIDITY under which the UIDs hold.
            first_ingested_since: The moment, aware; inclusive.
        """
        moment = pa.scalar(first_ingested_since, pa.timestamp("us", tz="UTC"))
        where = (pc.field("account") == account) & (pc.field("folder") == folder) & (pc.field("uidvalidity") == uidvalidity)
        pieces = self._pieces(("uid", "outcome", "dkim_result"), where & (pc.field("ingested_at") >= moment))
        found: Iterator[list[Any]] = ([column.to_pylist() for column in piece.columns] for piece in pieces)
        return [pair for uids, outcomes, results in found for pair in zip(uids, mailbox_outcomes(outcomes, results), strict=True)]

    def items(self, accounts: Sequence[str], items: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """Return those of these names at a source that the ledger has: outcome (`PENDING` where the DNS is awaited), first ingested."""
        if not items:
            return {}
        where = among("account", accounts) & among("item", items)
        return {
            item: (PENDING if awaits_dns(outcome, result) else outcome, ingested_at)
            for piece in self._pieces(("item", "outcome", "dkim_result", "ingested_at"), where)
            for item, outcome, result, ingested_at in zip(*(column.to_pylist() for column in piece.columns), strict=True)
        }

    def file_hashes(self, hashes: Iterable[str]) -> set[str]:
        """Return those of the sha256 values that were imported from files already."""
        with self._files.location.errors("read"):
            return set(self._imported.among(list(hashes)))

    def add_files(self, hashes: Iterable[str]) -> None:
        """Take note of the sha256 of files that have been committed."""
        self._imported.add(hashes)

    def unvouched_since(self, moment: datetime) -> list[Sender]:
        """Return who sent the messages first ingested since then for which the operator does not vouch."""
        where = (pc.field("trust_tier") != "vouched") & (pc.field("ingested_at") >= pa.scalar(moment, pa.timestamp("us", tz="UTC")))
        with self._files.location.errors("read"):
            found = read(self._files.location, "messages", self._files.of(), Sender._fields, where=since(self._floor) & where)
        return rows_of(Sender, found)

    def last_ingest(self) -> datetime | None:
        """Return when a message was last ingested; None where nothing was."""
        everything = pc.field("batch") >= 0
        newest = (pc.max(piece.column(0)).as_py() for piece in self._pieces(("ingested_at",), everything))
        return max((each for each in newest if each is not None), default=None)

    def batches(self) -> set[tuple[int, str]]:
        """Return each batch with the runs whose rows it holds: what tells whether this lake has what a run brought."""
        with self._files.location.errors("read"):
            return set(combinations(self._files.location, "messages", self._files.of(), ("batch", "run_id"), floor=self._floor))

    def newest_batch(self) -> tuple[int, str] | None:
        """Return the newest batch with one of its runs; None where there is none."""
        return max(self.batches(), default=None)

    def waiting_for_dns(self, first_ingested_since: datetime) -> list[MessageRow]:
        """Return the messages first ingested since then whose DKIM key could not be looked up."""
        moment = pa.scalar(first_ingested_since, pa.timestamp("us", tz="UTC"))
        where = (pc.field("dkim_result") == "temperror") & (pc.field("ingested_at") >= moment)
        return self.rows(where & ~among("outcome", sorted(NEVER_ASKED_AGAIN)))

    def unproved_before(self, moment: datetime) -> Iterator[tuple[str, list[MessageRow]]]:
        """Yield month by month the mail received before that moment whose reports nobody has proved or vouched for."""
        where = among("trust_tier", ("unaligned", "unverified")) & among("outcome", ("stored", "conflict"))
        where &= (pc.field("account") != FILE_ACCOUNT) & (pc.field("received_at") < pa.scalar(moment, pa.timestamp("us", tz="UTC")))
        for month in self._files.months():
            if month <= f"{moment:%Y-%m}" and (found := self.rows(where, [month])):
                yield month, found

    def rows(self, where: pc.Expression, months: Iterable[str] | None = None) -> list[MessageRow]:
        """Return whole ledger rows."""
        with self._files.location.errors("read"):
            found = read(self._files.location, "messages", self._files.of(months), MessageRow._fields, where=since(self._floor) & where)
        return to_rows(found)

    def _pieces(self, columns: tuple[str, ...], where: pc.Expression) -> Iterator[pa.RecordBatch]:
        with self._files.location.errors("read"):
            yield from batches(self._files.location, "messages", self._files.of(), columns, where=since(self._floor) & where)


def key_of(message: MessageRow) -> tuple[object, ...]:
    """Return what a message is known by: its place in a folder, the bytes of a file, or its name at another source."""
    if message.account == FILE_ACCOUNT:
        return (FILE_ACCOUNT, message.message_sha256)
    return (message.account, message.folder, message.uidvalidity, message.uid, None if message.uid is not None else message.item)


def keys_of(table: pa.Table) -> list[tuple[object, ...]]:
    """Return the key of each of these Arrow rows of the ledger."""
    columns = (table.column(name).to_pylist() for name in ("account", "folder", "uidvalidity", "uid", "item", "message_sha256"))
    return [
        (FILE_ACCOUNT, sha256) if place[0] == FILE_ACCOUNT else (*place, None if place[3] is not None else item)
        for *place, item, sha256 in zip(*columns, strict=True)
    ]


def to_rows(table: pa.Table) -> list[MessageRow]:
    """Return Arrow rows of the ledger as typed rows."""
    return rows_of(MessageRow, table)
