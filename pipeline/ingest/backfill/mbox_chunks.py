"""A large mbox (RFC 4155) cut into stretches of whole mails, so that many workers can read it; the numbers of the mails stay."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pipeline.ingest.backfill.chunk import CHUNK_BYTES, CHUNK_MESSAGES, MBOX, Chunk
from pipeline.mailbox.sniff import HEAD_BYTES, FileKind, kind_by_content, kind_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 4 * 1024 * 1024
_FROM = b"\nFrom "
_FROM_LINE = re.compile(rb"From (?>[^\n]*?\d:\d\d)[^\n]*\d{4}")
"""As `pipeline.mailbox.mbox` knows it."""
_LINE_BYTES = 1024
"""A From_ line is shorter."""


class MboxStretch(NamedTuple):
    """Whole mails, one after the other."""

    start: int
    end: int
    first: int
    """The number of the first, from 1."""
    mails: int


def is_mbox(path: Path, name: str) -> bool:
    """Say whether a file is an mbox, by name and content."""
    if kind_by_name(name) not in (None, FileKind.MBOX, FileKind.MAIL):
        return False
    try:
        with path.open("rb") as file:
            return kind_by_content(file.read(HEAD_BYTES)) is FileKind.MBOX
    except OSError:
        return False  # it is said where it is read


def cut_mbox(path: Path, like: Chunk) -> Iterator[Chunk]:
    """Yield the stretches of an mbox; `like.digest` names its state."""
    with path.open("rb") as file:
        for stretch in stretches(file):
            digest = hashlib.sha256(f"mbox {like.digest} {stretch.start} {stretch.end}".encode()).hexdigest()[:32]
            yield _chunk(like, stretch, digest)._replace(start=stretch.start, end=stretch.end)


def unstored(file: BinaryIO, like: Chunk) -> Iterator[Chunk]:
    """Yield the stretches of an mbox that can be read once only, with their bytes."""
    tee = _Kept(file)
    for stretch in stretches(tee):
        content = tee.take(stretch.end)
        digest = hashlib.sha256(b"mbox " + like.digest.encode() + content).hexdigest()[:32]
        yield _chunk(like, stretch, digest)._replace(end=len(content), content=content)


def _chunk(like: Chunk, stretch: MboxStretch, digest: str) -> Chunk:
    size = stretch.end - stretch.start
    return like._replace(kind=MBOX, first=stretch.first, messages=stretch.mails, size_bytes=size, digest=digest)


class _Kept:
    """Keeps what was read until it is taken."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._held, self._taken = file, bytearray(), 0

    def read(self, count: int, /) -> bytes:
        """Read on."""
        piece = bytes(self._file.read(count))
        self._held += piece
        return piece

    def take(self, end: int) -> bytes:
        """Return what was read up to a place and not taken yet."""
        count = end - self._taken
        piece = bytes(self._held[:count])
        del self._held[:count]
        self._taken = end
        return piece


def stretches(file: BinaryIO | _Kept) -> Iterator[MboxStretch]:
    """Yield stretches of about a chunk each; the file is read once, block by block."""
    start, first, number, end = 0, 1, 1, 0
    for begin, size in _beginnings(file):
        if begin is None:
            end = size
        elif number + 1 - first >= CHUNK_MESSAGES or begin - start >= CHUNK_BYTES:
            yield MboxStretch(start, begin, first, number + 1 - first)
            number += 1
            start, first = begin, number
        else:
            number += 1
    if end > start:
        yield MboxStretch(start, end, first, number + 1 - first)


def _beginnings(file: BinaryIO | _Kept) -> Iterator[tuple[int | None, int]]:
    """Yield where each mail but the first begins, then None and the size of the file."""
    buffer, offset, looked_at = b"", 0, 0
    while block := file.read(_BLOCK):
        buffer += block
        # What the end of the block may cut off is looked at with the next one.
        safe = max(len(buffer) - _LINE_BYTES, 0)
        yield from ((offset + place, 0) for place in _places(buffer, looked_at - offset, safe))
        looked_at = max(looked_at, offset + safe)
        kept = max(safe - 2, 0)  # the two bytes before a line say whether that before it was empty
        buffer, offset = buffer[kept:], offset + kept
    yield from ((offset + place, 0) for place in _places(buffer, looked_at - offset, len(buffer)))
    yield None, offset + len(buffer)


def _places(buffer: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where From_ lines after an empty line begin, whose line break before them is in [start, end)."""
    place = buffer.find(_FROM, start)
    while 0 <= place < end:
        empty_before = buffer[max(place - 2, 0) : place].endswith(b"\n") or buffer[max(place - 2, 0) : place] == b"\n\r"
        if empty_before and _FROM_LINE.match(buffer, place + 1):
            yield place + 1
        place = buffer.find(_FROM, place + 1)
