"""What is remembered of each mailbox folder between runs, in the lake: since when `after` is set as it is, and until when to stay away.

Kept as one small JSON file beside the tables and written under the writer lock.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.lake.location import Location

_PATH = "_state/folders.json"


class FolderMemory(NamedTuple):
    """One folder of one mailbox."""

    after: str = ""
    """The setting as it was at the last run."""
    since: datetime | None = None
    """Messages ingested from then on are treated by it; older ones were promised something else."""
    not_before: datetime | None = None
    """The server asked to be left alone until then."""


def load(location: Location) -> dict[str, FolderMemory]:
    """Return what is remembered, by `account/folder`; nothing where the lake is new."""
    content = location.store.get(_PATH)
    if content is None:
        return {}
    return {
        key: FolderMemory(each["after"], _moment(each["since"]), _moment(each["not_before"])) for key, each in json.loads(content).items()
    }


def save(location: Location, memories: dict[str, FolderMemory]) -> None:
    """Remember."""
    told = {key: {"after": each.after, "since": _text(each.since), "not_before": _text(each.not_before)} for key, each in memories.items()}
    location.store.put(_PATH, json.dumps(told, indent=1, sort_keys=True).encode())


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
