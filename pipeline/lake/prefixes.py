"""A set of sha256 values, eight bytes each: enough to say "surely not there", which is the answer for nearly all that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_HEX = 64
_MERGE_AT = 20_000


class Prefixes:
    """The first 64 bits of sha256 values given as hex; a hit has to be looked up, a miss is certain."""

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._recent: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted) + len(self._recent)

    def load(self, columns: Iterable[pa.ChunkedArray[Any]]) -> None:
        """Add whole columns of hex strings; what is no sha256 (the empty string) is left out."""
        found = [_of_column(column) for column in columns]
        self._merge(np.concatenate([*found, np.empty(0, np.uint64)]))

    def add(self, values: Iterable[str]) -> None:
        """Add a few values."""
        self._recent.update(int(value[:16], 16) for value in values)
        if len(self._recent) >= _MERGE_AT:
            self._merge(np.fromiter(self._recent, np.uint64, len(self._recent)))
            self._recent.clear()

    def hits(self, values: Sequence[str]) -> list[str]:
        """Return the values that may be in the set."""
        if not values or not len(self):
            return []
        asked = np.frombuffer(bytes.fromhex("".join(value[:16] for value in values)), ">u8").astype(np.uint64)
        places = np.searchsorted(self._sorted, asked)
        found = np.zeros(len(asked), bool)
        inside = places < len(self._sorted)
        found[inside] = self._sorted[places[inside]] == asked[inside]
        return [value for value, number, hit in zip(values, asked.tolist(), found.tolist(), strict=True) if hit or number in self._recent]

    def _merge(self, more: NDArray[np.uint64]) -> None:
        self._sorted = np.unique(np.concatenate([self._sorted, more]))


def _of_column(column: pa.ChunkedArray[Any]) -> NDArray[np.uint64]:
    kept = column.filter(pc.equal(pc.binary_length(column), pa.scalar(_HEX, pa.int32())))
    heads = pc.utf8_slice_codeunits(kept, 0, 16).cast(pa.binary()).cast(pa.binary(16))
    return np.concatenate([_numbers(chunk) for chunk in heads.chunks] or [np.empty(0, np.uint64)])


def _numbers(heads: pa.Array[Any]) -> NDArray[np.uint64]:
    """Read values of sixteen hex digits, which lie one after the other in the buffer of a fixed-size column."""
    buffer = heads.buffers()[1]
    if buffer is None or not len(heads):
        return np.empty(0, np.uint64)
    digits = buffer.to_pybytes()[16 * heads.offset : 16 * (heads.offset + len(heads))]
    return np.frombuffer(bytes.fromhex(digits.decode("ascii")), ">u8").astype(np.uint64)
