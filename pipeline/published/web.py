"""Fetching the policy file as a sender would (RFC 8461 §3.3): SNI, certificate of the policy host, status 200, no redirect, 64 KB."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published.policy_text import LARGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH = "/.well-known/mta-sts.txt"


class Fetched(NamedTuple):
    """What the policy host served."""

    body: bytes
    status: int
    media_type: str
    location: str
    """Where a redirect would lead; senders do not follow it."""


class Trouble(NamedTuple):
    """Why nothing was served."""

    kind: str
    """unreachable, certificate or protocol."""
    says: str


def fetch(host: str, addresses: Sequence[str], *, port: int = 443, timeout: float = 10.0, ca_file: str = "") -> Fetched | Trouble:
    """Fetch the policy from the first address that answers.

    Args:
        host: `mta-sts.<domain>`: asked for by SNI and Host, and what the certificate has to name.
        addresses: Of the host, looked up before.
        port: 443, but for tests.
        timeout: Seconds, for all of it.
        ca_file: A private CA; empty: the system's.
    """
    deadline = time.monotonic() + timeout
    context = ssl.create_default_context(cafile=ca_file or None)
    trouble = Trouble("unreachable", f"{host} has no address")
    for address in addresses:
        try:
            left = max(0.1, deadline - time.monotonic())
            with socket.create_connection((address, port), timeout=left) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
                return _get(tls, host, deadline)
        except ssl.SSLCertVerificationError as err:
            return Trouble("certificate", f"the certificate at {address} does not verify: {err.verify_message}")
        except ssl.SSLError as err:
            trouble = Trouble("protocol", f"no TLS with {address}: {err.reason or err}")
        except (OSError, http.client.HTTPException) as err:
            trouble = Trouble("unreachable", f"{address} port {port}: {_why(err)}")
    return trouble


def _get(tls: ssl.SSLSocket, host: str, deadline: float) -> Fetched:
    request = f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tlsrpt-analytics\r\nAccept: text/plain\r\nConnection: close\r\n\r\n"
    tls.settimeout(max(0.1, deadline - time.monotonic()))
    tls.sendall(request.encode("ascii"))
    response = http.client.HTTPResponse(tls, method="GET")
    response.begin()
    body = bytearray()
    while len(body) <= LARGEST_BYTES:
        tls.settimeout(max(0.1, deadline - time.monotonic()))
        piece = response.read1(16_384)
        if not piece:
            break
        body += piece
    media_type = (response.getheader("Content-Type") or "").split(";")[0].strip().lower()
    return Fetched(bytes(body), response.status, media_type, response.getheader("Location") or "")


def _why(err: Exception) -> str:
    if isinstance(err, TimeoutError):
        return "no answer in time"
    if isinstance(err, ConnectionRefusedError):
        return "the connection is refused"
    return err.strerror if isinstance(err, OSError) and err.strerror else f"{type(err).__name__}"
