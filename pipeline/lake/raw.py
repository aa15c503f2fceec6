"""The kept bytes of messages, quarantined ones too, as received (table `raw`): one at a time, or many of a month in one go."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.lake.delta.data_file_list import Files
from pipeline.lake.delta.delta_tables import open_table
from pipeline.lake.delta.scan import read
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.lake.storage.near import refuse_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def raw_contents(files: Files, hashes: Iterable[str], *, months: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the bytes of those messages that are kept, by sha256.

    Each file is looked through once for all of them: its column of hashes, and the small row groups that hold one.

    Args:
        files: Those of `raw`.
        hashes: The sha256 of each message.
        months: The likely months of receipt, looked through first; the others follow until all are found.
    """
    likely = files.of(set(months).intersection(files.months()))
    missing, found = set(hashes), dict[str, bytes]()
    for path in dict.fromkeys([*likely, *files.of()]):
        if not missing:
            break
        found.update(_RawFile(files, path).contents(sorted(missing)))
        missing -= found.keys()
    return found


def find_raw(where: str | Path | Location, digits: str) -> dict[str, bytes]:
    """Return the kept messages whose sha256 begins with these digits, at most two of them; takes no lock.

    Raises:
        InputError: There is no lake.
        LakeError: The lake cannot be read.
    """
    location = locate(where)
    refuse_missing(location)
    with location.errors("read"):
        table = open_table(location, "raw")
        if table is None:
            return {}
        files = Files(location, "raw", table)
        found: dict[str, bytes] = {}
        for path in files.of():
            file = _RawFile(files, path)
            found.update(file.contents(file.beginning_with(digits)[:2]))
        return found


class RawMonth:
    """The messages of one month whose bytes are kept; the hashes stay in memory, the bytes are read when asked for."""

    def __init__(self, files: Files, month: str) -> None:
        self._files = [_RawFile(files, path) for path in files.of([month])]

    def contents(self, hashes: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of those messages that are here, by sha256."""
        found: dict[str, bytes] = {}
        for file in self._files:
            found.update(file.contents([value for value in hashes if value not in found]))
        return found


class _RawFile:
    """One data file of `raw`."""

    def __init__(self, files: Files, path: str) -> None:
        self._location, self._path = files.location, path
        self._hashes: Any = read(files.location, "raw", [path], ["message_sha256"]).column(0).combine_chunks()

    def beginning_with(self, digits: str) -> list[str]:
        """Return the hashes that begin with these digits."""
        found: list[str] = self._hashes.filter(pc.starts_with(self._hashes, pattern=digits)).to_pylist()
        return found

    def contents(self, hashes: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of those messages that are in this file, reading no other row groups than theirs."""
        places = pc.index_in(pa.array(hashes, pa.string()), value_set=self._hashes).to_pylist()
        wanted = sorted((place, value) for place, value in zip(places, hashes, strict=True) if place is not None)
        if not wanted:
            return {}
        with self._location.filesystem.open_input_file(self._location.path_of(f"raw/{self._path}")) as source:
            return _contents_at(pq.ParquetFile(source), wanted)


def _contents_at(file: pq.ParquetFile, wanted: Sequence[tuple[int, str]]) -> dict[str, bytes]:
    starts = [0]
    for group in range(file.num_row_groups):
        starts.append(starts[-1] + file.metadata.row_group(group).num_rows)
    by_group: dict[int, list[tuple[int, str]]] = defaultdict(list)
    group = 0
    for place, value in wanted:
        while place >= starts[group + 1]:
            group += 1
        by_group[group].append((place - starts[group], value))
    found: dict[str, bytes] = {}
    for number, places in by_group.items():
        column: Any = file.read_row_group(number, ["content"]).column(0)
        found.update((value, column[place].as_py()) for place, value in places)
    return found
