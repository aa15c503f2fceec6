"""Progress bars on a terminal."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from pipeline.ingest.progress import Progress


class Bars(Progress):
    """One bar per folder or import, on stderr."""

    def __init__(self) -> None:
        self._bar: Any = None

    def begin(self, what: str, total: int | None) -> None:
        """Draw a bar; the name comes from the configuration or the command line, never from a report."""
        self._bar = tqdm(total=total, desc=what, unit=" mails", dynamic_ncols=True)

    def advance(self, messages: int) -> None:
        """Move it."""
        self._bar.update(messages)

    def end(self) -> None:
        """Leave it standing."""
        self._bar.close()
