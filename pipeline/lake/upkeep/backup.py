"""A lake as one file, and back: everything a restored lake needs, taken while nobody writes.

What a run keeps for itself (`_state`, `_staging`, locks) stays out: it may be older or newer than the lake it would be restored into.
The notes beside the tables (what was told, mutes) belong to the lake and go along.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import InputError, LakeError, NotAReportError
from pipeline.failpoint import reach
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location

if TYPE_CHECKING:
    from pipeline.lake.storage.store import StoredFile

_LEFT_OUT = frozenset({"_state", "_staging"})
_LAST = "messages/_delta_log/"
"""The log of the ledger is restored last: before it is there, nothing of the lake is visible."""
_MOST_BYTES = 1 << 31
"""A file of a lake is never so large; one in an archive that is would take all memory."""
_MOST_OF_A_HEADER = 1 << 20


class Copied(NamedTuple):
    """What was copied."""

    files: int
    size_bytes: int


def back_up(location: Location, target: Path) -> Copied:
    """Write the lake into one compressed tar, whole or not at all; writers wait meanwhile, readers do not notice.

    Args:
        location: Where the lake lies.
        target: The file to write.

    Raises:
        TryAgainError: Another run is writing to the lake.
        LakeError: The lake cannot be read.
        InputError: The file is there already, or cannot be written.
    """
    if target.exists():
        raise InputError(f"{target} already exists; choose another file name")
    part = target.with_name(f"{target.name}.part")
    try:
        with location.writer_lock(), location.errors("read"), _opened(part) as archive:
            files = [file for file in location.store.walk("") if _belongs(file.path)]
            for file in files:
                _add(archive, location, file)
            reach("backup-written")
        part.chmod(0o640)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Copied(len(files), sum(file.size_bytes for file in files))


def restore(location: Location, source: Path) -> Copied:
    """Make a lake of what `back_up` wrote, at a place where nothing is.

    Raises:
        InputError: The file is missing or cannot be read.
        NotAReportError: It is not such a file.
        LakeError: There is something at the place already, or it cannot be written.
    """
    if not source.is_file():
        raise InputError(f"{source} is {'no file' if source.exists() else 'not there'}; nothing was restored")
    if location.exists() and location.store.walk(""):
        raise LakeError(f"there is a lake at {location.uri}; restore into an empty place")
    if location.far:
        return _fill(location, source)
    waiting = Path(f"{location.uri}.restoring")
    shutil.rmtree(waiting, ignore_errors=True)  # of a restore that was killed
    try:
        copied = _fill(locate(waiting), source)
        reach("restore-before-rename")
        with location.errors("write"):
            waiting.replace(location.uri)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return copied


def _fill(location: Location, source: Path) -> Copied:
    """Write what the archive holds to a place where nothing is, the log of the ledger last."""
    count = size = 0
    held: list[tuple[str, bytes]] = []
    try:
        with _Packed(source) as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
            location.create()
            for member in archive:
                path = _safe(member, source)
                content = archive.extractfile(member)
                data = content.read() if content is not None else b""
                count, size = count + 1, size + len(data)
                if path.startswith(_LAST):
                    held.append((path, data))
                else:
                    _put(location, path, data)
            # A damaged header looks like the end of the archive; only the checksum behind the last byte tells that all was read.
            while packed.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as err:
        raise NotAReportError(f"{source} is not a complete backup of a lake ({type(err).__name__}); nothing was restored") from err
    for path, data in sorted(held):
        _put(location, path, data)
    return Copied(count, size)


class _Packed(gzip.GzipFile):
    """The archive unpacked as it is read; what is read in one piece, as the headers of tar are, is bounded."""

    def read(self, size: int | None = -1) -> bytes:
        """Read so many bytes."""
        if size is None or not 0 <= size <= _MOST_OF_A_HEADER:
            raise tarfile.ReadError("a header is too long")
        return super().read(size)


def _put(location: Location, path: str, data: bytes) -> None:
    with location.errors("write"):
        location.store.put(path, data)


def _opened(part: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(part, "w:gz", compresslevel=1)
    except OSError as err:
        raise InputError(f"{part.parent} cannot be written to: {err.strerror}") from err


def _belongs(path: str) -> bool:
    """Say whether a file is part of the lake itself: locks and leases at its top are not, nor is what a run keeps for itself."""
    parts = PurePosixPath(path).parts
    return (
        len(parts) > 1 and parts[0] not in _LEFT_OUT and not parts[-1].startswith(("_lock", "_lease")) and not parts[-1].endswith(".part")
    )


def _add(archive: tarfile.TarFile, location: Location, file: StoredFile) -> None:
    member = tarfile.TarInfo(file.path)
    member.mtime = int(file.modified_at)
    member.mode = 0o640
    content = location.store.get(file.path)
    if content is None:
        raise LakeError(f"{location.uri_of(file.path)} vanished while it was copied; run it again")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _safe(member: tarfile.TarInfo, source: Path) -> str:
    """Return where a member goes; anything but a plain file below the lake is refused."""
    path = PurePosixPath(member.name)
    if not member.isfile() or path.is_absolute() or ".." in path.parts or not _belongs(member.name):
        raise NotAReportError(f"{source} is not a backup of a lake: it holds {member.name[:120]!r}")
    if member.size > _MOST_BYTES:
        raise NotAReportError(f"{source} is not a backup of a lake: {member.name[:120]!r} in it has {member.size / 1e9:,.0f} GB")
    return str(path)
