"""One snapshot over all tables, for readers: no lock, no waiting, nothing half there.

`messages` is opened first and names W, the last committed batch. The other tables are opened after it and may be newer; rows beyond W are
filtered away by the reader (`floor <= batch <= W`). Compaction changes files, never rows; files it replaced stay for a day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ConfigError, LakeError
from pipeline.lake.delta.whole import OTHERS, lacking, refuse_lacking
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.tables.schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.lake.delta.delta_tables import LakeTable

SUMS_FOLDER = "_state/sums"
"""Where readers find sums of whole months (`pipeline.query.month_sums`), which name domains."""

_TRIES = 5
_PAUSE = 0.02
"""Seconds between two tries."""


class FileEntry(NamedTuple):
    """One data file of a table."""

    path: str
    """Absolute, as DuckDB takes it."""
    month: str
    """YYYY-MM of the partition."""
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a reader needs to see one state of the lake."""

    batch: int = 0
    """W: rows of later batches are not there yet."""
    floor: int = 0
    """Rows of earlier batches, except in `raw`, belong to a generation that was replaced."""
    schema_version: int = SCHEMA_VERSION
    files: dict[str, list[FileEntry]] = field(default_factory=lambda: {name: [] for name in TABLES})
    """The data files by table; a table without rows has none."""

    @property
    def version(self) -> str:
        """Names the content: equal versions give equal answers. The key of every cache."""
        return f"{self.schema_version}.{self.floor}.{self.batch}"


def open_snapshot(where: str | Path | Location) -> Snapshot:
    """Open the lake as it is now; a lake that is not there yet, or empty, gives an empty snapshot.

    Raises:
        LakeError: It cannot be read.
        ConfigError: It was written by a newer version of this program.
    """
    location = locate(where)
    if not location.exists():
        return Snapshot()
    try:
        with location.errors("read"):
            return _patiently(lambda last: _try(location, last=last))
    except LakeError as err:
        if type(err.__cause__).__module__.startswith(("deltalake", "_internal")):
            raise LakeError(f"{err}; a table's log is missing or broken: restore the backup") from err.__cause__
        raise


def current_version(where: str | Path | Location) -> str:
    """Return what `Snapshot.version` would be, for the price of opening one table."""
    from pipeline.lake.delta.delta_tables import open_table

    def attempt(_last: bool) -> Snapshot:
        messages = open_table(location, "messages")
        return Snapshot() if messages is None else _head(location, messages)

    location = locate(where)
    if not location.exists():
        return Snapshot().version
    with location.errors("read"):
        return _patiently(attempt).version


def said_of_schema(version: int) -> str:
    """Return the schema in words: an older lake is read as it is, sessions told under two policies by the rules of its time."""
    if version == SCHEMA_VERSION:
        return str(version)
    return (
        f"{version}, of an older version: the next `tlsrpt ingest` or `tlsrpt maintain` brings it to {SCHEMA_VERSION}; until then sessions "
        "that a report tells under two policies are counted by the older rules"
    )


def check_schema(location: Location, version: int, supported: int = SCHEMA_VERSION) -> None:
    """Refuse a lake of a newer program.

    Args:
        location: Where the lake lies.
        version: Of its schema.
        supported: The newest that this program reads.

    Raises:
        ConfigError: It is one.
    """
    if version > supported:
        raise ConfigError(
            f"the lake {location.uri} uses schema {version}; this version supports up to {supported}; use the newer version that wrote it"
        )


def _head(location: Location, messages: LakeTable) -> Snapshot:
    from pipeline.lake.delta.delta_tables import batch_of, floor_of, schema_version_of

    version = schema_version_of(messages)
    check_schema(location, version)
    return Snapshot(batch_of(messages), floor_of(messages), version)


def _patiently(attempt: Callable[[bool], Snapshot | None]) -> Snapshot:
    """Try a few times: an erasure removes the log entries that a reader was about to read, a rebuild the files of the old generation.

    Args:
        attempt: Returns the snapshot, or None where it should be tried again; told whether this is the last time.
    """
    from deltalake.exceptions import DeltaError

    for left in reversed(range(_TRIES)):
        try:
            snapshot = attempt(left == 0)
        except (DeltaError, OSError):
            if left == 0:
                raise
            snapshot = None
        if snapshot is not None:
            return snapshot
        time.sleep(_PAUSE)
    raise AssertionError


def _try(location: Location, *, last: bool) -> Snapshot | None:
    """Open all tables once; None where a new generation began meanwhile, whose clean-up may have been seen in part."""
    from pipeline.lake.delta.delta_tables import floor_of, open_table

    messages = open_table(location, "messages")
    if messages is None:
        return Snapshot()
    snapshot = _head(location, messages)
    snapshot.files["messages"].extend(_entries(location, "messages", messages))

    def opened(name: str) -> tuple[LakeTable | None, list[FileEntry]]:
        table = open_table(location, name)
        return table, [] if table is None else _entries(location, name, table)

    others = location.together(opened, OTHERS)
    missing = lacking(messages, {name: table for name, (table, _) in others.items()})
    if missing and not last:
        return None
    refuse_lacking(location, missing)
    for name, (_, found) in others.items():
        snapshot.files[name].extend(found)
    messages.refresh()
    return snapshot if last or floor_of(messages) == snapshot.floor else None


def _entries(location: Location, name: str, table: LakeTable) -> list[FileEntry]:
    from pipeline.lake.delta.data_file_list import present

    return [FileEntry(location.uri_of(f"{name}/{file.path}"), file.month, file.rows, file.size_bytes) for file in present(table, name)]
