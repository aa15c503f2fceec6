"""Looking at a mail server as a sender would (RFC 3207): is STARTTLS offered, which TLS, which certificate, does it verify."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

_LINE_BYTES = 4096
_LINES = 200
"""A reply has a few lines; more is no SMTP server."""


class Server(NamedTuple):
    """What one address of one MX host shows."""

    reachable: bool
    starttls: bool = False
    tls_version: str = ""
    """As OpenSSL says it: TLSv1.2, TLSv1.3."""
    chain: tuple[Certificate, ...] = ()
    """As served, the server's own certificate first; not verified."""
    verifies: bool = False
    verify_says: str = ""
    """Why the certificate does not verify for the host, in OpenSSL's words."""
    trouble: str = ""
    """What went wrong, where something did."""


class _NoTlsError(Exception):
    """The server has no STARTTLS, or refuses it."""


def look(host: str, address: str, *, port: int = 25, name: str = "localhost", timeout: float = 20.0, ca_file: str = "") -> Server:
    """Look at one address of an MX host: twice, to see the certificate as served and whether it verifies.

    Args:
        host: The MX host: SNI, and what the certificate has to name (RFC 8461 §4.2).
        address: One of its addresses.
        port: 25, but for tests.
        name: What we call ourselves in EHLO.
        timeout: Seconds for each look.
        ca_file: A private CA; empty: the system's.
    """
    try:
        with _tls(host, address, port, name, timeout, _unverified()) as seen:
            chain, version = _chain_of(seen), seen.version() or ""
    except _NoTlsError as err:
        return Server(reachable=True, trouble=str(err))
    except ssl.SSLError as err:
        return Server(reachable=True, starttls=True, trouble=f"no TLS 1.2 or newer: {err.reason or err}")
    except (OSError, UnicodeDecodeError) as err:
        return Server(reachable=False, trouble=_why(err))
    try:
        with _tls(host, address, port, name, timeout, ssl.create_default_context(cafile=ca_file or None)):
            return Server(True, True, version, chain, verifies=True)
    except ssl.SSLCertVerificationError as err:
        return Server(True, True, version, chain, verify_says=err.verify_message)
    except (OSError, UnicodeDecodeError, _NoTlsError) as err:
        return Server(True, True, version, chain, trouble=_why(err))


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # we look at what is served; whether it verifies is the second look
    return context


@contextlib.contextmanager
def _tls(host: str, address: str, port: int, name: str, timeout: float, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:  # noqa: PLR0917
    """Connect, say EHLO, ask for STARTTLS, and shake hands."""
    deadline = time.monotonic() + timeout
    with socket.create_connection((address, port), timeout=timeout) as plain:
        reader = plain.makefile("rb")
        _reply(plain, reader, deadline, b"", wanted=b"220")
        offered = _reply(plain, reader, deadline, b"EHLO " + name.encode("ascii") + b"\r\n", wanted=b"250")
        if not any(line[4:].strip().upper() == b"STARTTLS" for line in offered):
            raise _NoTlsError("STARTTLS is not offered")
        _reply(plain, reader, deadline, b"STARTTLS\r\n", wanted=b"220")
        with context.wrap_socket(plain, server_hostname=host) as tls:
            yield tls


def _reply(plain: socket.socket, reader: Any, deadline: float, command: bytes, *, wanted: bytes) -> list[bytes]:
    plain.settimeout(max(0.1, deadline - time.monotonic()))
    if command:
        plain.sendall(command)
    lines: list[bytes] = []
    while len(lines) < _LINES:
        plain.settimeout(max(0.1, deadline - time.monotonic()))
        line: bytes = reader.readline(_LINE_BYTES)
        if not line:
            raise ConnectionResetError("the server closed the connection")
        lines.append(line)
        if line[3:4] != b"-":
            break
    if not lines[-1].startswith(wanted):
        said = lines[-1][:80].decode("ascii", "replace").strip()
        where = command.split(b" ")[0].strip().decode("ascii") or "the greeting"
        raise _NoTlsError(f"the server answers {where} with {said!r}")
    return lines


def _chain_of(tls: ssl.SSLSocket) -> tuple[Certificate, ...]:
    from cryptography import x509

    inner: Any = tls
    if not hasattr(tls, "get_unverified_chain"):  # public from Python 3.13 on
        inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    chain = [each if isinstance(each, bytes) else each.public_bytes(2) for each in inner.get_unverified_chain() or ()]
    return tuple(x509.load_der_x509_certificate(each) for each in chain)


def _why(err: Exception) -> str:
    if isinstance(err, TimeoutError):
        return "no answer in time"
    if isinstance(err, ConnectionRefusedError):
        return "the connection is refused"
    return str(err.strerror if isinstance(err, OSError) and err.strerror else err) or type(err).__name__
