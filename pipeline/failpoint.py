"""Named points where a test kills the process, so that "kill it anywhere" is tried at every step and not only at random.

Nothing in the environment or the configuration arms a point: a test calls `arm` in the process that is to die.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_reached: Counter[str] = Counter()
_armed: list[str] = []


def arm(wanted: str) -> None:
    """Count the points from now on, and end the process with SIGKILL at one of them: no `finally`, no `atexit`, nothing flushed.

    Args:
        wanted: `name:nth`, the point and which time it is reached, from 1; any other text counts and kills nothing.
    """
    _armed[:] = [wanted]


def reached() -> dict[str, int]:
    """How often each point was reached since one was armed: a test learns from it which points there are."""
    return dict(_reached)


def reach(name: str) -> None:
    """Die here, if this is the point and the time that a test asked for."""
    if not _armed:
        return
    _reached[name] += 1
    point, _, nth = _armed[0].partition(":")
    if point == name and _reached[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
