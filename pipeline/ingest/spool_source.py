"""The spool as a source: what was piped or posted is taken, and its file removed once the lake has all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import InputError
from pipeline.message.fetched import POSTED, SPOOLED, Fetched, MessageRef
from pipeline.spool import POST, Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.report.limits import Limits
    from pipeline.spool import SpoolEntry

_NOT_OURS = frozenset({"not_tlsrpt", "too_large"})


class SpoolSource:
    """Reads and empties a spool. A mail that is no TLS report is set aside, not lost: whoever piped it has no other copy."""

    name = SPOOLED
    accounts = (SPOOLED, POSTED)
    promise = ""

    def __init__(self, folder: str, limits: Limits) -> None:
        """Name the spool; it is not touched yet."""
        self._spool = Spool(folder)
        self._limits = limits
        self._entries: dict[str, SpoolEntry] = {}
        self._open: dict[str, set[str]] = {}
        """By file the records that the lake does not have yet."""

    def names(self) -> Sequence[str]:
        """Return the names of all records.

        Raises:
            InputError: The spool cannot be read.
        """
        try:
            self._spool.sweep()
            for file in self._spool.files():
                entries = self._spool.entries(file)
                if entries is None:
                    log.warning("spool-file-odd", path=f"{self._spool.folder}/new/{file}", meaning="none of ours; it stays")
                    continue
                self._open[file] = {entry.item for entry in entries}
                self._entries.update((entry.item, entry) for entry in entries)
        except OSError as err:
            raise _failed(self._spool.folder, err) from err
        return list(self._entries)

    def fetch(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Read records."""
        for name in names:
            entry = self._entries[name]
            posted = entry.way == POST
            most = max(self._limits.json_bytes, self._limits.message_bytes) if posted else self._limits.message_bytes
            try:
                content = self._spool.read(entry) if entry.size <= most else None
            except OSError as err:
                raise _failed(self._spool.folder, err) from err
            if content is None and entry.size <= most:
                continue
            ref = MessageRef(POSTED, entry.peer, item=name) if posted else MessageRef(SPOOLED, entry.way, item=name)
            yield Fetched(ref, content, datetime.fromtimestamp(entry.received_us / 1e6, UTC), entry.size, bare=posted)

    def close(self) -> None:
        """Nothing is held open."""

    def treat(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Set aside what is not ours, and remove the files of which the lake has everything."""
        done = []
        try:
            for name, outcome in outcomes:
                entry = self._entries[name]
                if outcome in _NOT_OURS and entry.way != POST:
                    self._spool.set_aside(entry)
                rest = self._open[entry.file]
                rest.discard(name)
                if not rest:
                    done.append(entry.file)
            self._spool.remove(done)
        except OSError as err:
            raise _failed(self._spool.folder, err) from err


def _failed(folder: str, err: OSError) -> InputError:
    return InputError(f"the spool {folder} cannot be read or emptied: {err.strerror or err}; its group has to be that of the poller")
