"""Ending a run after the current batch, when somebody asks for it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline import log

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """Whether somebody asked the run to end (SIGTERM, SIGINT)."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __bool__(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """End after the current batch."""
        self._asked.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until somebody asks; return whether somebody did."""
        return self._asked.wait(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[Stop]:
        """Catch the first SIGTERM or SIGINT while inside; a second one does what it always does."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def caught(number: int, _frame: object) -> None:
            log.warning("stopping", signal=signal.Signals(number).name, after="the current batch")
            self.ask()
            signal.signal(number, before[signal.Signals(number)])

        try:
            for number in before:
                signal.signal(number, caught)
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
