"""The time one run may spend on one mailbox, whatever the server does."""

from __future__ import annotations

import time


class DeadlineError(TimeoutError):
    """The time for this mailbox is used up."""


class Deadline:
    """A bound on many waits: each may take `wait` seconds, all together `seconds`.

    A read timeout alone never ends a server that sends one byte a minute; this does, because every read asks it how long it may
    wait.
    """

    def __init__(self, *, seconds: float, wait: float) -> None:
        self.seconds = seconds
        self.wait = wait
        self._end = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin anew: another run over the same mailbox."""
        self._end = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds left; not negative."""
        return max(0.0, self._end - time.monotonic())

    def next_wait(self, at_most: float | None = None) -> float:
        """Return the seconds the next read, write or pause may take.

        Raises:
            DeadlineError: None are left.
        """
        left = self.left
        if left <= 0:
            raise DeadlineError(f"the deadline of {self.seconds:g} seconds has passed")
        return min(left, self.wait if at_most is None else at_most)
