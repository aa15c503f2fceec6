"""Programs that the demo starts, and how they end: with it, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_PATIENCE_SECONDS = (5.0, 5.0, 5.0)
"""How long a program may take to end after SIGINT, SIGTERM, SIGKILL."""

_ENDS_US = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def tlsrpt(settings_file: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of this program with that configuration; when the block ends, it and all it started have ended.

    It runs in a process group of its own, so that Ctrl-C reaches it through us alone, once.
    """
    command = [sys.executable, "-P", "-m", "pipeline.cli", "--config", str(settings_file), *arguments]
    # The user's own overrides are for the user's own lake.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TLSRPT_")}
    child = None
    try:
        with _signals_wait():
            child = subprocess.Popen(command, start_new_session=True, env=environment)
        yield child
    finally:
        if child is not None:
            end(child)


@contextmanager
def signals_handled(numbers: Sequence[int], action: Callable[[int, FrameType | None], object] | signal.Handlers) -> Iterator[None]:
    """Let an action answer these signals to the end of the block."""
    before = {number: signal.signal(number, action) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Put off what ends us to the end of the block: nobody would end a child that is started and not yet known."""
    caught: list[int] = []
    try:
        with signals_handled(_ENDS_US, lambda came, _frame: caught.append(came)):
            yield
    finally:
        if caught:
            os.kill(os.getpid(), caught[0])


def end(child: subprocess.Popen[bytes]) -> None:
    """End a process and its group: asked first, then told, then killed. An impatient second Ctrl-C does not stop us from it."""
    with signals_handled(_ENDS_US, signal.SIG_IGN):
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    for number, patience in zip((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), _PATIENCE_SECONDS, strict=True):
        if child.poll() is None:
            _signal_group(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            break
    # What the child left behind in its group.
    _signal_group(child.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def free_port(wanted: int) -> int:
    """Return the wanted port of 127.0.0.1 if nobody listens there, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError(f"no free port on 127.0.0.1 beside {wanted}")


def answers(url: str, child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until a page answers with 200; False when its program ended or the time is over.

    Args:
        url: Asked again and again.
        child: The program that serves it.
        seconds: How long to wait at most.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until and child.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            if response.status == 200:
                return True
        time.sleep(0.1)
    return False
