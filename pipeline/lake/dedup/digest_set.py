"""A set of sha256 values in sixteen bytes each.

Half of a sha256 is as good as the whole here: two values that begin alike take 2^64 tries to find, one that begins like a given one
2^128.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_HEX = 64
_KEPT = 32
"""Hexadecimal digits that are kept."""
_MERGE_AT = 20_000


class Digests:
    """A set of sha256 values given as hex: two sorted arrays, and the latest ones beside them until it pays to sort them in."""

    def __init__(self, *, merge_at: int = _MERGE_AT) -> None:
        """Begin empty; `merge_at` latest values are sorted in together."""
        self._merge_at = merge_at
        self._high: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._low: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._recent: set[str] = set()

    def __len__(self) -> int:
        """How many there are; what was added twice may count twice."""
        return len(self._high) + len(self._recent)

    def load(self, columns: Iterable[pa.ChunkedArray[Any] | pa.Array[Any]]) -> None:
        """Add whole columns of hex strings; what is not a sha256 (the empty string) is left out."""
        self._merge([words_of_column(column) for column in columns])

    def add(self, values: Iterable[str]) -> None:
        """Add a few values."""
        self._recent.update(value[:_KEPT] for value in values)
        if len(self._recent) >= self._merge_at:
            self._merge([_words("".join(self._recent))])
            self._recent.clear()

    def among(self, values: Sequence[str]) -> list[str]:
        """Return those of the values that are in the set, in their order."""
        if not values or not len(self):
            return []
        if not len(self._high):
            return [value for value in values if value[:_KEPT] in self._recent]
        high, low = words_of(values)
        found = np.zeros(len(values), bool)
        places = np.searchsorted(self._high, high)
        pending = np.arange(len(values))
        while len(pending):
            # One round as a rule: two values whose first 64 bits agree hardly occur.
            pending = pending[places[pending] < len(self._high)]
            pending = pending[self._high[places[pending]] == high[pending]]
            found[pending] |= self._low[places[pending]] == low[pending]
            pending = pending[~found[pending]]
            places[pending] += 1
        return [value for value, hit in zip(values, found.tolist(), strict=True) if hit or value[:_KEPT] in self._recent]

    def to_bytes(self) -> bytes:
        """Return all values, sorted: the first halves, and behind them the second ones (see `hash_files`)."""
        if self._recent:
            self._merge([_words("".join(self._recent))])
            self._recent.clear()
        return self._high.astype("<u8").tobytes() + self._low.astype("<u8").tobytes()

    def _merge(self, more: Sequence[tuple[NDArray[np.uint64], NDArray[np.uint64]]]) -> None:
        high = np.concatenate([self._high, *(each[0] for each in more)])
        low = np.concatenate([self._low, *(each[1] for each in more)])
        order = np.argsort(high)
        self._high, self._low = high[order], low[order]


def _words(digits: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Read values of `_KEPT` hex digits each, one after the other, as two words each."""
    pairs = np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def words_of(values: Iterable[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return what is kept of sha256 values given as hex: the first 64 bits of each, and the next."""
    return _words("".join(value[:_KEPT] for value in values))


def words_of_column(column: Any) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the same of a column; what is not a sha256 (the empty string) is left out."""
    kept = column.filter(pc.equal(pc.binary_length(column), pa.scalar(_HEX, pa.int32())))
    heads = pc.utf8_slice_codeunits(kept, 0, _KEPT).cast(pa.binary()).cast(pa.binary(_KEPT))
    return _words("".join(_digits(chunk) for chunk in (heads.chunks if isinstance(heads, pa.ChunkedArray) else [heads])))


def _digits(heads: pa.Array[Any]) -> str:
    """Return the digits of a column of fixed size, which lie one after the other in its buffer."""
    buffer = heads.buffers()[1]
    if buffer is None or not len(heads):
        return ""
    return buffer.to_pybytes()[_KEPT * heads.offset : _KEPT * (heads.offset + len(heads))].decode("ascii")
