"""The most memory something took: of this process while it does a piece of work, or of another process with all below it.

Both are resident memory. Of several processes the largest sum of their proportional shares counts, in which a page they share counts once.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_LOOK_SECONDS = 0.02
_SHARE_SECONDS = 0.2
"""Summing up what processes share reads their page tables, which holds them up."""


def peak_mib() -> float:
    """Return the most memory of this process; not `ru_maxrss`, which a child inherits from whoever started it."""
    return highest_kib("self") / 1024


def with_peak(work: Callable[[], T]) -> tuple[T, float]:
    """Do some work in this process; return what it returns, and the most MiB the process had meanwhile."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): the peak begins anew
    return work(), peak_mib()


class Peak:
    """The peak of a process and all below it, looked up while it runs."""

    def __init__(self, pid: int) -> None:
        self._pid, self._kib = pid, 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        shares_at = 0.0
        while kib := highest_kib(self._pid):
            self._kib = max(self._kib, kib)
            if time.monotonic() >= shares_at:
                self._kib = max(self._kib, _shares_kib(self._pid))
                shares_at = time.monotonic() + _SHARE_SECONDS
            time.sleep(_LOOK_SECONDS)

    def mib(self) -> float:
        """Return it in MiB, once the process has ended."""
        self._thread.join()
        return round(self._kib / 1024, 1)


def highest_kib(pid: int | str) -> int:
    """The peak of a process so far; 0 where it is gone or a zombie, which has no memory."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _shares_kib(pid: int) -> float:
    """The proportional shares of a process and all below it; 0 where it has none below it or is gone."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return 0
    return sum(_share_kib(each) for each in (pid, *(child.pid for child in below))) if below else 0


def _share_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
