"""Receivers of notices on loopback that behave as told: they answer, fail, hang up, and remember every request."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """An HTTP server that remembers what was posted.

    `answers` are the status codes to give, the last one for ever; 0 hangs up, -1 never answers, -2 sends a byte now and then for ever.
    """

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers) or [200]
        self._stopped = threading.Event()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.requests.append((self.path, dict(self.headers), body))
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                if status == -1:
                    receiver._stopped.wait(120)
                while status == -2 and not receiver._stopped.wait(0.05):
                    self.wfile.write(b"H")
                if status == -2:
                    self.close_connection = True
                    return
                if status <= 0:
                    self.connection.close()
                    return
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def bodies(self) -> list:
        return [json.loads(body) for _, _, body in self.requests]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiver(*answers: int):
    made = Receiver(*answers)
    made.start()
    try:
        yield made
    finally:
        made.stop()
