"""The spool: where mail and reports lie that were handed to us, from the moment we said so until the lake has them.

A folder of this machine, never in the lake, so that a lake keeps one writer. `tmp/` holds what is being written, `new/` what is promised,
`other/` mail that was piped to us and is no TLS report: it is somebody's, and stays until the operator has looked. A file of `new/` is one
or more records, each a line of fixed width (way, address, microseconds since the epoch, bytes) and the bytes as they came. It is written in
`tmp/`, synced, renamed, and its folder synced: what is in `new/` is whole. Many deposits at a time share one file, and so one sync.

Nothing heavy is imported here: `tlsrpt pipe` ends in milliseconds.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import TryAgainError
from pipeline.failpoint import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from _typeshed import SupportsRead

TMP, NEW, OTHER = "tmp", "new", "other"
PIPE, MAIL, POST = "pipe", "mail", "post"
"""The ways: a mail on standard input, a mail over HTTPS with a token, a report posted by anybody."""
FULL_PERCENT = 80
STALE_SECONDS = 36 * 3600
"""What lies in `tmp/` longer belongs to nobody any more (as in a Maildir)."""

_HEAD = re.compile(rb"(pipe|mail|post) ([0-9a-f.:-]{1,48}) *([0-9]{20}) ([0-9]{20})\n")
_HEAD_BYTES = 96
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{12}")
_PIECE = 1 << 16
_CHECK_EVERY = 64
"""Pieces between two looks at how full the disk is."""


class Deposit(NamedTuple):
    """One mail or report to be spooled."""

    way: str
    peer: str
    """The address it came from; `-` where there is none."""
    content: bytes


class SpoolEntry(NamedTuple):
    """One record of a file in `new/`."""

    file: str
    number: int
    way: str
    peer: str
    received_us: int
    """Microseconds since the epoch."""
    offset: int
    size: int

    @property
    def item(self) -> str:
        """The lasting name of the record."""
        return f"{self.file}#{self.number}"


class Spool:
    """A spool in a folder."""

    def __init__(self, folder: str, *, full_percent: int = FULL_PERCENT) -> None:
        """Name it; nothing is touched before something is written or read."""
        self.folder = folder
        self._full_percent = full_percent

    def make(self) -> None:
        """Make the folders that are missing, for owner and group (2770): who fills it and who reads it may be two users of one group."""
        for path in (self.folder, *(self._in(name) for name in (TMP, NEW, OTHER))):
            if not os.path.isdir(path):
                before = os.umask(0o007)
                try:
                    os.makedirs(path, exist_ok=True)
                finally:
                    os.umask(before)
                with suppress(PermissionError):  # a confined service may not set that bit; it is inherited from the folder above
                    os.chmod(path, 0o2770)  # noqa: S103 -- the group is meant
                _sync(os.path.dirname(path) or ".")

    def try_out(self) -> None:
        """Write a file and remove it.

        Raises:
            OSError: That is not possible.
        """
        path = self._in(TMP, f"try-{secrets.token_hex(6)}")
        with open(path, "wb", opener=_private) as file:
            file.write(b"x")
            os.fsync(file.fileno())
        os.unlink(path)

    def is_full(self) -> bool:
        """Whether the disk is as full as it may be before mail is turned away."""
        disk = os.statvfs(self.folder)
        return (disk.f_blocks - disk.f_bavail) * 100 >= disk.f_blocks * self._full_percent or disk.f_favail == 0 < disk.f_files

    def put(self, records: Sequence[Deposit]) -> str:
        """Write records durably, with one sync for all of them, and return the name of their file.

        Raises:
            OSError: The disk is full, or broken; nothing is left of them.
        """
        now = _now()
        parts = [part for each in records for part in (_head(each.way, each.peer, now, len(each.content)), each.content, b"\n")]
        return self._put(lambda file: file.writelines(parts))

    def put_piped(self, source: SupportsRead[bytes]) -> str:
        """Write one mail from a stream, read to its end piece by piece, and return the name of its file.

        Raises:
            OSError: As `put`.
            TryAgainError: The disk is as full as it may be, or nothing came.
        """
        now = _now()

        def write(file: BinaryIO) -> None:
            file.write(_head(PIPE, "-", now, 0))
            size = pieces = 0
            while piece := source.read(_PIECE):
                if pieces % _CHECK_EVERY == 0 and self.is_full():
                    raise TryAgainError(f"the disk of the spool {self.folder} is {self._full_percent} % full; try again later")
                file.write(piece)
                size += len(piece)
                pieces += 1
            if not size:
                raise TryAgainError("standard input is empty; a mail is expected on it")
            file.write(b"\n")
            file.seek(0)
            file.write(_head(PIPE, "-", now, size))

        return self._put(write)

    def files(self) -> list[str]:
        """Return the names of the files in `new/` that are ours, oldest first; none where there is no spool."""
        try:
            return sorted(name for name in os.listdir(self._in(NEW)) if _NAME.fullmatch(name))
        except FileNotFoundError:
            return []

    def entries(self, file: str) -> list[SpoolEntry] | None:
        """Return the records of a file; None where it is gone, or is none of ours."""
        found: list[SpoolEntry] = []
        try:
            with open(self._in(NEW, file), "rb") as opened:
                total = os.fstat(opened.fileno()).st_size
                at = 0
                while at < total:
                    opened.seek(at)
                    head = _HEAD.fullmatch(opened.read(_HEAD_BYTES))
                    if head is None or at + _HEAD_BYTES + int(head[4]) + 1 > total:
                        return None
                    entry = SpoolEntry(file, len(found), head[1].decode(), head[2].decode(), int(head[3]), at + _HEAD_BYTES, int(head[4]))
                    found.append(entry)
                    at = entry.offset + entry.size + 1
        except FileNotFoundError:
            return None
        return found

    def read(self, entry: SpoolEntry) -> bytes | None:
        """Return the bytes of a record; None where its file is gone."""
        try:
            with open(self._in(NEW, entry.file), "rb") as file:
                file.seek(entry.offset)
                return file.read(entry.size)
        except FileNotFoundError:
            return None

    def set_aside(self, entry: SpoolEntry) -> None:
        """Keep a mail that is none of ours in `other/`; done already is fine."""
        content = self.read(entry)
        if content is None:
            return
        name = f"{entry.item.replace('#', '-')}.eml"
        with open(self._in(TMP, name), "wb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._in(TMP, name), self._in(OTHER, name))
        _sync(self._in(OTHER))

    def remove(self, files: Iterable[str]) -> None:
        """Remove files of `new/` that the lake has; gone already is fine."""
        for file in files:
            with suppress(FileNotFoundError):
                os.unlink(self._in(NEW, file))

    def sweep(self) -> None:
        """Remove what killed writers left in `tmp/`: nobody was told that it is kept."""
        with suppress(FileNotFoundError):
            for entry in list(os.scandir(self._in(TMP))):
                with suppress(FileNotFoundError):
                    if time.time() - entry.stat().st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)

    def others(self) -> Iterator[str]:
        """Yield the paths of what was set aside."""
        with suppress(FileNotFoundError):
            yield from sorted(entry.path for entry in os.scandir(self._in(OTHER)) if entry.is_file(follow_symlinks=False))

    def _put(self, write: Callable[[BinaryIO], None]) -> str:
        self.make()
        name = f"{_now():020d}-{secrets.token_hex(6)}"
        part = self._in(TMP, name)
        try:
            with open(part, "wb", opener=_private) as file:
                write(file)
                reach("spool-written")
                file.flush()
                os.fsync(file.fileno())
            reach("spool-synced")
            os.rename(part, self._in(NEW, name))
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise
        reach("spool-renamed")
        _sync(self._in(NEW))
        reach("spool-safe")
        return name

    def _in(self, *names: str) -> str:
        return os.path.join(self.folder, *names)


def _head(way: str, peer: str, now: int, size: int) -> bytes:
    return f"{way} {peer:<48} {now:020d} {size:020d}\n".encode("ascii")


def _now() -> int:
    return time.time_ns() // 1000


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o660)
    os.fchmod(descriptor, 0o660)
    return descriptor


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
