"""Mail and reports out of files: .eml, .json, .gz, .zip, mbox, Maildir, folders of them, standard input.

Everything is read lazily, one file at a time, in the order of the names, so that two runs see the same order and a folder of a
million files needs no memory but for its names. In a folder, a file whose name says nothing is told by its first bytes; what is
neither mail nor report is counted as skipped. A file that was named on the command line is always handed on: whoever names a
photo is told that it is not a report.

Hidden files and folders are skipped (a Maildir keeps its subfolders under such names: name them). A folder that holds `cur` and
`new` is a Maildir: every file in these two is a mail, `new` first, because mail moves from there to `cur` while we read.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, Self

from pipeline import log
from pipeline.errors import InputError
from pipeline.mailbox.mbox import read_mbox
from pipeline.mailbox.sniff import HEAD_BYTES, FileKind, Rejoined, begins_as_mbox, kind_by_content, kind_by_name
from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pipeline.report.limits import Limits

ACCOUNT = "file"
STDIN = "-"


class FoundFile(NamedTuple):
    """A file to read, and how it is called in the ledger."""

    path: str
    folder: str
    """The path as given on the command line."""
    name: str
    """The file below it; for a named file its own name."""
    named: bool
    """Whether it was named itself, rather than found in a folder."""
    in_maildir: bool = False


def read_paths(paths: Sequence[str | Path], *, received_at: datetime, limits: Limits, stdin: BinaryIO | None = None) -> FileImport:
    """Return the mails and reports under `paths`, read as they are asked for.

    Args:
        paths: Files, folders, or `-` for standard input.
        received_at: The time of ingestion; becomes `Fetched.received_at`.
        limits: A larger file or mail is handed on with its size and without its content.
        stdin: What `-` reads; default: standard input of the process.

    Raises:
        InputError: A path is not there, before anything is read.
    """
    for path in paths:
        if str(path) != STDIN:
            _named(Path(path))
    return FileImport([str(path) for path in paths], received_at=received_at, limits=limits, stdin=stdin)


class FileImport:
    """An iterator over the mails and reports of some paths, that counts what it passed over."""

    def __init__(self, paths: Sequence[str], *, received_at: datetime, limits: Limits, stdin: BinaryIO | None) -> None:
        self.skipped = 0
        """Files that are neither mail nor report, hidden ones included; their names are in the debug log."""
        self.unreadable = 0
        """Files in folders that could not be opened; each was said in the log."""
        self._received_at = received_at
        self._limits = limits
        self._stdin = stdin
        self._seen_folders: set[tuple[int, int]] = set()
        self._fetched = self._read_all(paths)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Fetched:
        return next(self._fetched)

    def find(self, path: str) -> Iterator[FoundFile]:
        """Yield the files of a path without opening them: itself, or all that lies below a folder."""
        where = Path(path)
        if stat.S_ISDIR(_named(where).st_mode):
            yield from self._walk(where, path, "")
        else:
            yield FoundFile(str(where), path, where.name, named=True)

    def _read_all(self, paths: Sequence[str]) -> Iterator[Fetched]:
        for path in paths:
            if path == STDIN:
                yield from self._read_stdin()
            else:
                for found in self.find(path):
                    yield from self.read_found(found)

    def _walk(self, folder: Path, given: str, prefix: str) -> Iterator[FoundFile]:
        """Yield the files below a folder in the order of their names; a folder met twice (a symlink loop) is walked once."""
        names = self._names_of(folder, named=not prefix)
        if names.get("cur") and names.get("new"):
            names = {"new": True, "cur": True, **{name: is_folder for name, is_folder in names.items() if name != "tmp"}}
        in_maildir = folder.name in ("cur", "new") and all((folder.parent / name).is_dir() for name in ("cur", "new"))
        base = os.path.join(folder, "")  # noqa: PTH118 -- there may be millions
        for name, is_folder in names.items():
            if name.startswith("."):
                self._skip(folder / name)
            elif is_folder:
                yield from self._walk(folder / name, given, f"{prefix}{name}/")
            else:
                yield FoundFile(base + name, given, prefix + name, False, in_maildir)

    def _names_of(self, folder: Path, *, named: bool) -> dict[str, bool]:
        """Return name → whether it is a folder, in the order of the names; empty for a folder already seen."""
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._seen_folders:
                return {}
            self._seen_folders.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                return dict(sorted(((entry.name, _is_folder(entry)) for entry in entries), key=lambda pair: os.fsencode(pair[0])))
        except OSError as err:
            if named:
                raise _unreadable(folder, err) from err
            self._miss(folder, err)
            return {}

    def read_found(self, found: FoundFile) -> Iterator[Fetched]:
        """Yield what a file holds; one of a folder that cannot be opened is counted and said.

        Raises:
            InputError: It was named on the command line and cannot be opened.
        """
        try:
            yield from self._read_file(found)
        except FileNotFoundError as err:
            # A mail reader renames a mail to set a flag; the part before the colon stays.
            again = _renamed(found) if found.in_maildir else None
            if again is None:
                self._miss(found.path, err)
            else:
                yield from self._read_file(again)
        except InputError:
            raise
        except OSError as err:
            self._miss(found.path, err)

    def _read_file(self, found: FoundFile) -> Iterator[Fetched]:
        """Yield what a file holds.

        Raises:
            InputError: It was named on the command line and cannot be opened.
            OSError: It was found in a folder and cannot be opened.
        """
        try:
            if not found.named and not stat.S_ISREG(os.stat(found.path).st_mode):  # noqa: PTH116 -- there may be millions
                self._skip(found.path)
                return
            file = open(found.path, "rb")  # noqa: PTH123, SIM115 -- the same, and it is closed below
        except OSError as err:
            if found.named:
                raise _unreadable(found.path, err) from err
            raise
        with file:
            yield from self.read_stream(file, found)

    def _read_stdin(self) -> Iterator[Fetched]:
        file = self._stdin if self._stdin is not None else sys.stdin.buffer
        found = FoundFile(STDIN, STDIN, STDIN, named=True)
        if not (head := file.read(HEAD_BYTES)):
            raise InputError("standard input is empty; pipe a mail, an mbox or a report into it, or name a file")
        yield from self.read_stream(Rejoined.of(head, file), found)

    def read_stream(self, file: IO[bytes], found: FoundFile) -> Iterator[Fetched]:
        """Yield the content of an open file: one mail or report, or the mails of an mbox."""
        head = file.read(HEAD_BYTES)
        kind = _kind(found, head)
        if kind is FileKind.OTHER and not found.named:
            self._skip(found.path)
        elif kind is FileKind.MBOX:
            for mail in read_mbox(Rejoined.of(head, file), limit=self._limits.message_bytes):
                yield Fetched(_ref(found, mail.number), mail.content, self._received_at, mail.size_bytes)
        else:
            bare = kind is FileKind.BARE
            limit = max(self._limits.json_bytes, self._limits.message_bytes) if bare else self._limits.message_bytes
            content, size = _bounded(head, file, limit)
            yield Fetched(_ref(found), content, self._received_at, size, bare)

    def _skip(self, path: str | Path) -> None:
        self.skipped += 1
        log.debug("file-skipped", path=printable(path))

    def _miss(self, path: str | Path, err: OSError) -> None:
        self.unreadable += 1
        log.warning("file-unreadable", path=printable(path), reason=err.strerror or type(err).__name__)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a symlink to itself: it fails again, and is counted, when it is opened


def printable(name: str | Path) -> str:
    """Return a file name that fits in UTF-8; bytes that do not are shown as hexadecimal escapes."""
    if type(name) is str and name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _kind(found: FoundFile, head: bytes) -> FileKind:
    """Tell by name first, then by content; a file that begins with a From_ line is an mbox whatever it is called."""
    if found.in_maildir:
        return FileKind.MAIL
    by_name = kind_by_name(found.name)
    if by_name is FileKind.BARE:
        return by_name
    if by_name is FileKind.MAIL:
        return FileKind.MBOX if begins_as_mbox(head) else by_name
    return FileKind.OTHER if by_name is FileKind.OTHER and not found.named else kind_by_content(head)


def _ref(found: FoundFile, number: int | None = None) -> MessageRef:
    name = printable(found.name)
    return MessageRef(ACCOUNT, printable(found.folder), item=name if number is None else f"{name}#{number}")


def _bounded(head: bytes, file: IO[bytes], limit: int) -> tuple[bytes | None, int]:
    """Return the content and its size; beyond `limit` bytes the size alone, as the file system tells it or as far as we read."""
    # A head that is shorter than asked for is all there is; asking for more would reserve the memory of the limit.
    rest = file.read(max(0, limit + 1 - len(head))) if len(head) >= HEAD_BYTES else b""
    if len(head) + len(rest) <= limit:
        return head + rest, len(head) + len(rest)
    seen = len(head) + len(rest)
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None, seen  # a stream has no size; a member of a tar says so with the other error
    return None, max(seen, status.st_size) if stat.S_ISREG(status.st_mode) else seen


def _renamed(found: FoundFile) -> FoundFile | None:
    before = Path(found.path)
    unique = before.name.split(":")[0]
    now = next((other for other in before.parent.iterdir() if other.name.split(":")[0] == unique), None)
    return None if now is None else found._replace(path=str(now))


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as err:
        raise _unreadable(path, err) from err


def _named(path: Path) -> os.stat_result:
    """Return the status of a path of the command line; a pipe that nobody may ever write to is not waited for.

    What a shell hands over as `<(…)` is open already, and is read.

    Raises:
        InputError: It is not there, or neither a file nor a folder.
    """
    status = _status(path)
    handed_over = str(path).startswith(("/dev/fd/", "/proc/self/fd/")) or str(path) == "/dev/stdin"
    if not (handed_over or stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise InputError(f"{printable(path)} is neither a file nor a folder; to read from a pipe give - for standard input")
    return status


def _unreadable(path: str | Path, err: OSError) -> InputError:
    if isinstance(err, FileNotFoundError):
        return InputError(f"{printable(path)} does not exist; name a file, a folder, or - for standard input")
    return InputError(f"{printable(path)} cannot be read: {(err.strerror or str(err)).lower()}; check the path and its permissions")
