"""DKIM key records out of the DNS: bounded in time, cached, and telling "there is none" from "nobody answered".

Only names of the form `<s=>._domainkey.<d=>` are asked for, after alignment, and their labels are checked (RFC 6376 §3.6.2.1).
"""

from __future__ import annotations

import re
import socket
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.report.keys.identity import organisational_domain

if TYPE_CHECKING:
    import dns.resolver

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[^\[\]:\s]+))(?::(?P<port>\d{1,5}))?")

GIVE_UP_AFTER = 20
"""Temporary failures in a row after which the resolver itself is suspected."""

GIVE_UP_ON_ZONE_AFTER = 3
"""Temporary failures after which one organisational domain is not asked about again in this run: a sender who mails from a dead zone costs
a few timeouts, not one a mail."""

_NEGATIVE_SECONDS = 300.0
_LEAST_SECONDS = 60.0
_MOST_SECONDS = 3600.0


class DnsTempError(Exception):
    """Nobody answered (SERVFAIL, REFUSED, timeout, no route): the next run may know more."""


@lru_cache(maxsize=256)  # a name out of a signature may have kilobytes
def is_host_name(name: str) -> bool:
    """Whether `name` is a sequence of DNS labels (letters, digits, hyphen, underscore) of at most 253 characters."""
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of `host`, `host:port` or `[v6]:port`; the port is 53 where none is given.

    Raises:
        ConfigError: It is none of these.
    """
    match = _ADDRESS.fullmatch(address.strip())
    port = int(match["port"] or 53) if match else 0
    if not match or not 0 < port < 65536:
        raise ConfigError(f"setting trust.resolver {address!r} is not of the form host:port; write for example 127.0.0.1:53")
    return match["six"] or match["host"], port


class Resolver:
    """Looks up TXT records; one per process and run.

    Attributes:
        down: Whether so many look-ups failed that no more are made in this run.
    """

    def __init__(self, address: str = "", *, timeout: float = 5.0, cache_names: int = 4096) -> None:
        """Prepare; nothing is asked and no file read before the first look-up.

        Args:
            address: host:port of a resolver of one's own; empty: the system's.
            timeout: Seconds one look-up may take, all tries together.
            cache_names: Answers kept, "there is none" included.

        Raises:
            ConfigError: The address is not of the form host:port.
        """
        self._address = parse_address(address) if address else None
        self._timeout = timeout
        self._cache_names = cache_names
        self._cache: OrderedDict[str, tuple[float, tuple[bytes, ...] | None]] = OrderedDict()
        self._resolver: dns.resolver.Resolver | None = None
        self._failures_in_a_row = 0
        self._failures_of_zone: dict[str, int] = {}
        self.down = False

    def texts(self, selector: str, domain: str) -> tuple[bytes, ...]:
        """Return the TXT records of a DKIM key, sorted, the strings of each joined; empty where the name or the type does not exist.

        Raises:
            DnsTempError: Nobody answered, or the resolver is considered down.
        """
        name = f"{selector}._domainkey.{domain}".lower()
        if not (is_host_name(name) and "." in domain):
            return ()
        kept = self._cache.get(name)
        if kept is not None and kept[0] > time.monotonic():
            self._cache.move_to_end(name)
            if kept[1] is None:
                raise DnsTempError(f"no answer about {name} a moment ago")
            return kept[1]
        return self._ask(name, organisational_domain(domain.lower()))

    def _ask(self, name: str, zone: str) -> tuple[bytes, ...]:
        if self.down:
            raise DnsTempError("the resolver is considered down")
        if self._failures_of_zone.get(zone, 0) >= GIVE_UP_ON_ZONE_AFTER:
            raise DnsTempError(f"{zone} did not answer before")
        try:
            texts, seconds = self._query(name)
        except DnsTempError:
            self._failures_of_zone[zone] = self._failures_of_zone.get(zone, 0) + 1
            self._keep(name, None, _NEGATIVE_SECONDS)
            self._count_failure()
            raise
        self._failures_in_a_row = 0
        self._failures_of_zone.pop(zone, None)
        self._keep(name, texts, seconds)
        return texts

    def _count_failure(self) -> None:
        """Suspect the resolver after many failures; whether it is at fault, the root zone tells: no sender can make that one fail."""
        self._failures_in_a_row += 1
        if self._failures_in_a_row < GIVE_UP_AFTER:
            return
        self._failures_in_a_row = 0
        self.down = not self.answers()

    def answers(self) -> bool:
        """Whether the resolver answers at all: asked about the root zone, any answer will do."""
        import dns.exception
        import dns.resolver

        try:
            self._started().resolve(".", "SOA", raise_on_no_answer=False, lifetime=self._timeout)
        except dns.resolver.NXDOMAIN:
            return True
        except (dns.exception.DNSException, OSError):
            return False
        return True

    def _query(self, name: str) -> tuple[tuple[bytes, ...], float]:
        import dns.exception
        import dns.resolver

        try:
            answer = self._started().resolve(name, "TXT", raise_on_no_answer=False, lifetime=self._timeout)
        except dns.resolver.NXDOMAIN:
            return (), _NEGATIVE_SECONDS
        except (dns.exception.DNSException, OSError) as err:
            raise DnsTempError(f"no answer about {name}: {type(err).__name__}") from err
        if answer.rrset is None:
            return (), _NEGATIVE_SECONDS
        texts = tuple(sorted(b"".join(record.strings) for record in answer.rrset))
        return texts, min(max(float(answer.rrset.ttl), _LEAST_SECONDS), _MOST_SECONDS)

    def _keep(self, name: str, texts: tuple[bytes, ...] | None, seconds: float) -> None:
        self._cache[name] = (time.monotonic() + seconds, texts)
        self._cache.move_to_end(name)
        if len(self._cache) > self._cache_names:
            self._cache.popitem(last=False)

    def _started(self) -> dns.resolver.Resolver:
        import dns.resolver

        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=self._address is None)
            if self._address is not None:
                host, port = self._address
                resolver.nameservers = [str(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0])]
                resolver.port = port
            resolver.cache = None
            # EDNS, so that a key of several strings fits; without, every answer beyond 512 bytes is asked for again over TCP.
            resolver.use_edns(0, 0, 1232)
            self._resolver = resolver
        return self._resolver
