"""The first visitor's browser fetches the page and draws what it was sent before the server works out more.

Whoever starts the page to look at it mostly has the browser on the same machine, where both at once share the processors: the first chart
came a second later, and the last conclusion no sooner. Later visitors find what they look for prepared.
"""

from __future__ import annotations

import threading
import time

_COMES_SECONDS = 1.0
"""How long to wait for somebody who opens the page as soon as it has started."""
_ASKS_SECONDS = 4.0
"""How long to wait until the run needs its first conclusion; one that needs it later is not a first look, but a click."""
_DRAWS_SECONDS = 0.7
"""What a browser takes to draw the figures and trends that were sent by then."""


class FirstLook:
    """The first visit to a server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._has_begun = False
        self._is_shown = False

    def may_come(self) -> None:
        """Tell that the server begins to listen."""
        with self._lock:
            self._until = time.monotonic() + _COMES_SECONDS

    def begins(self) -> None:
        """Tell that somebody asks for the page."""
        with self._lock:
            if not self._has_begun:
                self._until, self._has_begun = time.monotonic() + _ASKS_SECONDS, True

    def is_shown(self) -> None:
        """Tell that a run has sent all it could without a conclusion."""
        with self._lock:
            now = time.monotonic()
            if self._has_begun and not self._is_shown and now < self._until:
                self._until, self._is_shown = now + _DRAWS_SECONDS, True

    def seconds_left(self) -> float:
        """Return how long a conclusion should wait; 0 or less: not at all."""
        with self._lock:
            return self._until - time.monotonic()

    def wait(self) -> None:
        """Wait that long."""
        while (left := self.seconds_left()) > 0:
            time.sleep(min(left, 0.05))


first_look = FirstLook()
