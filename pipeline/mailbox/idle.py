"""Waiting for new mail: IDLE (RFC 2177), and asking now and then where the server has no IDLE."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from imapclient.exceptions import IMAPClientAbortError

from pipeline.mailbox.session import ConnectionLostError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.deadline import Deadline
    from pipeline.mailbox.selecting import FolderState
    from pipeline.mailbox.session import Session

RENEW_SECONDS = 25 * 60
"""IDLE is ended and begun again before 29 minutes are over (RFC 2177 §3); routers forget idle connections sooner or later."""

FIRST_SECONDS = 60
"""How long the first IDLE of a wait lasts; the next ones twice as long each. Some servers offer IDLE and announce nothing (GNU
Mailutils): there the SELECT in between finds the mail."""

POLL_SECONDS = 60
_LOSSES = 3
"""Connections lost while idle; after so many in one wait we ask instead: something on the way does not like silence."""

_STEP_SECONDS = 1.0
"""How often `stop` is looked at."""


def wait_for_mail(session: Session, folder: str, state: FolderState, seconds: float, stop: Callable[[], bool]) -> bool:
    """Wait until there is mail newer than `state`, or the time is over, or `stop` says so.

    Args:
        session: Signed in.
        folder: Which folder; it is selected.
        state: What was known of it when it was last read.
        seconds: At most.
        stop: Looked at every second.

    Returns:
        Whether there is new mail.

    Raises:
        TryAgainError: Cut too often, throttled.
    """
    end = time.monotonic() + seconds
    lost = 0
    patience = float(FIRST_SECONDS)
    while True:
        session.deadline.restart()
        # Mail that came after the last search and before IDLE: no server tells of it again.
        now = session.select(folder)
        # Where UIDNEXT is not known, there are more of them.
        if now.uidnext > state.uidnext or now.exists > state.exists or now.uidvalidity != state.uidvalidity:
            return True
        left = end - time.monotonic()
        if left <= 0 or stop():
            return False
        if lost < _LOSSES and session.do(lambda client: bool(client.has_capability("IDLE"))):
            lost += not _idle_once(session, min(left, patience, RENEW_SECONDS), stop)
            patience *= 2
        else:
            _pause(min(left, POLL_SECONDS), stop)


def _idle_once(session: Session, seconds: float, stop: Callable[[], bool]) -> bool:
    """Idle, and return whether the connection survived it."""
    try:
        session.once(lambda client: _idle(client, session.deadline, seconds, stop))
    except ConnectionLostError:
        return False
    return True


def _idle(client: Client, deadline: Deadline, seconds: float, stop: Callable[[], bool]) -> None:
    """Idle until the server says anything at all; what it was, the next SELECT tells. The time of the wait is not held against it."""
    client.begin_idle()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stop():
        if client.has_buffered() or _readable(client.socket(), min(left, _STEP_SECONDS)):
            deadline.restart()
            line = client.read_idle_line()
            if line.upper().startswith(b"* BYE"):
                raise IMAPClientAbortError(line.decode("utf-8", "replace"))
            break
    deadline.restart()
    client.idle_done()


def _readable(connection: socket.socket, seconds: float) -> bool:
    """Wait until there is something to read; `select.select` cannot do that with descriptors from 1024 on."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _pause(seconds: float, stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stop():
        time.sleep(min(left, _STEP_SECONDS))
