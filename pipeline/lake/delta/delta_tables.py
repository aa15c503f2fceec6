"""The Delta tables: their creation, opening, and the one kind of commit the lake makes.

A commit adds and removes whole Parquet files that lie there already, and carries the application transactions of the commit protocol. The
files are written by `pipeline.lake.delta.data_files`, not by `deltalake`: they are written once, staged, and durable before the log names
them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, PostCommitHookProperties, RemoveAction

from pipeline.errors import TryAgainError
from pipeline.tables.schema import APPEND_ORDER, SCHEMA_VERSION, TABLES, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.lake.storage.location import Location

BATCH = "tlsrpt"
"""The application id whose version is the last batch of a table; that of `messages` is W."""
FLOOR = "tlsrpt.floor"
"""The application id whose version, on `messages`, is the first batch of the present generation (see `pipeline.lake.upkeep.rebuild`)."""
FENCE = "tlsrpt.lease"
"""The application id whose version is the epoch of the writer that committed last (see `pipeline.lake.storage.lease`); only in a bucket."""
SCHEMA_PROPERTY = "tlsrpt.schema"

STATISTICS = ("batch", "report_day", "report_domain", "uidvalidity", "uid")
"""Columns with minimum and maximum in the Delta log. Few: the log is read by every reader, and what is in it has to be erased, too."""

RETRIES = 1000
"""Commits tried again when somebody else's came first; ours has no rival, but a compaction by another program may."""

