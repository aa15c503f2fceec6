"""Servers of a small internet on loopback: a signed zone, a validating resolver, a web server, and mail servers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dns.dnssec
import dns.message
import dns.query
import dns.rdatatype
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.published import source_ttl
from tests.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# -- names -----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def names(signed: str, unsigned: Mapping[str, str], *, spoil: str = "", spoil_type: str = "TXT") -> Iterator[str]:
    """Serve the zone `example.`, signed, and unsigned zones below it; yield the address of a validating resolver.

    The signatures over the TXT records, or those of another type, of the name `spoil` are broken.
    """
    folder = Path(tempfile.mkdtemp(prefix="names-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        anchor = _write_zones(folder, signed, unsigned, spoil, spoil_type)
        authoritative, resolver = free_port(LOOPBACK), free_port(LOOPBACK)
        _configure(folder, ["example.", *unsigned], authoritative, resolver, anchor)
        with (
            _running(["nsd", "-d", "-c", f"{folder}/nsd.conf"], authoritative),
            _running(["unbound", "-d", "-c", f"{folder}/unbound.conf"], resolver),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(source_ttl, "PORT", authoritative)
            yield f"{LOOPBACK}:{resolver}"
    finally:
        shutil.rmtree(folder)


def _write_zones(folder: Path, signed: str, unsigned: Mapping[str, str], spoil: str, spoil_type: str) -> str:
    zone = dns.zone.from_text(_SOA + signed, origin="example.", relativize=False)
    key = ec.generate_private_key(ec.SECP256R1())
    dnskey = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", flags=257)
    now = datetime.now(UTC)
    with zone.writer() as transaction:
        dns.dnssec.sign_zone(
            zone, transaction, keys=[(key, dnskey)], inception=now - timedelta(hours=2), expiration=now + timedelta(days=2), dnskey_ttl=60
        )
    text = zone.to_text(relativize=False)
    if spoil:
        text = "\n".join(
            _spoilt(line) if line.startswith(f"{spoil}. ") and f"RRSIG {spoil_type}" in line else line for line in text.splitlines()
        )
    (folder / "example.zone").write_text(text + "\n", encoding="utf-8")
    for name, records in unsigned.items():
        (folder / f"{name}zone").write_text(_SOA.replace("example.", name) + records, encoding="utf-8")
    return f"example. IN DNSKEY {dnskey.to_text()}"


_SOA = """example. 60 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60
example. 60 IN NS ns.example.
ns.example. 60 IN A 127.0.0.1
"""


def _spoilt(line: str) -> str:
    return line[:-8] + ("AAAA" if line[-8:-4] != "AAAA" else "BBBB") + line[-4:]


def _configure(folder: Path, zones: list[str], authoritative: int, resolver: int, anchor: str) -> None:
    served = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{folder}/{name}zone"\n' for name in zones)
    (folder / "nsd.conf").write_text(
        f"""server:
  ip-address: {LOOPBACK}@{authoritative}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
remote-control:
  control-enable: no
{served}""",
        encoding="utf-8",
    )
    stubs = "".join(f'stub-zone:\n  name: "{name}"\n  stub-addr: {LOOPBACK}@{authoritative}\n' for name in zones)
    (folder / "unbound.conf").write_text(
        f"""server:
  interface: {LOOPBACK}@{resolver}
  port: {resolver}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  logfile: "{folder}/unbound.log"
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  trust-anchor: "{anchor}"
  module-config: "validator iterator"
remote-control:
  control-enable: no
{stubs}""",
        encoding="utf-8",
    )


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise RuntimeError(f"{command[0]} is not installed; apt-get install {command[0]}")
    process = subprocess.Popen([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _await_answer(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    query = dns.message.make_query("ns.example.", "A")
    for _ in range(100):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended: {process.stderr.read().decode()}")
        with contextlib.suppress(dns.exception.Timeout, OSError):
            if dns.query.udp(query, LOOPBACK, timeout=0.2, port=port).answer:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer")


# -- web -------------------------------------------------------------------------------------------------------------------


class Page(NamedTuple):
    """What the web server says to one host name."""

    body: bytes
    status: int = 200
    media_type: str = "text/plain"
    location: str = ""
    encoding: str = ""


@contextlib.contextmanager
def web(pages: Mapping[str, Page], certificates: Mapping[str, tuple[bytes, bytes]]) -> Iterator[int]:
    """Serve pages by host name over TLS on 127.0.0.1, each with its own certificate; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.headers["Host"], Page(b"", 404))
            self.send_response(page.status)
            if page.media_type:
                self.send_header("Content-Type", page.media_type)
            if page.encoding:
                self.send_header("Content-Encoding", page.encoding)
            if page.location:
                self.send_header("Location", page.location)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            pass  # a client that refuses the certificate is what some tests want

        def finish_request(self, request: socket.socket, client_address: object) -> None:
            with chosen.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)

    contexts = {name: context_of(*pair) for name, pair in certificates.items()}
    chosen = next(iter(contexts.values()))

    def choose(tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        if name in contexts:
            tls.context = contexts[name]

    chosen.sni_callback = choose
    with _served(Server((LOOPBACK, 0), Handler)) as server:
        yield server.server_address[1]


def context_of(certificate: bytes, key: bytes, *, oldest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A server's context; with `oldest` it knows that version and no newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)
    if oldest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an old version is what the test is about
            context.minimum_version, context.maximum_version = oldest, oldest
    return context


# -- mail ------------------------------------------------------------------------------------------------------------------


class MailServer(NamedTuple):
    """How one address behaves; without a context it has no STARTTLS."""

    context: ssl.SSLContext | None
    greeting: bytes = b"220 mx ESMTP\r\n"
    ehlo: bytes = b""
    """Its answer to EHLO; empty: the usual one."""
    starttls: bytes = b"220 go ahead\r\n"


@contextlib.contextmanager
def mail(servers: Mapping[str, MailServer]) -> Iterator[int]:
    """Run mail servers by address, all on one port; yield the port."""
    port = free_port(*servers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            behaviour = servers[self.server.server_address[0]]
            with contextlib.suppress(OSError):
                _speak(self.request, behaviour)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with contextlib.ExitStack() as held:
        for address in servers:
            held.enter_context(_served(Server((address, port), Handler)))
        yield port


def _speak(connection: socket.socket, behaviour: MailServer) -> None:
    connection.settimeout(10)
    if not behaviour.greeting:
        return
    connection.sendall(behaviour.greeting)
    lines = connection.makefile("rb")
    while line := lines.readline(1000):
        word = line.split()[0].upper() if line.split() else b""
        if word == b"EHLO":
            usual = b"250-mx\r\n" + (b"250-STARTTLS\r\n" if behaviour.context else b"") + b"250 SIZE\r\n"
            connection.sendall(behaviour.ehlo or usual)
        elif word == b"STARTTLS" and behaviour.context:
            connection.sendall(behaviour.starttls)
            if not behaviour.starttls.startswith(b"220"):
                continue
            if behaviour.starttls.endswith(b"bye\r\n"):
                return
            with behaviour.context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1000)
            return
        else:
            connection.sendall(b"502 no\r\n")


@contextlib.contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
