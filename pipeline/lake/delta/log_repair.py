"""After a power cut: log entries that were named but not written through.

`deltalake` does not fsync its log; the lake does so after each commit. Between the two a power cut may leave the newest entry, or a
checkpoint, empty or torn, and then the table cannot be opened. Such an entry was never confirmed: its batch is still staged, or was a
compaction whose old files are all there. So it is removed, and the batch committed again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.lake.storage.location import Location

_LAST_CHECKPOINT = "_last_checkpoint"
_PARQUET_END = b"PAR1"


def repair_log(location: Location, name: str) -> list[str]:
    """Remove torn entries at the end of a table's log; the caller holds the lock.

    Returns:
        The paths removed.
    """
    folder = f"{name}/_delta_log"
    torn = [f"{folder}/{file}" for file in _torn(location, folder)]
    for path in torn:
        location.store.remove(path)
    return torn


def _torn(location: Location, folder: str) -> list[str]:
    names = location.store.names(folder)
    found = []
    checkpoints = [name for name in names if ".checkpoint" in name and name.endswith(".parquet")]
    if checkpoints and not _ends_well(location.store.get(f"{folder}/{checkpoints[-1]}")):
        found.append(checkpoints[-1])
    if _LAST_CHECKPOINT in names and (found or not _is_json(location.store.get(f"{folder}/{_LAST_CHECKPOINT}"))):
        # Without it a reader finds the newest checkpoint in the folder by itself.
        found.append(_LAST_CHECKPOINT)
    entries = [name for name in names if name.endswith(".json") and name.split(".")[0].isdigit()]
    if entries and not _is_json(location.store.get(f"{folder}/{entries[-1]}")):
        found.append(entries[-1])
    return found


def _ends_well(content: bytes | None) -> bool:
    return content is not None and len(content) > 8 and content.startswith(_PARQUET_END) and content.endswith(_PARQUET_END)


def _is_json(content: bytes | None) -> bool:
    """Whether every line is a JSON value, and there is one."""
    lines = (content or b"").splitlines()
    try:
        for line in lines:
            json.loads(line)
    except ValueError:
        return False
    return bool(lines)