QUIET = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Checkpoints are ours to write, and old log entries to remove."""

CHECKPOINT_EVERY = 20
"""Versions of a table between two checkpoints: opening it reads one checkpoint and the log entries after it."""

_CONFIGURATION = {
    "delta.logRetentionDuration": "interval 7 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}


class LakeTable:
    """A Delta table that stays open over many commits."""

    epoch: int | None = None
    """That of the lease under which it was opened for writing; None where there is no lease."""

    def __init__(self, uri: str, storage_options: dict[str, str] | None) -> None:
        """Open the table at an address, with what `deltalake` needs beside it in a bucket."""
        self._uri, self._storage_options = uri, storage_options
        self.delta = DeltaTable(uri, storage_options=storage_options)

    def version(self) -> int:
        """Return the version that is open."""
        return int(self.delta.version())

    def refresh(self) -> None:
        """Come to the newest version.

        `update_incremental` would, in a time that grows with the number of files (117 ms at 1,600 of them, and every commit from a table
        that was brought up to date so costs as much); opening anew reads one checkpoint and the few entries after it (10 ms). In a bucket
        opening anew waits for twenty answers, and bringing up to date for three.
        """
        if self._storage_options is not None:
            try:
                self.delta.update_incremental()
            except DeltaError:
                pass  # What it would have read is gone: an erasure cleans the log.
            else:
                return
        self.delta = DeltaTable(self._uri, storage_options=self._storage_options)


class AddedFile(NamedTuple):
    """One data file of a table, as a Delta `add` names it."""

    path: str
    """Relative to the folder of the table."""
    month: str
    rows: int
    size_bytes: int
    statistics: str
    """JSON, as the Delta protocol has it."""


class Gone(NamedTuple):
    """One data file to be removed from a table."""

    path: str
    month: str
    size_bytes: int


def create_tables(location: Location, check: Callable[[dict[str, LakeTable | None]], None] = lambda _found: None) -> dict[str, LakeTable]:
    """Open all tables, and create those that are not there, `messages` last: with it the lake is there.

    Args:
        location: Where the lake lies; the caller holds its lock.
        check: Refuses what was found, before anything is created.
    """
    found = location.together(lambda name: open_table(location, name), APPEND_ORDER)
    check(found)
    others = location.together(lambda name: found[name] or _create(location, name), APPEND_ORDER[:-1])
    return {**others, **{name: found[name] or _create(location, name) for name in APPEND_ORDER[-1:]}}


def _create(location: Location, name: str) -> LakeTable:
    uri = location.table_uri(name)
    DeltaTable.create(
        uri,
        arrow_schema(name),
        mode="ignore",
        partition_by=TABLES[name].partition,
        name=name,
        description=TABLES[name].grain,
        configuration={
            **_CONFIGURATION,
            SCHEMA_PROPERTY: str(SCHEMA_VERSION),
            "delta.dataSkippingStatsColumns": ",".join(column for column in STATISTICS if column in TABLES[name].column_names),
        },
        storage_options=location.storage_options,
        raise_if_key_not_exists=False,
    )
    table = LakeTable(uri, location.storage_options)
    sync_logs(location, {name: table}, {name: -1})
    return table


def open_table(location: Location, name: str) -> LakeTable | None:
    """Open a table at its newest version, or return None where there is none."""
    try:
        return LakeTable(location.table_uri(name), location.storage_options)
    except TableNotFoundError:
        return None


def batch_of(table: LakeTable) -> int:
    """Return the last batch that was committed to a table; 0 before the first."""
    return table.delta.transaction_version(BATCH) or 0


def floor_of(messages: LakeTable) -> int:
    """Return the first batch of the present generation; 0 before the first rebuild."""
    return messages.delta.transaction_version(FLOOR) or 0


def schema_version_of(table: LakeTable) -> int:
    """Return the schema version that a table was written for."""
    return int(table.delta.metadata().configuration.get(SCHEMA_PROPERTY, "1"))


def commit_parts(
    location: Location,
    name: str,
    table: LakeTable,
    *,
    adds: Sequence[AddedFile] = (),
    removes: Sequence[Gone] = (),
    rows_change: bool = True,
) -> None:
    """Commit data files to a table in one durable step, outside any batch.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: Of the table, as in `schema.TABLES`.
        table: The same, open; brought to the new version.
        adds: Files that lie in the folder of the table already.
        removes: Files that do not belong to the table any more; they stay on disk for readers that have them open.
        rows_change: False where the rows are the same as before in other files.

    Raises:
        TryAgainError: Another writer has taken the lake over since `table` came to its version.
    """
    before = table.version()
    add_version(name, table, adds=adds, removes=removes, rows_change=rows_change)
    sync_logs(location, {name: table}, {name: before})


def add_version(
    name: str,
    table: LakeTable,
    *,
    adds: Sequence[AddedFile] = (),
    removes: Sequence[Gone] = (),
    transactions: Mapping[str, int] | None = None,
    rows_change: bool = True,
) -> None:
    """Commit data files to a table in one step that is not durable yet, and bring `table` to the new version.

    Args:
        name: Of the table, as in `schema.TABLES`.
        table: The same, open.
        adds: Files that lie in the folder of the table already.
        removes: Files that do not belong to the table any more; they stay on disk for readers that have them open.
        transactions: Application transactions, by id.
        rows_change: False where the rows are the same as before in other files, which tells readers of changes that there are none.

    Raises:
        TryAgainError: Another writer has taken the lake over since `table` came to its version.
        CommitFailedError: The same, found out by the Delta log.
    """
    partition = TABLES[name].partition
    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(part.path, part.size_bytes, {partition: part.month}, now, rows_change, part.statistics) for part in adds
    ]
    actions += [RemoveAction(gone.path, rows_change, now, gone.size_bytes, {partition: gone.month}) for gone in removes]
    table.delta.create_write_transaction(
        actions,
        "append",
        table.delta.schema(),
        [partition],
        commit_properties=commit_properties(table, transactions or {}),
        post_commithook_properties=QUIET,
    )
    table.refresh()


def commit_properties(table: LakeTable, transactions: Mapping[str, int]) -> CommitProperties:
    """Return what goes with a commit: the application transactions, with them the epoch of the lease.

    Two commits that carry the same application id exclude each other where one does not know of the other: the Delta log refuses the
    second. So a writer that lost its lease, and whose successor has put its own epoch into every table, can commit to none of them.

    Raises:
        TryAgainError: The table shows already that another writer has taken the lake over.
    """
    check_fence(table)
    transactions = {**transactions, **({FENCE: table.epoch} if table.epoch is not None else {})}
    return CommitProperties(
        app_transactions=[Transaction(app, version) for app, version in transactions.items()], max_commit_retries=RETRIES
    )


def check_fence(table: LakeTable) -> None:
    """Make sure that the table, as it was when last looked at, is still ours to write to.

    Raises:
        TryAgainError: Another writer has taken the lake over.
    """
    if table.epoch is not None and fence_of(table) > table.epoch:
        raise TryAgainError(f"another run has taken over {table.delta.table_uri}; the next run commits the rest")


def fence_of(table: LakeTable) -> int:
    """Return the epoch of the writer that committed last; 0 where there was none with a lease."""
    return table.delta.transaction_version(FENCE) or 0


def sync_logs(location: Location, tables: Mapping[str, LakeTable], before: dict[str, int]) -> None:
    """Make log entries durable: `deltalake` leaves that to the operating system, and the mailbox is touched next.

    Args:
        location: Where the lake lies.
        tables: The tables, each at the version up to which.
        before: The versions that are durable already; brought up to date.
    """
    new = {name: range(before[name] + 1, table.version() + 1) for name, table in tables.items()}
    location.store.sync(f"{name}/_delta_log/{version:020d}.json" for name, versions in new.items() for version in versions)
    for name, versions in new.items():
        before[name] = tables[name].version()
        if any(version and version % CHECKPOINT_EVERY == 0 for version in versions):
            checkpoint(location, name, tables[name])


def checkpoint(location: Location, name: str, table: LakeTable) -> None:
    """Write a checkpoint of the present version, durably; a torn one would make the table unreadable (see `log_repair`).

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: Of the table, as in `schema.TABLES`.
        table: The same, open at the version to write a checkpoint of.
    """
    table.delta.create_checkpoint()
    log = f"{name}/_delta_log"
    stem = f"{table.version():020d}.checkpoint"
    location.store.sync(f"{log}/{file}" for file in location.store.names(log) if file.startswith(stem) or file == "_last_checkpoint")
