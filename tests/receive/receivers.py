"""A running `tlsrpt receive` over TLS, and what is posted to it."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.spool import Spool
from tests.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
GZIP, JSON, MAIL = "application/tlsrpt+gzip", "application/tlsrpt+json", "message/rfc822"
TOKEN = "a token of more than sixteen characters"
PATIENCE = 120
_PROGRAM = """
import sys
from pipeline import failpoint
from pipeline.cli import main
failpoint.arm(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: bytes


class Receiver:
    """One process, its spool, and how to get at it."""

    def __init__(self, process: subprocess.Popen[bytes], spool: Spool, trusted: ssl.SSLContext | None, port: int) -> None:
        self.process, self.spool, self.trusted, self.port = process, spool, trusted, port

    def connection(self) -> http.client.HTTPConnection:
        if self.trusted is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.trusted)

    def ask(self, method: str, path: str, body=None, **headers: str) -> Answer:
        there = self.connection()
        try:
            there.request(method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = there.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            there.close()

    def post(self, body, media: str = GZIP, **headers: str) -> Answer:
        return self.ask("POST", "/v1/tlsrpt", body, Content_Type=media, **headers)

    def contents(self) -> list[bytes | None]:
        return [self.spool.read(entry) for file in self.spool.files() for entry in self.spool.entries(file) or ()]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def receiver(place: Path, *, tls: bool = True, failpoint: str = "", more: str = "", **settings: object) -> Iterator[Receiver]:
    """Start one on a port of its own choice, and end it."""
    spool = Spool(str(place / "spool"))
    lines = [f'spool = "{spool.folder}"', "port = 0", "full_percent = 100", 'token_env = "RECEIVE_TOKEN"']
    trusted = None
    if tls:
        authority = Authority("receivers")
        certificate, key = authority.issue("127.0.0.1")
        (place / "ca.pem").write_bytes(authority.certificate_pem)
        (place / "cert.pem").write_bytes(certificate)
        (place / "key.pem").write_bytes(key)
        trusted = ssl.create_default_context(cadata=authority.certificate_pem.decode())
        lines += [f'cert_file = "{place}/cert.pem"', f'key_file = "{place}/key.pem"']
    lines += [f"{name} = {value!r}" for name, value in settings.items()]
    config = place / "receive.toml"
    config.write_text("[receive]\n" + "\n".join(lines) + f'\n[log]\nlevel = "info"\n[domains]\nown = ["example.org"]\n{more}\n')
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, failpoint, "--config", str(config), "receive"],
        cwd=ROOT,
        env={**os.environ, "RECEIVE_TOKEN": TOKEN},
        stderr=subprocess.PIPE,
    )
    try:
        yield Receiver(process, spool, trusted, _port(process))
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stderr.close()


def _port(process: subprocess.Popen[bytes]) -> int:
    """Wait for the line that names the port, and let nothing stop up the pipe after it."""
    said = []
    for line in process.stderr:
        said.append(line.decode())
        if found := re.match(r"listening .*port=(\d+)", said[-1]):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(found[1])
    raise AssertionError("".join(said))
