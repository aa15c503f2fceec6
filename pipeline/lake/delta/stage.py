"""The stage of a batch: all its data files and a manifest, durable in the lake before any table names them.

`_staging/BATCH/TABLE-N.parquet` are the very files the tables will have: committing moves them into the folders of the tables. In a
bucket, where nothing can be moved, they lie in their tables from the beginning, and no log names them. The manifest is written last; a
stage without one never was.

In a bucket the folder is `_staging/BATCH-EPOCH`: a holder of the lease who lost it without knowing may still write a manifest, and that
must not be taken for the one of his successor with the same batch (see `pipeline.lake.storage.lease`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.failpoint import reach
from pipeline.lake.delta.data_files import by_month, describe, encode
from pipeline.lake.delta.delta_tables import BATCH, AddedFile, Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from pipeline.lake.storage.location import Location

STAGING = "_staging"
_MANIFEST = "manifest.json"


class StagedPart(NamedTuple):
    """A data file that waits in the stage, and what it will be."""

    staged: str
    """Relative to the lake."""
    part: AddedFile


@dataclass(slots=True)
class TableChange:
    """What a batch does to one table."""

    adds: list[StagedPart] = field(default_factory=list)
    removes: list[Gone] = field(default_factory=list)


class StageName(NamedTuple):
    """Which stage: of two for the same batch the later epoch counts. Ordered so."""

    batch: int
    epoch: int = 0

    @property
    def folder(self) -> str:
        """The folder of the stage, relative to the lake."""
        return f"{STAGING}/{self.batch:012d}" + (f"-{self.epoch:012d}" if self.epoch else "")

    @classmethod
    def parse(cls, name: str) -> StageName | None:
        """Return what the name of a folder says, or None where it is not a stage's."""
        batch, dash, epoch = name.partition("-")
        return cls(int(batch), int(epoch) if dash else 0) if batch.isdigit() and (epoch.isdigit() or not dash) else None


class Stage(NamedTuple):
    """A complete stage."""

    name: StageName
    changes: dict[str, TableChange]
    transactions: dict[str, int]
    """Application transactions that `messages` gets beside the batch."""

    @property
    def batch(self) -> int:
        """The batch that it will be."""
        return self.name.batch


class StageWriter:
    """A stage in the making."""

    def __init__(self, location: Location, batch: int, *, epoch: int | None = None) -> None:
        self._location, self.name = location, StageName(batch, epoch or 0)
        self._changes: dict[str, TableChange] = {}
        self._count = 0

    @property
    def batch(self) -> int:
        """The batch that it will be."""
        return self.name.batch

    def add(self, name: str, rows: pa.Table) -> None:
        """Write rows of a table, a file for each month."""
        for month, some in by_month(name, rows).items() if rows.num_rows else ():
            content = encode(name, some)
            part = describe(name, some, month=month, size_bytes=content.size, prefix=f"b{self.batch}")
            staged = self._location.staged(self.name.folder, f"{name}-{self._count}.parquet", f"{name}/{part.path}")
            self._count += 1
            reach("stage-file")
            self._location.store.put(staged, memoryview(content))
            self._change(name).adds.append(StagedPart(staged, part))

    def take(self, name: str, parts: Sequence[StagedPart]) -> None:
        """Take files of a table that another process has put where `Location.staged` says."""
        self._change(name).adds.extend(parts)

    def remove(self, name: str, gone: Sequence[Gone]) -> None:
        """Let files of a table go in the same commit that adds to it."""
        self._change(name).removes.extend(gone)

    def files(self, name: str, month: str) -> list[str]:
        """Return the staged files of a table and month, relative to the lake."""
        return [staged for staged, part in self._change(name).adds if part.month == month]

    def months(self, name: str) -> list[str]:
        """Return the months of a table that have staged files."""
        return sorted({part.month for _, part in self._change(name).adds})

    def seal(self, transactions: Mapping[str, int] | None = None) -> Stage:
        """Write the manifest: from now on the batch will be committed, by this process or by a later one."""
        stage = Stage(self.name, self._changes, dict(transactions or {}))
        reach("stage-manifest")
        self._location.store.put(f"{self.name.folder}/{_MANIFEST}", json.dumps(_as_json(stage)).encode())
        reach("staged")
        return stage

    def _change(self, name: str) -> TableChange:
        return self._changes.setdefault(name, TableChange())


def stages(location: Location) -> list[StageName]:
    """Return the stages there are, complete or not: by batch, and of one batch the one that counts first."""
    found = [name for name in map(StageName.parse, location.store.names(STAGING)) if name is not None]
    return sorted(found, key=lambda name: (name.batch, -name.epoch))


def read_stage(location: Location, name: StageName) -> Stage | None:
    """Return a stage, or None where it is not complete: no manifest, or a file of it is neither staged nor in its table."""
    text = location.store.get(f"{name.folder}/{_MANIFEST}")
    if text is None:
        return None
    stage = _from_json(name, json.loads(text))
    for table, change in stage.changes.items():
        for staged, part in change.adds:
            sizes = {location.store.size(staged), location.store.size(f"{table}/{part.path}")}
            if part.size_bytes not in sizes:
                return None
    return stage


def drop_stage(location: Location, name: StageName) -> None:
    """Remove a stage; the manifest goes first, so that half a stage is never taken for a whole one."""
    location.store.remove(f"{name.folder}/{_MANIFEST}")
    reach("stage-drop")
    location.store.remove_tree(name.folder)


def _as_json(stage: Stage) -> dict[str, Any]:
    changes = {
        name: {"adds": [[staged, *part] for staged, part in change.adds], "removes": [list(gone) for gone in change.removes]}
        for name, change in stage.changes.items()
    }
    return {BATCH: stage.batch, "transactions": stage.transactions, "changes": changes}


def _from_json(name: StageName, value: dict[str, Any]) -> Stage:
    changes = {
        table: TableChange(
            [StagedPart(staged, AddedFile(*part)) for staged, *part in change["adds"]], [Gone(*gone) for gone in change["removes"]]
        )
        for table, change in value["changes"].items()
    }
    return Stage(name, changes, value["transactions"])
