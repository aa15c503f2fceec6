"""The first visitor's browser draws what it was sent before the server works out more.

Whoever starts the page to look at it mostly has the browser on the same machine, where both at once share the processors: the first chart
came a second later, and the last conclusion no sooner. Later visitors find what they look for prepared.
"""

from __future__ import annotations

import threading
import time

_ASKS_SECONDS = 3.0
"""So long is waited for the run to need its first conclusion; one that needs it later is no first look, but a click."""
_DRAWS_SECONDS = 0.7
"""What a browser takes to draw the figures and trends that were sent by then."""


class FirstLook:
    """The first visit to a server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: float | None = None
        self._is_shown = False

    def begins(self) -> None:
        """Tell that a run begins."""
        with self._lock:
            if self._until is None:
                self._until = time.monotonic() + _ASKS_SECONDS

    def is_shown(self) -> None:
        """Tell that a run has sent all it could without a conclusion."""
        with self._lock:
            now = time.monotonic()
            if not self._is_shown and self._until is not None and now < self._until:
                self._until, self._is_shown = now + _DRAWS_SECONDS, True

    def seconds_left(self) -> float:
        """Return how long a conclusion should wait; 0 or less: not at all."""
        with self._lock:
            return 0.0 if self._until is None else self._until - time.monotonic()

    def wait(self) -> None:
        """Wait that long."""
        while (left := self.seconds_left()) > 0:
            time.sleep(min(left, 0.05))


first_look = FirstLook()
