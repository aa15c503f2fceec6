"""The sha256 values of a column of a large table, asked a batch at a time and never loaded whole.

Beside a large data file lies a *hash file*: half of each of its values, sorted. A data file never changes and its name is never used again,
so neither does its hash file: which of them are asked is what the table says it consists of, whatever was compacted, erased, rebuilt or
restored in between. One that is missing is made from the data file, by whoever holds the lock of the lake; nobody has to make them in time.

They lie in `_state`, which a backup leaves out. `vacuum` removes those whose data file is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from pipeline.lake.dedup.digest_set import Digests, words_of
from pipeline.lake.delta.scan import batches, since

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.lake.delta.data_file_list import Files, Present
    from pipeline.lake.storage.location import Location

FOLDER = "_state/hashes"
LARGE_ROWS = 10_000
"""A data file with fewer rows is read when it is first asked, and its values are held in memory: some batches of each month."""
_WORD = 8


class KeyColumn(NamedTuple):
    """Which values of a table are asked about."""

    table: str
    name: str
    account: str | None = None
    """Only of messages of this account."""

    @property
    def folder(self) -> str:
        """Where its hash files lie."""
        return f"{FOLDER}/{self.table}.{self.name}{f'.{self.account}' if self.account else ''}"

    def where(self, floor: int) -> pc.Expression:
        """Return the rows of the present generation that are meant."""
        present = since(floor)
        return present if self.account is None else present & (pc.field("account") == self.account)


class HashColumn:
    """Answers like a `Digests` that holds all values of a column, of some months or of all.

    It knows the rows that were there when it was first asked, and what it was told of since.
    """

    def __init__(self, files: Files, column: KeyColumn, *, floor: int = 0, months: Iterable[str] | None = None) -> None:
        self._files, self._column, self._floor = files, column, floor
        self._months = None if months is None else tuple(months)
        self._added = Digests()
        self._small = Digests()
        self._large: list[Present] | None = None

    def add(self, values: Iterable[str]) -> None:
        """Take note of values that have been committed."""
        if self._large is not None:
            self._added.add(values)

    def among(self, values: Sequence[str]) -> list[str]:
        """Return those of the values that the column has, in their order."""
        if not values:
            return []
        try:
            found = self._found(values)
        except FileNotFoundError:  # merged meanwhile, and the files it was made of are gone
            self._large = None
            found = self._found(values)
        return [value for value in values if value in found]

    def _found(self, values: Sequence[str]) -> set[str]:
        large = self._listed()
        found = {*self._small.among(values), *self._added.among(values)}
        left = [value for value in dict.fromkeys(values) if value not in found]
        if not left or not large:
            return found
        asked = words_of(left)
        hits = np.zeros(len(left), bool)
        for file in large:
            hits |= self._ask(file, asked)
        return found | {value for value, hit in zip(left, hits.tolist(), strict=True) if hit}

    def _listed(self) -> list[Present]:
        """Return the large files, and load the small ones the first time."""
        if self._large is None:
            # A file with rows of an older generation is read with care, not by its hash file, which has all rows.
            large: list[Present] = []
            small: list[Present] = []
            for file in self._files.listed(self._months):
                whole = file.first_batch is not None and file.first_batch >= self._floor
                (large if self._files.keeps_state and whole and file.rows >= LARGE_ROWS else small).append(file)
            self._small = Digests()
            self._small.load(column for file in small for column in self._columns(file.path))
            self._large = large
        return self._large

    def _columns(self, path: str) -> Iterator[pa.Array[Any]]:
        where = self._column.where(self._floor)
        return (piece.column(0) for piece in batches(self._files.location, self._column.table, [path], (self._column.name,), where=where))

    def _ask(self, file: Present, asked: tuple[NDArray[np.uint64], NDArray[np.uint64]]) -> NDArray[np.bool_]:
        location, path = self._files.location, f"{self._column.folder}/{file.name}"
        try:
            return _ask_file(location, path, *asked)
        except FileNotFoundError:
            held = Digests()
            held.load(self._columns(file.path))
            location.store.put(path, held.to_bytes())
            return _ask_file(location, path, *asked)


def _ask_file(location: Location, path: str, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Say which of the values are in a hash file: all first halves, sorted, and behind them the second ones."""
    found = np.zeros(len(high), bool)
    with location.filesystem.open_input_file(location.path_of(path)) as source:
        count = source.size() // (2 * _WORD)

        def words(start: int, length: int) -> NDArray[np.uint64]:
            source.seek(start * _WORD)
            return np.frombuffer(source.read(length * _WORD), "<u8")

        firsts = words(0, count)
        places = np.searchsorted(firsts, high)
        for number in np.flatnonzero(firsts[np.minimum(places, count - 1)] == high) if count else ():
            end = int(np.searchsorted(firsts, high[number], "right"))
            start = int(places[number])
            found[number] = bool((words(count + start, end - start) == low[number]).any())
    return found


def remove_orphans(location: Location, present: Iterable[str], *, dry_run: bool = False) -> list[tuple[str, int]]:
    """Remove the hash files of data files that are no longer there; return their paths and sizes.

    Args:
        location: Where the lake lies; the caller holds its lock.
        present: The names of all data files on disk.
        dry_run: Whether to tell only.
    """
    names = set(present)
    gone = [file for file in location.store.walk(FOLDER) if file.path.rpartition("/")[2] not in names]
    if not dry_run:
        location.store.remove_all([file.path for file in gone])
    return [(file.path, file.size_bytes) for file in gone]
