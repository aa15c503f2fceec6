"""Where the time of a run goes: each stage counts messages, bytes and seconds."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")

FETCH, READ, JUDGE, SETTLE, COMMIT, TREAT = NAMES = ("fetch", "read", "judge", "settle", "commit", "treat")
"""In the order of a message: its bytes are fetched, read in a worker process, judged there (DKIM), settled against the lake, committed, and
the mailbox is treated as configured."""


class Stages:
    """The stages of one run; safe to use from several threads.

    Stages overlap, and `read` and `judge` run in several processes at the same time: their seconds may add up to more than the run took.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {name: [0, 0, 0.0] for name in NAMES}

    def add(self, name: str, *, messages: int = 0, size_bytes: int = 0, seconds: float = 0.0) -> None:
        """Count what a stage did, in addition to what it did before.

        Args:
            name: One of `NAMES`.
            messages: How many messages it had more.
            size_bytes: How many bytes they have.
            seconds: How long it took.
        """
        with self._lock:
            counts = self._counts[name]
            counts[0] += messages
            counts[1] += size_bytes
            counts[2] += seconds

    @contextmanager
    def timing(self, name: str, *, messages: int = 0, size_bytes: int = 0) -> Iterator[None]:
        """Count what is done inside, also where it fails, and how long it takes.

        Args:
            name: One of `NAMES`.
            messages: How many messages it is about.
            size_bytes: How many bytes they have.
        """
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, messages=messages, size_bytes=size_bytes, seconds=time.perf_counter() - begun)

    def over(self, name: str, items: Iterable[Item], size: Callable[[Item], tuple[int, int]]) -> Iterator[Item]:
        """Yield the items of an iterator, and count the time that each takes to come.

        Args:
            name: One of `NAMES`.
            items: What is to be counted.
            size: Returns messages and bytes of an item.
        """
        source = iter(items)
        while True:
            begun = time.perf_counter()
            item = next(source, None)
            if item is None:
                self.add(name, seconds=time.perf_counter() - begun)
                return
            messages, size_bytes = size(item)
            self.add(name, messages=messages, size_bytes=size_bytes, seconds=time.perf_counter() - begun)
            yield item

    def as_dict(self) -> dict[str, dict[str, int | float]]:
        """Return the stages that did anything."""
        with self._lock:
            return {
                name: {"messages": int(messages), "bytes": int(size_bytes), "seconds": round(seconds, 3)}
                for name, (messages, size_bytes, seconds) in self._counts.items()
                if messages or seconds
            }
