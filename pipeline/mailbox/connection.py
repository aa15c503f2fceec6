"""One connection to an IMAP server: sockets that keep a deadline, TLS that verifies, and the private corners of imapclient.

imapclient and imaplib are known to this package alone.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

import imapclient

if TYPE_CHECKING:
    from pipeline.mailbox.deadline import Deadline


class Client(imapclient.IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """An imapclient that keeps a deadline and refuses answers that are too large.

    Args:
        host: The server.
        port: Its port.
        context: For TLS from the first byte; None for a connection that STARTTLS may follow on.
        deadline: Asked before every read and write.
        connect_timeout: Seconds for the connection and again for the TLS handshake.
        largest_literal: Bytes; a server that announces more is cut off, because we never ask for so much at once.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        deadline: Deadline,
        connect_timeout: float,
        largest_literal: int,
    ) -> None:
        self._bounds: dict[str, Any] = {
            "deadline": deadline,
            "connect_timeout": connect_timeout,
            "largest_literal": largest_literal,
        }
        timeout = imapclient.SocketTimeout(connect_timeout, deadline.wait)
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=timeout)
        # imapclient sets 5, and imaplib then formats every literal for a log that nobody reads: half of the time of a fetch.
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 -- the name is imapclient's
        return _Imap4(self.host, self.port, self.ssl_context if self.ssl else None, **self._bounds)

    def _raw_command_untagged(self, command: bytes, args: Any, *more: Any, **named: Any) -> list[bytes]:
        """Run a command; several SEARCH responses become one, for which imapclient takes them (RFC 9051 §7: a server may split them)."""
        data: list[bytes] = super()._raw_command_untagged(command, args, *more, **named)
        if command == b"SEARCH" and len(data) > 1:
            return [b" ".join(part for part in data if part)]
        return data

    def forget_copyuid(self) -> None:
        """Drop COPYUID codes collected so far: imaplib keeps adding to them (RFC 4315 §3)."""
        self._imap.untagged_responses.pop("COPYUID", None)

    def my_rights(self, folder: str) -> str:
        """Return the rights of the signed-in user in a folder (RFC 4314, MYRIGHTS).

        Raises:
            imaplib.IMAP4.error: The server refuses.
        """
        kind, data = self._imap.myrights(self._normalise_folder(folder))
        self._checkok("myrights", kind, data)
        last = data[-1]
        return bytes(last).split(b" ")[-1].strip(b'"').decode("ascii", "replace")

    def begin_idle(self) -> None:
        """Enter IDLE (RFC 2177).

        imapclient's own `idle` takes an untagged response that comes before the `+` for an error, and servers send such.

        Raises:
            imaplib.IMAP4.abort: The server refuses.
        """
        imap = self._imap
        self._idle_tag = imap._command("IDLE")  # noqa: SLF001
        while imap._get_response():  # noqa: SLF001
            if imap.tagged_commands.get(self._idle_tag):
                raise imap.abort("the server refuses IDLE")

    def read_idle_line(self) -> bytes:
        """Return one untagged response of a server that is in IDLE."""
        return bytes(self._imap._get_line())  # noqa: SLF001 -- imapclient's idle_check loses part of a line over TLS

    def has_buffered(self) -> bool:
        """Return whether TLS holds bytes that `select` on the socket does not see."""
        pending = getattr(self._imap.sock, "pending", None)
        return pending is not None and pending() > 0


_WORDLESS = re.compile(rb"[A-Za-z0-9]+ (?:OK|NO|BAD)", re.IGNORECASE)


class _Imap4(imaplib.IMAP4):
    """imaplib over sockets that keep a deadline."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, *, deadline: Deadline, connect_timeout: float, largest_literal: int
    ) -> None:
        self._context = context
        self._deadline = deadline
        self._connect_timeout = connect_timeout
        self._largest_literal = largest_literal
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 -- the signature is imaplib's
        limit = self._deadline.next_wait(self._connect_timeout)
        plain = socket.create_connection((self.host, self.port), timeout=limit)
        bounded: socket.socket = _bounded(socket.socket, self._deadline)(fileno=plain.detach())
        bounded.settimeout(self._deadline.next_wait(self._connect_timeout))
        if self._context is None:
            return bounded
        try:
            return self._context.wrap_socket(bounded, server_hostname=self.host)
        except BaseException:
            bounded.close()
            raise

    def read(self, size: int) -> bytes:
        """Read a literal.

        Raises:
            imaplib.IMAP4.abort: It is larger than anything we ask for.
        """
        if size > self._largest_literal:
            raise self.abort(f"the server announces {size:,} bytes, more than was asked for")
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line, whichever way it ends.

        imaplib takes a line that ends with a bare line feed for one that was cut off, and there are servers that end some of theirs so. It
        does not know an answer without words (`A1 OK`) either.
        """
        line = bytes(super().readline())
        if not line.endswith(b"\n"):
            return line
        text = line[:-1].removesuffix(b"\r")
        return text + (b" \r\n" if _WORDLESS.fullmatch(text) else b"\r\n")


def speaks_tls(host: str, port: int, timeout: float) -> bool:
    """Return whether a server answers a TLS handshake, whatever its certificate; nothing is sent to it beyond that.

    Args:
        host: Name or address.
        port: Where something listens that did not greet us.
        timeout: Seconds for the connection to an address, and again for the handshake.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=timeout) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


def tls_context(ca_file: str, deadline: Deadline) -> ssl.SSLContext:
    """Return a context that verifies certificate and host name, whose sockets keep the deadline.

    Args:
        ca_file: A private CA in PEM; empty: those of the system.
        deadline: Asked before every read and write.

    Raises:
        OSError: The file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _bounded(ssl.SSLSocket, deadline)
    return context


def _bounded(kind: type[Any], deadline: Deadline) -> type[Any]:
    """Return a kind of socket that asks the deadline before it waits."""

    class Bounded(kind):  # type: ignore[misc]
        def recv(self, *args: Any) -> bytes:
            self.settimeout(deadline.next_wait())
            return bytes(super().recv(*args))

        def recv_into(self, *args: Any) -> int:
            self.settimeout(deadline.next_wait())
            return int(super().recv_into(*args))

        def send(self, *args: Any) -> int:
            self.settimeout(deadline.next_wait())
            return int(super().send(*args))

        def sendall(self, *args: Any) -> None:
            self.settimeout(deadline.next_wait())
            super().sendall(*args)

    return Bounded
