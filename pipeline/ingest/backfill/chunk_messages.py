"""What a chunk holds, read by the worker from where it lies: the same mails and files that `tlsrpt ingest PATH` reads there."""

from __future__ import annotations

import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pipeline import log
from pipeline.errors import InputError
from pipeline.ingest.backfill.byte_windows import FileWindow
from pipeline.ingest.backfill.chunk import FILES, MBOX, OBJECTS, Chunk, native
from pipeline.mailbox.mail_files import ACCOUNT, FileImport, FoundFile, printable
from pipeline.mailbox.mbox import read_mbox
from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.report.limits import Limits

_AT_ONCE = 16
"""Objects that are asked for at the same time: a request takes the storage some tens of milliseconds, and us none."""


class Fetch:
    """An iterator over what a chunk holds, that counts what it passed over."""

    def __init__(self, chunk: Chunk, *, received_at: datetime, limits: Limits) -> None:
        self._chunk = chunk
        self._received_at = received_at
        self._limits = limits
        self._reader = FileImport([], received_at=received_at, limits=limits, stdin=None)

    @property
    def skipped(self) -> int:
        """Files that are neither mail nor report."""
        return self._reader.skipped

    @property
    def unreadable(self) -> int:
        """Files that could not be opened."""
        return self._reader.unreadable

    def __iter__(self) -> Iterator[Fetched]:
        """Yield what the chunk holds, in order.

        Raises:
            InputError: The source itself cannot be read any more.
        """
        if self._chunk.kind == FILES:
            return self._files()
        if self._chunk.kind == OBJECTS:
            return self._objects()
        return self._stretch()

    def _files(self) -> Iterator[Fetched]:
        chunk = self._chunk
        place, given, maildir = native(chunk.place), native(chunk.given), frozenset(chunk.maildir)
        folder = os.path.join(place, "")  # noqa: PTH118 -- there may be millions of files
        for number, name in enumerate(chunk.names):
            below = native(name)
            found = FoundFile(folder + below if below else place, given, below or Path(place).name, chunk.named, number in maildir)
            yield from self._reader.read_found(found)

    def _objects(self) -> Iterator[Fetched]:
        import obstore

        from pipeline.ingest.backfill.bucket_objects import key_of
        from pipeline.ingest.bucket_access import bucket_errors, open_bucket

        chunk = self._chunk
        with bucket_errors(chunk.place):
            bucket, prefix = open_bucket(chunk.place)

            most = max(self._limits.message_bytes, self._limits.json_bytes) + 1

            def get(name: str) -> tuple[bytes | None, int]:
                try:
                    found = obstore.get(bucket, key_of(prefix, name))
                    size = found.meta["size"]
                    large = size > most
                    return bytes(obstore.get_range(bucket, key_of(prefix, name), start=0, length=most) if large else found.bytes()), size
                except FileNotFoundError:
                    return None, 0

            with ThreadPoolExecutor(_AT_ONCE) as asking:
                for start in range(0, len(chunk.names), _AT_ONCE * 4):
                    names = [native(name) for name in chunk.names[start : start + _AT_ONCE * 4]]
                    for name, (content, size) in zip(names, asking.map(get, names), strict=True):
                        for fetched in self._object(name, content):
                            yield fetched if fetched.content is not None else fetched._replace(size_bytes=size)

    def _object(self, name: str, content: bytes | None) -> Iterator[Fetched]:
        place = PurePosixPath(self._chunk.place)
        if content is None:
            self._reader.unreadable += 1
            log.warning("file-unreadable", path=f"{place}/{name}", reason="it is gone")
            return
        found = FoundFile(name or place.name, self._chunk.given, name or place.name, named=not name)
        yield from self._reader.read_stream(io.BytesIO(content), found)

    def _stretch(self) -> Iterator[Fetched]:
        """Read a stretch of an mbox or tar, from its place or from the bytes that came along."""
        chunk = self._chunk
        read = self._mails if chunk.kind == MBOX else self._members
        path = Path(native(chunk.place))
        try:
            if chunk.content:
                yield from read(io.BytesIO(chunk.content))
                return
            with path.open("rb") as file:
                yield from read(FileWindow.of(file, chunk.start, chunk.end))
        except tarfile.TarError as err:
            self._reader.unreadable += 1
            log.warning("archive-damaged", path=printable(path), reason=str(err), kept="what came before")
        except OSError as err:
            raise InputError(f"{printable(path)} cannot be read: {(err.strerror or str(err)).lower()}") from err

    def _mails(self, file: BinaryIO) -> Iterator[Fetched]:
        chunk = self._chunk
        given = printable(native(chunk.given))
        for mail in read_mbox(file, limit=self._limits.message_bytes):
            ref = MessageRef(ACCOUNT, given, item=f"{chunk.name}#{chunk.first + mail.number - 1}")
            yield Fetched(ref, mail.content, self._received_at, mail.size_bytes)

    def _members(self, file: BinaryIO) -> Iterator[Fetched]:
        given = native(self._chunk.given)
        with tarfile.open(fileobj=file, mode="r:", errorlevel=2) as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it keeps all it has seen, for getmembers()
                path = PurePosixPath(member.name)
                if not member.isreg() or any(part.startswith(".") and part != "." for part in path.parts):
                    self._reader.skipped += not member.isdir()
                    continue
                content = tar.extractfile(member)
                in_maildir = path.parent.name in ("cur", "new")
                if content is not None:
                    found = FoundFile(member.name, given, f"{self._chunk.name}/{path}", named=False, in_maildir=in_maildir)
                    yield from self._reader.read_stream(content, found)
