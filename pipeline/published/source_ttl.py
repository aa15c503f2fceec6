"""The TTL of records as their zone gives it: a resolver tells what is left of it where it had the records already."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PORT = 53
"""Of authoritative servers; another one in tests."""
_SERVERS = 3
"""Authoritative addresses that are asked, one after the other; one that answers is enough."""
_PATIENCE = 1.5
"""Seconds for one of them."""


class Sources:
    """Asks the authoritative servers of zones; what is known of a zone is asked once.

    Args:
        servers_of: Returns the name servers of a name, if it is the top of a zone.
        addresses_of: Returns the addresses of a host.
        timeout: Seconds for one question.
    """

    def __init__(self, servers_of: Callable[[str], Sequence[str]], addresses_of: Callable[[str], Sequence[str]], timeout: float) -> None:
        self._servers_of, self._addresses_of = servers_of, addresses_of
        self._timeout = min(timeout, _PATIENCE)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, ...]] = {}

    def ttl_seconds(self, owner: str, kind: str) -> int:
        """Return the TTL of records as an authoritative server gives it; 0 where none could be asked."""
        for address in self._of(owner)[:_SERVERS]:
            if ttl := _ttl(owner, kind, address, self._timeout):
                return ttl
        return 0

    def _of(self, owner: str) -> tuple[str, ...]:
        """Return the addresses of the servers of the zone that a name is in: the closest name above it that has name servers."""
        labels = owner.split(".")
        for place in range(len(labels)):
            name = ".".join(labels[place:])
            if name.startswith("_"):
                continue  # no zone begins there, and asking costs time
            with self._lock:
                known = self._known.get(name)
            if known is None:
                hosts = self._servers_of(name)[:_SERVERS]
                known = tuple(address for host in hosts for address in self._addresses_of(host))
                with self._lock:
                    self._known[name] = known
            if known:
                return known
        return ()


def _ttl(owner: str, kind: str, address: str, timeout: float) -> int:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdatatype

    query = dns.message.make_query(owner, kind)
    query.flags &= ~dns.flags.RD
    try:
        response = dns.message.from_wire(exchange(query.to_wire(), address, PORT, timeout), ignore_trailing=True)
    except (dns.exception.DNSException, OSError, ValueError):
        return 0
    wanted = dns.rdatatype.from_text(kind)
    if response.id != query.id or not response.flags & dns.flags.AA:
        return 0
    return max((rrset.ttl for rrset in response.answer if rrset.rdtype == wanted), default=0)


def exchange(question: bytes, address: str, port: int, timeout: float) -> bytes:
    """Send a question in one packet, where the resolver of the library does not do, and return the answer.

    Args:
        question: As it goes over the wire.
        address: Of the server, IPv4 or IPv6.
        port: Of the server, where it takes UDP.
        timeout: Seconds that are waited for the answer.

    Raises:
        OSError: There is no answer; at once where the port is closed.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout)
        asking.connect((address, port))
        asking.send(question)
        return asking.recv(65_535)
