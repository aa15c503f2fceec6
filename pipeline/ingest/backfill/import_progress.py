"""How far a bulk import is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_SECONDS = 10.0
_CENSUS_SECONDS = 2.0
"""What is over sooner is not held up by asking every file for its size."""


class Shown:
    """Says nothing."""

    def begin(self, size: Callable[[], int | None]) -> None:
        """The import begins; `size` takes a while to say how many bytes there are, or None where nobody knows."""

    def advance(self, messages: int, size_bytes: int) -> None:
        """So much more is read."""

    def end(self) -> None:
        """The import is over."""


class _Measured(Shown):
    """Counts, and learns the size of the whole meanwhile."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.total: int | None = None
        self.begun = time.monotonic()
        self._census: threading.Timer | None = None

    def begin(self, size: Callable[[], int | None]) -> None:
        self.begun = time.monotonic()

        def learn() -> None:
            self.total = size()

        self._census = threading.Timer(_CENSUS_SECONDS, learn)
        self._census.daemon = True
        self._census.start()

    def end(self) -> None:
        """Ask no more."""
        if self._census is not None:
            self._census.cancel()

    def advance(self, messages: int, size_bytes: int) -> None:
        self.messages += messages
        self.bytes += size_bytes

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.messages / max(time.monotonic() - self.begun, 0.001)

    @property
    def left(self) -> str:
        """The time left in words; empty where it is not known yet."""
        if not self.total or not self.bytes:
            return ""
        seconds = (time.monotonic() - self.begun) * max(self.total - self.bytes, 0) / self.bytes
        return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Lines(_Measured):
    """A line every ten seconds, on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()

    def advance(self, messages: int, size_bytes: int) -> None:
        """Count, and say it when it is time."""
        super().advance(messages, size_bytes)
        if time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            left = f", {self.left} left" if self.left else ""
            sys.stderr.write(f"tlsrpt: {self.messages:,} files, {self.rate:,.0f}/s{left}\n")
            sys.stderr.flush()


class Bar(_Measured):
    """A bar on the terminal: share of the bytes, files, rate, time left."""

    _bar: Any = None

    def begin(self, size: Callable[[], int | None]) -> None:
        """Draw it."""
        from tqdm import tqdm

        super().begin(size)
        self._bar = tqdm(total=1000, dynamic_ncols=True, bar_format="{desc}")

    def advance(self, messages: int, size_bytes: int) -> None:
        """Move it."""
        super().advance(messages, size_bytes)
        if self.total:
            self._bar.bar_format = "{percentage:3.0f}% |{bar}| {desc}"
            self._bar.n = min(1000, 1000 * self.bytes // self.total)
        left = f", {self.left} left" if self.left else ""
        self._bar.set_description_str(f"{self.messages:,} files, {self.rate:,.0f}/s{left}")

    def end(self) -> None:
        """Leave it standing."""
        super().end()
        self._bar.close()
