"""Named points where a test kills the process, so that "kill it anywhere" is tried at every step and not only at random.

`TLSRPT_TEST_FAILPOINT=name:nth` ends the process with SIGKILL the n-th time (from 1) it reaches the point of that name: no `finally`, no
`atexit`, nothing flushed, as in a power cut of the process. Without the variable a point costs one look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "TLSRPT_TEST_FAILPOINT"

_reached: Counter[str] = Counter()


def reached() -> dict[str, int]:
    """How often each point was reached while the variable was set: a test learns from it which points there are."""
    return dict(_reached)


def reach(name: str) -> None:
    """Die here, if this is the point and the time that a test asked for."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _reached[name] += 1
    point, _, nth = wanted.partition(":")
    if point == name and _reached[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
