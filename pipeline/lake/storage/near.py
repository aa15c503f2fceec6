"""Refuses a lake that is not there, and names the one that was probably meant: a mistyped path must not read "no incidents"."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError, TlsrptError
from pipeline.lake.storage.locate import S3, locate
from pipeline.lake.storage.location import Location
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH = 3
"""Levels of folders below the one that exists in which a lake is looked for."""
_LOOKED_AT = 2_000
"""Folders looked at, at most: this is about a typing mistake, not a search of the disk."""


def refuse_missing(location: Location, *, also: str | None = None) -> None:
    """Refuse a lake that is not there.

    Args:
        location: Where it should be.
        also: Another place that may have been meant, such as the configured one; None: none.

    Raises:
        InputError: There is nothing, or something else than a lake; the sentence names the nearest lake.
        LakeError: That cannot be seen.
    """
    if location.exists():
        if location.far or _may_be_lake(Path(location.uri)):
            return
        said = f"the folder {location.uri} is not a lake: it holds other files and no messages table"
    else:
        said = f"there is no lake at {location.uri}"
    meant = nearest(location, also=also)
    raise InputError(
        f"{said}; {f'the nearest lake is {meant}' if meant else 'no lake was found nearby'}; `tlsrpt ingest` creates a new one"
    )


def nearest(location: Location, *, also: str | None = None) -> str | None:
    """Return the lake that exists and whose address is most like this one; None where none is nearby."""
    try:
        found = [*(_in_bucket(location) if location.uri.startswith(S3) else _in_folders(Path(location.uri)))]
        if also is not None and locate(also).exists():
            found.append(locate(also).uri)
    except (OSError, TlsrptError):
        return None
    others = sorted({uri for uri in found if uri != location.uri})
    return max(others, key=lambda uri: SequenceMatcher(None, uri, location.uri).ratio(), default=None)


def _may_be_lake(folder: Path) -> bool:
    """Say whether a folder is a lake, or empty as one is before its first commit."""
    if (folder / "messages" / "_delta_log").is_dir():
        return True
    # What the program or an administrator puts into an empty one: locks, state, a marker of the file system.
    return all(entry.name.startswith(("_", ".")) or entry.name in (*TABLES, "lost+found") for entry in folder.iterdir())


def _in_folders(wanted: Path) -> Iterator[str]:
    here = wanted if wanted.is_dir() else wanted.parent
    while not here.is_dir() or here.name == "messages":
        here = here.parent
    left = _LOOKED_AT
    level = [here]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            left -= 1
            if left < 0:
                return
            if (folder / "messages" / "_delta_log").is_dir():
                yield str(folder)
                continue
            try:
                below += sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
            except OSError:
                continue
        level = below


def _in_bucket(location: Location) -> Iterator[str]:
    """Yield the lakes that lie beside this one: below the same prefix, or at the top of the bucket."""
    from pipeline.lake.storage.objects import ObjectStore

    bucket, _, prefix = location.uri.removeprefix(S3).partition("/")
    parent = prefix.rpartition("/")[0]
    store = ObjectStore(bucket, parent)
    with location.errors("read"):
        for name in store.names("")[:_LOOKED_AT]:
            if store.names(f"{name}/messages/_delta_log"):
                yield f"{S3}{bucket}/{parent}{'/' if parent else ''}{name}"
