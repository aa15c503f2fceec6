"""A token server on loopback, over HTTPS: what the Microsoft and Google libraries talk to in the tests."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TokenServer(ThreadingHTTPServer):
    """Answers token requests with `answers`, one after the other; the last one stays. Keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict]] = [(200, {})]
        self.issued = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"

    def next_answer(self, form: dict[str, str]) -> tuple[int, dict]:
        self.asked.append(form)
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status != 200:
            return status, answer
        self.issued += 1
        fresh = {"token_type": "Bearer", "access_token": f"token-{self.issued}", "expires_in": 3600}
        if form["grant_type"] not in ("client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
            fresh |= {
                "scope": "https://outlook.office.com/IMAP.AccessAsUser.All",
                "refresh_token": f"refresh-{self.issued}",
                "client_info": _base64url({"uid": "u", "utid": "t"}),
                "id_token": _id_token(),
            }
        return 200, fresh | answer


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path.endswith("/.well-known/openid-configuration"):
            base = f"{self.server.url}/tenant"
            self._reply(
                200,
                {
                    "issuer": base,
                    "token_endpoint": f"{base}/token",
                    "authorization_endpoint": f"{base}/authorize",
                    "device_authorization_endpoint": f"{base}/device",
                },
            )
        elif path.path.endswith("/authorize"):
            # A browser that signs in and is sent back.
            query = {name: values[0] for name, values in parse_qs(path.query).items()}
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': 'code-1', 'state': query['state']})}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._reply(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self.path.endswith("/device"):
            self._reply(
                200,
                {
                    "device_code": "device-1",
                    "user_code": "ABCD-EFGH",
                    "verification_uri": f"{self.server.url}/devicelogin",
                    "expires_in": 5,
                    "interval": 0,
                    "message": f"Open {self.server.url}/devicelogin and enter ABCD-EFGH",
                },
            )
        else:
            self._reply(*self.server.next_answer(form))

    def _reply(self, status: int, answer: dict) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    """Run a server; its authority is in `folder`/ca.pem."""
    authority = Authority("token test CA")
    certificate, key = authority.issue("localhost")
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    (folder / "token.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "token.pem")
    server = TokenServer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _base64url(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _id_token() -> str:
    claims = {
        "iss": "x",
        "aud": "client-1",
        "exp": 4_000_000_000,
        "sub": "u",
        "oid": "u",
        "tid": "t",
        "preferred_username": "rua@example.org",
    }
    return f"{_base64url({'alg': 'none'})}.{_base64url(claims)}."
