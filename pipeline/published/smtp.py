"""Looking at a mail server as a sender would (RFC 3207): is STARTTLS offered, which TLS, which certificate, does it verify."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.published.time_limit import LookDeadline, is_ours, why_not

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

_LINE_BYTES = 4096
_LINES = 200
"""A reply has a few lines; more is not an SMTP server."""

State = Literal["tls", "unreachable", "no-network", "refused", "ehlo-refused", "temporary", "no-starttls", "no-tls"]
"""tls: a certificate was shown; unreachable: no connection, or it ended; no-network: this machine has no such network; refused: the
greeting turns us away; ehlo-refused; temporary: a 4xx to STARTTLS; no-starttls: not offered, or refused for good; no-tls: the handshake
failed."""


class Server(NamedTuple):
    """What one address of one MX host shows."""

    state: State
    tls_version: str = ""
    """As OpenSSL says it: TLSv1.2, TLSv1.3."""
    chain: tuple[Certificate, ...] = ()
    """As served, the server's own certificate first; not verified."""
    verifies: bool = False
    verify_says: str = ""
    """Why the certificate does not verify for the host, in OpenSSL's words."""
    trouble: str = ""
    """What went wrong, where something did: the server's words, or ours."""


class _RefusedError(Exception):
    """The server answers with another code than one that goes on."""

    def __init__(self, state: State, says: str) -> None:
        super().__init__(says)
        self.state: State = state


def own_name(connection: socket.socket) -> str:
    """Return a name for EHLO that servers accept: that of this machine, else its address as a literal (RFC 5321 §4.1.4)."""
    name = socket.getfqdn()
    if "." in name.strip(".") and not name.startswith("localhost") and name.isascii() and not name.endswith(".arpa"):
        return name.rstrip(".")
    address = str(connection.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def look(host: str, address: str, *, port: int = 25, name: str = "", timeout: float = 20.0, ca_file: str = "") -> Server:
    """Look at one address of an MX host; a second time, without verifying, where the certificate does not verify.

    Args:
        host: The MX host: SNI, and what the certificate has to name (RFC 8461 §4.2).
        address: One of its addresses.
        port: 25, but for tests.
        name: What we call ourselves in EHLO; empty: this machine's name.
        timeout: Seconds for both looks together.
        ca_file: A private CA; empty: the system's.
    """
    deadline = LookDeadline(timeout)
    says = ""
    try:
        try:
            with _tls(host, address, port, name, deadline, ssl.create_default_context(cafile=ca_file or None)) as seen:
                return Server("tls", seen.version() or "", _chain_of(seen), verifies=True)
        except ssl.SSLCertVerificationError as err:
            says = err.verify_message
        with _tls(host, address, port, name, deadline, _unverified()) as seen:
            return Server("tls", seen.version() or "", _chain_of(seen), verify_says=says)
    except _RefusedError as err:
        return Server(err.state, trouble=str(err))
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return Server("unreachable", trouble="the server closed the connection during the TLS handshake")
    except ssl.SSLError as err:
        return Server("no-tls", trouble=f"no TLS 1.2 or newer: {err.reason or err}")
    except (OSError, ValueError) as err:
        return Server("no-network" if is_ours(err) else "unreachable", trouble=why_not(err, address))


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # we look at what is served; that it does not verify is known
    return context


@contextlib.contextmanager
def _tls(host: str, address: str, port: int, name: str, deadline: LookDeadline, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:  # noqa: PLR0917
    """Connect, say EHLO, ask for STARTTLS, and shake hands."""
    with deadline.connect(address, port) as plain:
        reader = deadline.reader(plain)
        _reply(reader, "the greeting", "refused")
        deadline.send(plain, f"EHLO {name or own_name(plain)}\r\n".encode("ascii"))
        offered = _reply(reader, "EHLO", "ehlo-refused")
        if not any(line[4:].strip().upper() == b"STARTTLS" for line in offered):
            raise _RefusedError("no-starttls", "STARTTLS is not offered")
        deadline.send(plain, b"STARTTLS\r\n")
        _reply(reader, "STARTTLS", "no-starttls")
        plain.settimeout(deadline.left())
        with context.wrap_socket(plain, server_hostname=host) as tls:
            yield tls


def _reply(reader: io.BufferedReader, command: str, otherwise: State) -> list[bytes]:
    """Read a reply; one that is not positive ends the look in the state given, a 4xx to STARTTLS as temporary."""
    lines: list[bytes] = []
    while len(lines) < _LINES:
        line = reader.readline(_LINE_BYTES)
        if not line:
            raise ConnectionResetError(
                "the server closed the connection" if command == "the greeting" else f"the server hung up after {command}"
            )
        lines.append(line)
        if line[3:4] != b"-":
            break
    if not lines[-1].startswith(b"250" if command == "EHLO" else b"220"):
        said = lines[-1][:80].decode("ascii", "replace").strip()
        temporary = command == "STARTTLS" and lines[-1].startswith(b"4")
        raise _RefusedError("temporary" if temporary else otherwise, f"the server answers {command} with {said!r}")
    return lines


def _chain_of(tls: ssl.SSLSocket) -> tuple[Certificate, ...]:
    from cryptography import x509

    inner: Any = tls
    if not hasattr(tls, "get_unverified_chain"):  # public from Python 3.13 on
        inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    chain = [each if isinstance(each, bytes) else each.public_bytes(2) for each in inner.get_unverified_chain() or ()]
    return tuple(x509.load_der_x509_certificate(each) for each in chain)
