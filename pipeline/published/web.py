"""Fetching the policy file as a sender would (RFC 8461 §3.3): SNI, certificate of the policy host, status 200, no redirect, 64 KB."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.published.policy_text import LARGEST_BYTES
from pipeline.published.time_limit import LookDeadline, is_ours, why_not

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence

PATH = "/.well-known/mta-sts.txt"


class Trouble(NamedTuple):
    """Why nothing was served."""

    kind: str
    """unreachable (refused), no-answer (in time, no route, or cut), no-network (of this machine), certificate or protocol."""
    says: str
    address: str = ""


class PolicyAnswer(NamedTuple):
    """What the policy host served."""

    body: bytes
    status: int
    media_type: str
    location: str
    """Where a redirect would lead; senders do not follow it."""
    encoding: str = ""
    """Content-Encoding; we ask for none."""
    troubles: tuple[Trouble, ...] = ()
    """Of other addresses of the host."""


def fetch(host: str, addresses: Sequence[str], *, port: int = 443, timeout: float = 10.0, ca_file: str = "") -> PolicyAnswer | Trouble:
    """Fetch the policy from every address of its host, all at once; what the first one serves that serves any counts.

    Args:
        host: `mta-sts.<domain>`: asked for by SNI and Host, and what the certificate has to name.
        addresses: Of the host, looked up before.
        port: 443, but for tests.
        timeout: Seconds, for all of it.
        ca_file: A private CA; empty: the system's.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not addresses:
        return Trouble("unreachable", f"{host} has no address")
    context = ssl.create_default_context(cafile=ca_file or None)
    with ThreadPoolExecutor(max_workers=len(addresses)) as threads:
        answers = list(threads.map(lambda address: _fetch(host, address, port, LookDeadline(timeout), context), addresses))
    troubles = tuple(answer for answer in answers if isinstance(answer, Trouble))
    served = next((answer for answer in answers if isinstance(answer, PolicyAnswer)), None)
    if served is not None:
        return served._replace(troubles=troubles)
    return min(troubles, key=lambda trouble: _TELLING.index(trouble.kind))


_TELLING = ("certificate", "protocol", "unreachable", "no-answer", "no-network")
"""The kinds of trouble, the one that says most of the host first."""


def _fetch(host: str, address: str, port: int, deadline: LookDeadline, context: ssl.SSLContext) -> PolicyAnswer | Trouble:
    try:
        with deadline.connect(address, port) as plain:
            plain.settimeout(deadline.left())
            with context.wrap_socket(plain, server_hostname=host) as tls:
                return _get(tls, host, deadline)
    except ssl.SSLCertVerificationError as err:
        return Trouble("certificate", f"the certificate at {address} does not verify: {err.verify_message}", address)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
        return Trouble("no-answer", f"{address} port {port}: the connection was cut", address)
    except ssl.SSLError as err:
        return Trouble("protocol", f"no TLS with {address}: {err.reason or err}", address)
    except http.client.HTTPException as err:
        return Trouble("protocol", f"{address} port {port}: no HTTP answer ({type(err).__name__})", address)
    except (OSError, ValueError) as err:
        kind = "no-network" if is_ours(err) else "unreachable" if isinstance(err, ConnectionRefusedError) else "no-answer"
        return Trouble(kind, f"{address} port {port}: {why_not(err, address)}", address)


class _Source:
    """What `http.client` reads from: one connection with one deadline."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, *_: Any) -> io.BufferedReader:
        return self._reader


def _get(tls: ssl.SSLSocket, host: str, deadline: LookDeadline) -> PolicyAnswer:
    request = f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tlsrpt-analytics\r\nAccept: text/plain\r\nConnection: close\r\n\r\n"
    deadline.send(tls, request.encode("ascii"))
    source: Any = _Source(deadline.reader(tls))
    response = http.client.HTTPResponse(source, method="GET")
    response.begin()
    body = bytearray()
    while len(body) <= LARGEST_BYTES:
        piece = response.read1(16_384)
        if not piece:
            break
        body += piece
    media_type = (response.getheader("Content-Type") or "").split(";")[0].strip().lower()
    encoding = (response.getheader("Content-Encoding") or "").strip().lower()
    return PolicyAnswer(bytes(body), response.status, media_type, response.getheader("Location") or "", encoding)
