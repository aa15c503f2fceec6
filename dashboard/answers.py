"""Answers kept by the version of the lake: each is worked out once, whoever asks first, and all others wait for it.

Nothing here knows of Streamlit, so that the thread that prepares the morning's answers and the visitors share one store.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Answering:
    """One answer that is there, is being worked out, or waits for somebody who does it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work: Callable[[], Any] | None = work
        self._starting = threading.Lock()
        self._done = threading.Event()
        self._answer: Any = None
        self._error: BaseException | None = None

    def work(self) -> None:
        """Work it out; where another thread is at it, wait for that one.

        Whoever needs an answer may call this, also from within another answer: nobody ever waits for work that has not begun.
        """
        with self._starting:
            work, self._work = self._work, None
        if work is None:
            self._done.wait()
            return
        try:
            self._answer = work()
        except BaseException as err:  # noqa: BLE001 -- told to everybody who waits
            self._error = err
        self._done.set()

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self._error is not None

    def wait(self, seconds: float) -> bool:
        """Wait for a while, and say whether it is there."""
        return self._done.wait(seconds)

    def answer(self) -> Any:
        """Return it; work it out first where nobody has.

        Raises:
            BaseException: What the work raised.
        """
        self.work()
        if self._error is not None:
            raise self._error
        return self._answer


class Answers:
    """The answers of the newest version of each lake that was asked."""

    def __init__(self, most: int) -> None:
        """Make an empty store.

        Args:
            most: So many answers are kept, those asked for last.
        """
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Answering] = OrderedDict()

    def of(self, key: Hashable, work: Callable[[], Any]) -> Answering:
        """Return the answer of that key, to be worked out by `work` where it is not there yet; one that failed is tried again."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or found.failed:
                found = self._kept[key] = Answering(work)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return found

    def forget(self, stale: Callable[[Hashable], bool]) -> None:
        """Drop the answers whose keys are stale."""
        with self._lock:
            for key in [key for key in self._kept if stale(key)]:
                del self._kept[key]
