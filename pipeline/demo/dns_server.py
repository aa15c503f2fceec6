"""A real DNS server on loopback for DKIM keys: answers TXT from a zone, and can be told to fail name by name.

It lets the demo and the tests look up keys the way a mail server does, and see what happens when the resolver does not.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

BEHAVIOURS = ("answer", "servfail", "refused", "drop", "nxdomain", "empty")
"""What can be done with a name: answer from the zone, SERVFAIL, REFUSED, no answer at all, NXDOMAIN, an answer without records."""

_TTL_SECONDS = 300
_UDP_BYTES = 512
"""Longest answer over UDP to a client without EDNS (RFC 1035 §4.2.1); beyond it the answer is cut and asked again over TCP."""


class KeyServer:
    """The zone, how each name behaves, and what was asked; may be changed while it serves."""

    def __init__(self, zone: Mapping[str, str | bytes]) -> None:
        self.zone: dict[str, str | bytes] = {_plain(name): text for name, text in zone.items()}
        self.behaviour: dict[str, str] = {}
        """By name; `*` is for all others."""
        self.questions: list[str] = []
        """Names asked for, in order; a question over TCP after a cut answer counts again."""
        self.host = "127.0.0.1"
        self.port = 0

    @property
    def address(self) -> str:
        """`host:port`, as `[trust] resolver` takes it."""
        return f"{self.host}:{self.port}"

    def behave(self, behaviour: str, name: str = "*") -> None:
        """Change what is done with a name, or with all names.

        Args:
            behaviour: One of `BEHAVIOURS`.
            name: The name; `*`: every name without a behaviour of its own.
        """
        if behaviour not in BEHAVIOURS:
            raise ValueError(f"no behaviour is called {behaviour}; there are {', '.join(BEHAVIOURS)}")
        self.behaviour[_plain(name)] = behaviour

    def answer(self, wire: bytes, *, limit: int | None = None) -> bytes | None:
        """Answer one question, or None to keep silent.

        Args:
            wire: One question as it came (RFC 1035 §4), perhaps garbled.
            limit: Longest answer in bytes; a longer one is cut (UDP). None: no limit (TCP).
        """
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if not query.question:
            return None
        name = _plain(query.question[0].name.to_text())
        self.questions.append(name)
        behaviour = self.behaviour.get(name, self.behaviour.get("*", "answer"))
        if behaviour == "drop":
            return None
        response = self._response(query, name, behaviour)
        if limit is not None:
            limit = max(limit, query.payload) if query.edns >= 0 else limit
            if len(response.to_wire(max_size=65_535)) > limit:
                response.answer.clear()
                response.flags |= dns.flags.TC
        return response.to_wire(max_size=65_535)

    def _response(self, query: dns.message.Message, name: str, behaviour: str) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        codes = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED, "nxdomain": dns.rcode.NXDOMAIN}
        if behaviour in codes:
            response.set_rcode(codes[behaviour])
        elif behaviour == "answer":
            text = self.zone.get(name)
            if text is None:
                # A name above one of the zone exists without records (RFC 8020).
                if not any(known.endswith(f".{name}") for known in self.zone):
                    response.set_rcode(dns.rcode.NXDOMAIN)
            elif query.question[0].rdtype == dns.rdatatype.TXT:
                response.answer.append(_txt(query.question[0].name, text))
        return response


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _txt(name: dns.name.Name, text: str | bytes) -> dns.rrset.RRset:
    """A TXT record of character-strings of at most 255 bytes (RFC 1035 §3.3.14)."""
    raw = text.encode() if isinstance(text, str) else text
    strings = [raw[at : at + 255] for at in range(0, max(1, len(raw)), 255)]
    quoted = " ".join('"' + "".join(_escaped(byte) for byte in part) + '"' for part in strings)
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, quoted)
    return dns.rrset.from_rdata(name, _TTL_SECONDS, rdata)


def _escaped(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}"


class _Udp(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        """Answer one datagram."""
        wire, sock = self.request
        if (reply := self.server.keys.answer(wire, limit=_UDP_BYTES)) is not None:
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        """Answer the questions of one connection, each with its length before it (RFC 1035 §4.2.2)."""
        self.request.settimeout(10)
        with suppress(OSError):
            while len(head := self._read(2)) == 2:
                wire = self._read(int.from_bytes(head, "big"))
                if (reply := self.server.keys.answer(wire)) is None:
                    return
                self.request.sendall(len(reply).to_bytes(2, "big") + reply)

    def _read(self, length: int) -> bytes:
        got = b""
        while len(got) < length and (part := self.request.recv(length - len(got))):
            got += part
        return got


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65_535

    def __init__(self, keys: KeyServer) -> None:
        self.keys = keys
        super().__init__((keys.host, 0), _Udp)


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, keys: KeyServer, port: int) -> None:
        self.keys = keys
        super().__init__((keys.host, port), _Tcp)


@contextmanager
def serve_keys(zone: Mapping[str, str | bytes]) -> Iterator[KeyServer]:
    """Serve TXT records over UDP and TCP on one free port of 127.0.0.1, until the block ends.

    Args:
        zone: Name (such as `selector._domainkey.example.com`) to text.
    """
    keys = KeyServer(zone)
    udp, tcp = _bound_to_one_port(keys)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="demo-dns") for server in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield keys
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _bound_to_one_port(keys: KeyServer) -> tuple[_UdpServer, _TcpServer]:
    """Bind UDP to a free port and TCP to the same; another program may have the latter, so try some."""
    attempts = 50
    while True:
        udp = _UdpServer(keys)
        keys.port = udp.server_address[1]
        try:
            return udp, _TcpServer(keys, keys.port)
        except OSError:
            udp.server_close()
            attempts -= 1
            if not attempts:
                raise
