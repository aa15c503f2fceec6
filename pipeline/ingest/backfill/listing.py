"""Folders and files cut into chunks: by their names alone, for opening a million files takes longer than reading a folder.

Where a chunk ends is decided by the names themselves (a checksum of a name), not by counting from the beginning: a file that is added
to an archive changes one chunk, not all after it, and so a second run knows the others again.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline import log
from pipeline.ingest.backfill.chunk import CHUNK_BYTES, CHUNK_MESSAGES, FILES, Chunk, portable
from pipeline.ingest.backfill.mbox_chunks import cut_mbox, is_mbox
from pipeline.ingest.backfill.tar_chunks import DamagedTarError, cut_tar, is_tar
from pipeline.mailbox.mail_files import FoundFile, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.mailbox.mail_files import FileImport

LARGE_BYTES = 2 * CHUNK_BYTES
"""An mbox above this is read in stretches."""


class Listed(NamedTuple):
    """One file or object, by name."""

    name: str
    size_bytes: int
    stamp: str
    """Changes when the file does."""
    in_maildir: bool = False


class Cutter:
    """Gathers files of one source until they make a chunk."""

    def __init__(self, like: Chunk) -> None:
        """Take a chunk without files: kind, source and place of those to come."""
        self._like = like
        self._files: list[Listed] = []
        self._bytes = 0

    def add(self, file: Listed) -> Iterator[Chunk]:
        """Take a file; yield the chunk that ends with it, where one does."""
        self._files.append(file)
        self._bytes += file.size_bytes
        count = len(self._files)
        ends_here = count >= CHUNK_MESSAGES // 2 and zlib.crc32(os.fsencode(file.name)) % (CHUNK_MESSAGES // 2) == 0
        if ends_here or count >= 2 * CHUNK_MESSAGES or self._bytes >= CHUNK_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[Chunk]:
        """Yield what is left, as a chunk."""
        files, size, self._files, self._bytes = self._files, self._bytes, [], 0
        if not files:
            return
        names = tuple(portable(file.name) for file in files)
        lines = "\n".join(f"{name} {file.size_bytes} {file.stamp}" for name, file in zip(names, files, strict=True))
        digest = hashlib.sha256(f"{self._like.kind} {self._like.place}\n{lines}".encode()).hexdigest()[:32]
        maildir = tuple(place for place, file in enumerate(files) if file.in_maildir)
        yield self._like._replace(names=names, maildir=maildir, messages=len(files), size_bytes=size, digest=digest)


def list_path(path: str, walker: FileImport) -> Iterator[Chunk]:
    """Yield the chunks of a file or folder.

    Args:
        path: As named on the command line.
        walker: Finds the files, and counts what it passes over.

    Raises:
        InputError: It cannot be read.
    """
    named = not Path(path).is_dir()
    cutter = Cutter(Chunk(FILES, portable(path), portable(os.path.abspath(path)), named=named))  # noqa: PTH100 -- links stay what they are
    for found in walker.find(path):
        name = "" if found.named else found.name
        try:
            status = os.stat(found.path)  # noqa: PTH116 -- there may be millions
        except OSError:
            yield from cutter.add(Listed(name, 0, "gone", found.in_maildir))  # it is said where it is read
            continue
        stretches = None if found.in_maildir else _stretches(found, status)
        if stretches is not None:
            yield from cutter.rest()
            yield from as_far_as_it_goes(stretches, printable(found.path), walker)
        else:
            yield from cutter.add(Listed(name, status.st_size, str(status.st_mtime_ns), found.in_maildir))
    yield from cutter.rest()


def as_far_as_it_goes(chunks: Iterator[Chunk], path: str, walker: FileImport) -> Iterator[Chunk]:
    """Yield the chunks of a container; a damaged one is counted and said, and the import goes on with the next file.

    Args:
        chunks: Of the container.
        path: What it is called, for the log.
        walker: Counts what cannot be read.
    """
    try:
        yield from chunks
    except (OSError, DamagedTarError) as err:
        walker.unreadable += 1
        log.warning("archive-damaged", path=path, reason=str(err), kept="what came before")


def _stretches(found: FoundFile, status: os.stat_result) -> Iterator[Chunk] | None:
    """Return the chunks of a tar or a large mbox; None for any other file."""
    tar = is_tar(found.name)
    if not tar and status.st_size <= LARGE_BYTES:
        return None
    path = Path(found.path)
    if not tar and not is_mbox(path, found.name):
        return None
    stamp = f"{found.path} {status.st_size} {status.st_mtime_ns}"
    place = portable(os.path.abspath(path))  # noqa: PTH100 -- links stay what they are
    like = Chunk("", portable(found.folder), place, printable(found.name), digest=stamp)
    return cut_tar(path, like) if tar else cut_mbox(path, like)
