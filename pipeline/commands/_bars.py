"""Progress bars on a terminal."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from pipeline.ingest.options import Progress


class Bars(Progress):
    """One bar per folder or import, on stderr."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._beside = ExitStack()

    def begin(self, what: str, total: int | None) -> None:
        """Draw a bar, above which events get lines of their own.

        The name comes from the configuration or the command line, never from a report.
        """
        self._beside.enter_context(logging_redirect_tqdm([logging.getLogger("tlsrpt")]))
        self._bar = tqdm(total=total, desc=what, unit=" mails", dynamic_ncols=True)

    def advance(self, messages: int) -> None:
        """Move it."""
        self._bar.update(messages)

    def end(self) -> None:
        """Leave it standing."""
        self._bar.close()
        self._beside.close()
