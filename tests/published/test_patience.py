"""Servers that never stop answering: each look has one deadline, and a check of many of them takes no longer than of one."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from pipeline.cli import main
from pipeline.published import smtp, web
from pipeline.published.check import check_domain
from pipeline.published.look_settings import Ways
from tests.authority import Authority
from tests.ports import free_port
from tests.published.servers import LOOPBACK, context_of, names

TIMEOUT = 1.0
SAFETY = 30.0
"""Seconds over the deadline: the servers go on for ever, so that ending at all is what is shown."""


@contextlib.contextmanager
def trickling(address: str, port: int, first: bytes, again: bytes, context=None):
    """Answer, and then go on answering, a little at a time, for ever; with a context over TLS."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) if context else self.request as connection,
            ):
                connection.sendall(first)
                while not ended.wait(0.1):
                    connection.sendall(again)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *args):
            pass

    ended = threading.Event()
    with Server((address, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield
        ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    ours = Authority("Our CA")
    ca_file = tmp_path_factory.mktemp("patience") / "ca.pem"
    ca_file.write_bytes(ours.certificate_pem)
    return ours, str(ca_file)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\n", b"v"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nv\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b""),
    ],
    ids=["body", "chunks", "header", "headers", "continue", "nothing"],
)
def test_a_policy_host_that_trickles_is_left_at_the_deadline(authority, first, again):
    ours, ca_file = authority
    port = free_port(LOOPBACK)
    with trickling(LOOPBACK, port, first, again, context_of(*ours.issue("mta-sts.slow.example", days=(-10, 80)))):
        begun = time.monotonic()
        answer = web.fetch("mta-sts.slow.example", [LOOPBACK], port=port, timeout=TIMEOUT, ca_file=ca_file)
        assert time.monotonic() - begun < 30
    assert isinstance(answer, web.Trouble)
    assert answer.kind in {"no-answer", "protocol"}


@pytest.mark.parametrize(
    ("first", "again"),
    [(b"220-", b"x"), (b"220-mx\r\n", b"220-more\r\n"), (b"220 mx\r\n250-", b"x"), (b"220 mx\r\n", b"250-more\r\n"), (b"", b"")],
    ids=["banner", "banner lines", "reply", "reply lines", "nothing"],
)
def test_a_mail_server_that_trickles_is_left_at_the_deadline(first, again):
    port = free_port(LOOPBACK)
    with trickling(LOOPBACK, port, first, again):
        begun = time.monotonic()
        server = smtp.look("mx.slow.example", LOOPBACK, port=port, timeout=TIMEOUT)
        assert time.monotonic() - begun < 30
    assert server.state in {"unreachable", "refused", "ehlo-refused"}


def test_the_command_takes_as_long_for_twelve_slow_servers_as_for_one(authority, tmp_path, capsys):
    ours, ca_file = authority
    addresses = [f"127.0.3.{number}" for number in range(1, 13)]
    zone = '_mta-sts.slow.example. 60 IN TXT "v=STSv1; id=1;"\nmta-sts.slow.example. 60 IN A 127.0.3.1\n'
    zone += '_smtp._tls.slow.example. 60 IN TXT "v=TLSRPTv1; rua=mailto:tls@slow.example"\n'
    zone += "".join(
        f"slow.example. 60 IN MX {number} mx{number}.slow.example.\nmx{number}.slow.example. 60 IN A {address}\n"
        for number, address in enumerate(addresses)
    )
    mail_port, web_port = free_port(*addresses), free_port(addresses[0])
    with ExitStack() as held:
        for address in addresses:
            held.enter_context(trickling(address, mail_port, b"220-", b"x"))
        context = context_of(*ours.issue("mta-sts.slow.example", days=(-10, 80)))
        held.enter_context(trickling(addresses[0], web_port, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", context))
        resolver = held.enter_context(names(zone, {}))
        (tmp_path / "tlsrpt.toml").write_text(
            f'[lake]\npath = "{tmp_path}/lake"\n[check]\nresolver = "{resolver}"\ntimeout = 2.0\nca_file = "{ca_file}"\n'
            f"https_port = {web_port}\nsmtp_port = {mail_port}\n"
        )
        begun = time.monotonic()
        code = main(["--config", str(tmp_path / "tlsrpt.toml"), "check", "slow.example", "--no-store", "--format", "json"])
        assert time.monotonic() - begun < 12 * 2.0 / 2  # one after the other they would take 26 seconds
    (checked,) = json.loads(capsys.readouterr().out)
    assert code == 75
    assert [each["severity"] for each in checked["findings"] if each["check"] in {"smtp", "sts-policy"}] == ["unknown"] * 13


def test_a_name_server_that_does_not_answer_is_left_at_the_deadline():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((LOOPBACK, 0))
        begun = time.monotonic()
        ways = Ways(resolver=f"{LOOPBACK}:{deaf.getsockname()[1]}", timeout=TIMEOUT)
        checked = check_domain("slow.example", ways, now=datetime.now(UTC))
        assert time.monotonic() - begun < 30
    assert {finding.severity for finding in checked.findings} == {"unknown"}
