"""A chunk: the part of a source that one worker reads in one go, described so that another process, or another machine, can find it."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

CHUNK_MESSAGES = 2_000
CHUNK_BYTES = 8 * 1024 * 1024
"""A chunk ends at the first of these: large enough that its costs are its messages', small enough to be held in memory by a worker."""

FILES, OBJECTS, MBOX, TAR = "files", "objects", "mbox", "tar"


class Chunk(NamedTuple):
    """Some files of a folder, objects of a bucket, or a stretch of an mbox or tar."""

    kind: str
    given: str
    """The source as it was named; `folder` in the ledger."""
    place: str
    """Absolute: the folder, the file, or s3://bucket/prefix."""
    name: str = ""
    """What the ledger calls the mbox or tar."""
    names: tuple[str, ...] = ()
    """The files or objects, below `place`; one that is empty is `place` itself."""
    maildir: tuple[int, ...] = ()
    """Which of the names lie in a Maildir."""
    named: bool = False
    """Whether it is one file that was named itself."""
    start: int = 0
    end: int = 0
    """The stretch of the file, in bytes; of what cannot be read from the middle, the bytes travel with the chunk."""
    first: int = 1
    """The number of the first mail of a stretch of an mbox."""
    messages: int = 0
    """How many there are: files, members or mails."""
    size_bytes: int = 0
    digest: str = ""
    """Of names, sizes and times (of the bytes, where those travel): the same for the same chunk of the same archive."""
    content: bytes = b""
    """The stretch itself, where it cannot be read from its place."""


def pack(chunk: Chunk) -> tuple[Any, ...]:
    """Return a chunk as plain values for JSON, without its content."""
    return (*chunk[:-1],)


def unpack(values: list[Any], content: bytes) -> Chunk:
    """Return the chunk that `pack` packed."""
    packed = Chunk._make([*values, content])
    return packed._replace(names=tuple(packed.names), maildir=tuple(packed.maildir))


def portable(name: str) -> str:
    """Return a file name as text of its bytes: a name need not be UTF-8, and JSON has to be."""
    return os.fsencode(name).decode("latin-1")


def native(name: str) -> str:
    """Return the file name that `portable` was given."""
    return os.fsdecode(name.encode("latin-1"))
