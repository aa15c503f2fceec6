"""The metrics on a port of their own, for a Prometheus that scrapes; each answer is kept for a while, so that scraping costs little."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from pipeline import log
from pipeline.errors import TlsrptError, UsageError
from pipeline.notify.metrics import KeptMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_CONNECTIONS = 64
"""So many are open at a time; one more ends the oldest, so that who opens many and says nothing keeps nobody out."""
NOT_GIVEN = "the metrics cannot be given now; the log of the program says why\n"


class MetricsServer(ThreadingHTTPServer):
    """Answers GET /metrics, and nothing else."""

    daemon_threads = True

    def __init__(self, listen: str, measure: Callable[[], str]) -> None:
        """Take the port.

        Args:
            listen: HOST:PORT; an IPv6 address in brackets.
            measure: Gives the metrics; it may raise a `TlsrptError`, which answers 503.

        Raises:
            UsageError: It is no such place, or somebody listens there already.
        """
        self.metrics = KeptMetrics(measure)
        self._open: dict[socket.socket, None] = {}
        self._opening = threading.Lock()
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError(f"cannot listen on {listen[:80]!r}: say HOST:PORT, such as 127.0.0.1:9465")
        try:
            super().__init__((host.strip("[]"), int(port)), _Scrape)
        except (OSError, OverflowError) as err:
            why = getattr(err, "strerror", None) or str(err)
            raise UsageError(f"cannot listen on {listen[:80]!r}: {why}; say HOST:PORT, such as 127.0.0.1:9465") from err

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, and let go of the oldest connection where there are too many."""
        with self._opening:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > MOST_CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._opening:
            self._open.pop(request, None)
        super().shutdown_request(request)


class _Scrape(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = 30
    """Seconds for a request to come."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(404, f"the metrics are at {PATH}\n")
            return
        try:
            self._answer(200, self.server.metrics.text())
        except TlsrptError as err:
            log.warning("metrics-not-given", reason=err)
            self._answer(503, NOT_GIVEN)

    def _answer(self, status: int, words: str) -> None:
        body = words.encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "tlsrpt"

    def log_message(self, *_: object) -> None:
        """Say nothing of each scrape."""
