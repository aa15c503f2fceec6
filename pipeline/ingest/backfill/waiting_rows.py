"""Where the rows of a chunk wait until the driver has weighed them: Arrow files, one a table, in the stage of the batch.

They are notes of this run and are never read by another: nothing syncs them, and recovery removes them with the stage. On the disk of one
machine they are files that workers map into memory; in a bucket they are objects.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from pipeline.lake.storage.locate import locate

if TYPE_CHECKING:
    from collections.abc import Mapping


class WaitingRows:
    """A folder, or a folder of a lake in a bucket."""

    def __init__(self, lake: str, folder: str) -> None:
        """Take the lake, and a folder: absolute, or below the lake."""
        self._local = Path(folder) if folder.startswith("/") else None
        self._location = locate(lake)
        self._folder = folder

    def write(self, tables: Mapping[str, pa.Table]) -> str:
        """Write tables under a new name, and return it."""
        token = secrets.token_hex(8)
        for name, rows in tables.items():
            if self._local is not None:
                self._local.mkdir(parents=True, exist_ok=True)
                with pa.OSFile(str(self._local / f"{token}-{name}.arrow"), "wb") as file:
                    _put(file, rows, None)
            else:
                sink = pa.BufferOutputStream()
                _put(sink, rows, "lz4")
                with self._location.errors("write"):
                    self._location.store.put(f"{self._folder}/{token}-{name}.arrow", memoryview(sink.getvalue()))
        return token

    def read(self, token: str, name: str) -> pa.Table:
        """Return a table.

        Raises:
            LakeError: It is not there any more.
        """
        with self._location.errors("read"):
            return pa.ipc.open_file(self._open(f"{token}-{name}.arrow")).read_all()

    def _open(self, name: str) -> pa.MemoryMappedFile | pa.BufferReader:
        if self._local is not None:
            return pa.memory_map(str(self._local / name), "r")
        content = self._location.store.get(f"{self._folder}/{name}")
        if content is None:
            raise FileNotFoundError(f"{self._folder}/{name} is gone")
        return pa.BufferReader(content)


def _put(sink: pa.NativeFile, rows: pa.Table, compression: Literal["lz4"] | None) -> None:
    with pa.ipc.new_file(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(rows)
