"""A tar cut into stretches of whole members: a plain one by hopping from header to header, a compressed one while it is unpacked.

Only as much of the format is read here as it takes to find the next header (POSIX.1-2017 `pax`, "ustar Interchange Format"); the members
are read by `tarfile` where the stretch is. Headers that speak of the member after them (pax, GNU long names) stay in its stretch.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from pipeline.ingest.backfill.byte_windows import ForwardStream
from pipeline.ingest.backfill.chunk import CHUNK_BYTES, CHUNK_MESSAGES, TAR, Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import IOBase
    from pathlib import Path

BLOCK = 512
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_TYPE = 156
_OF_THE_NEXT = b"xgLK"
"""Types of headers that speak of the member after them."""
_COMPRESSED = {".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd", ".tzst": "zstd", ".tar.bz2": "bz2"}
_PASSED_ON_BYTES = 64 * 1024 * 1024
"""Of a larger member in a stream only its beginning travels; it is far above any limit on messages, and is told as too large."""


class TarStretch(NamedTuple):
    """Whole members, one after the other."""

    start: int
    end: int
    members: int


class DamagedTarError(Exception):
    """There is no header where there should be one."""


def is_tar(name: str) -> bool:
    """Say whether a file is a tar, plain or compressed, by its name."""
    return name.lower().endswith((".tar", *_COMPRESSED))


def compression_of(name: str) -> str | None:
    """Return how a tar of this name is compressed: gzip, zstd, bz2; None: it is not."""
    return next((kind for suffix, kind in _COMPRESSED.items() if name.lower().endswith(suffix)), None)


def cut_tar(path: Path, like: Chunk) -> Iterator[Chunk]:
    """Yield the stretches of a tar; `like.digest` names the state of the file.

    Raises:
        DamagedTarError: It is not a tar, or ends too early.
        OSError: It cannot be read.
    """
    kind = compression_of(path.name)
    with path.open("rb") as file:
        yield from _plain(file, like) if kind is None else unpacked(file, kind, like)


def unpacked(file: BinaryIO, kind: str | None, like: Chunk) -> Iterator[Chunk]:
    """Yield the stretches of a stream, with their bytes; what came before a damage is yielded first.

    Args:
        file: The stream, at its beginning.
        kind: How it is compressed: gzip, zstd or bz2; None: it is not.
        like: Where it comes from.

    Raises:
        DamagedTarError: It is not a tar, or ends too early.
        OSError: It cannot be read or unpacked.
    """
    held = bytearray()
    members = 0
    try:
        for member, last in _members(_unpacking(file, kind)):
            held += member
            members += last is not None
            if last or (last is not None and (members >= CHUNK_MESSAGES or len(held) >= CHUNK_BYTES)):
                yield _carrying(bytes(held), members, like)
                held, members = bytearray(), 0
    except (DamagedTarError, OSError):
        if members:
            yield _carrying(bytes(held), members, like)
        raise
    if members:
        yield _carrying(bytes(held), members, like)


def _members(stream: BinaryIO) -> Iterator[tuple[bytes, bool | None]]:
    """Yield header and content of each member, and whether it was cut short; None where the header speaks of the next one."""
    for header, size in _headers(stream):
        content = stream.read(min(_padded(size), _PASSED_ON_BYTES))
        _skip(stream, _padded(size) - len(content) if len(content) == _PASSED_ON_BYTES else 0)
        if len(content) < min(size, _PASSED_ON_BYTES):
            raise DamagedTarError("it ends in the middle of a member")
        yield header + content, None if header[_TYPE : _TYPE + 1] in _OF_THE_NEXT else size > _PASSED_ON_BYTES


def _unpacking(file: BinaryIO, kind: str | None) -> BinaryIO:
    import pyarrow as pa

    return file if kind is None else ForwardStream.of(pa.CompressedInputStream(cast("IOBase", file), cast("Any", kind)))


def _carrying(content: bytes, members: int, like: Chunk) -> Chunk:
    digest = hashlib.sha256(b"tar " + like.digest.encode() + content).hexdigest()[:32]
    return like._replace(kind=TAR, end=len(content), messages=members, size_bytes=len(content), digest=digest, content=content)


def _plain(file: BinaryIO, like: Chunk) -> Iterator[Chunk]:
    for start, end, members in _stretches(file):
        digest = hashlib.sha256(f"tar {like.digest} {start} {end}".encode()).hexdigest()[:32]
        yield like._replace(kind=TAR, start=start, end=end, messages=members, size_bytes=end - start, digest=digest)


def _stretches(file: BinaryIO) -> Iterator[TarStretch]:
    start, members, end = 0, 0, 0
    try:
        for after in _ends(file):
            members, end = members + 1, after
            if members >= CHUNK_MESSAGES or end - start >= CHUNK_BYTES:
                yield TarStretch(start, end, members)
                start, members = end, 0
    except DamagedTarError:
        if members:
            yield TarStretch(start, end, members)
        raise
    if members:
        yield TarStretch(start, end, members)


def _ends(file: BinaryIO) -> Iterator[int]:
    """Yield where each member ends."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    for header, length in _headers(file):
        after = file.seek(_padded(length), io.SEEK_CUR)
        if after > size:
            raise DamagedTarError("it ends in the middle of a member")
        if header[_TYPE : _TYPE + 1] not in _OF_THE_NEXT:
            yield after


def _headers(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield each header and the size of what follows it; whoever asks for the next one has read, or passed over, what follows.

    Raises:
        DamagedTarError: There is none where there should be one.
    """
    while header := stream.read(BLOCK):
        if header.count(0) == BLOCK:
            return
        if len(header) < BLOCK or not _sums_up(header):
            raise DamagedTarError("a header is missing")
        yield header, _number(header[_SIZE])


def _sums_up(header: bytes) -> bool:
    try:
        return int(header[_CHECKSUM].strip(b" \0") or b"-1", 8) == sum(header) - sum(header[_CHECKSUM]) + 8 * 0x20
    except ValueError:
        return False


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & ((1 << 88) - 1)
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError as err:
        raise DamagedTarError("a size is not a number") from err


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0 and (piece := stream.read(min(count, 1 << 20))):
        count -= len(piece)
