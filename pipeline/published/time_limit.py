"""One deadline for a look at a server: reading ends then, however slowly the other side goes on sending."""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class LookDeadline:
    """The end of one look.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: None are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect(self, address: str, port: int) -> socket.socket:
        """Connect before it.

        Raises:
            OSError: There is no connection.
        """
        return socket.create_connection((address, port), timeout=self.left())

    def send(self, connection: socket.socket, content: bytes) -> None:
        """Send before it.

        Raises:
            OSError: It could not be sent.
        """
        connection.settimeout(self.left())
        connection.sendall(content)

    def reader(self, connection: socket.socket) -> io.BufferedReader:
        """Return a reader of a connection, no read of which goes beyond it."""
        return io.BufferedReader(_Raw(connection, self))


class _Raw(io.RawIOBase):
    """Reads from a socket with what is left of a deadline: a time limit of the socket alone begins again with every byte."""

    def __init__(self, connection: socket.socket, deadline: LookDeadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)


NO_SUCH_NETWORK = frozenset({"ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"})
"""What the system says when this machine itself has no way to a kind of address."""


def why_not(err: Exception, address: str) -> str:
    """Return in a few words why a connection failed."""
    import errno

    if isinstance(err, TimeoutError):
        return "no answer in time"
    if isinstance(err, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(err, OSError) and errno.errorcode.get(err.errno or 0) in NO_SUCH_NETWORK:
        return f"this machine has no IPv{6 if ':' in address else 4}"
    if isinstance(err, OSError) and err.strerror:
        return err.strerror
    return str(err) or type(err).__name__


def is_ours(err: Exception) -> bool:
    """Whether a connection failed for this machine alone: it has no way to that kind of address."""
    import errno

    return isinstance(err, OSError) and errno.errorcode.get(err.errno or 0) in NO_SUCH_NETWORK
