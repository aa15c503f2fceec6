"""The bytes of messages as received, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pipeline.lake.known import Files


def raw_bytes(files: Files, sha256: str) -> bytes | None:
    """Return the bytes of a message, or None where they are not kept.

    Only the column of hashes is read of each file, and of the one file that has it one small row group.
    """
    for path in files.of():
        with pq.ParquetFile(files.location.filesystem.open_input_file(files.location.path_of(f"raw/{path}"))) as file:
            hashes = file.read(["message_sha256"]).column(0)
            place = pc.index(hashes, sha256).as_py()
            if place >= 0:
                return _content_at(file, place)
    return None


def _content_at(file: pq.ParquetFile, place: int) -> bytes:
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if place < rows:
            content: bytes = file.read_row_group(group, ["content"]).column(0)[place].as_py()
            return content
        place -= rows
    raise AssertionError(place)
