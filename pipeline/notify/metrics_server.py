"""The metrics on a port of their own, for a Prometheus that scrapes; each answer is kept for a while, so that scraping costs little."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import TlsrptError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/metrics"
KEPT_SECONDS = 60.0
"""So old may an answer be."""


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
        self._measure = measure
        self._lock = threading.Lock()
        self._kept: tuple[float, str] | None = None
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError(f"cannot listen on {listen[:80]!r}: say HOST:PORT, such as 127.0.0.1:9465")
        try:
            super().__init__((host.strip("[]"), int(port)), _Scrape)
        except (OSError, OverflowError) as err:
            why = getattr(err, "strerror", None) or str(err)
            raise UsageError(f"cannot listen on {listen[:80]!r}: {why}; say HOST:PORT, such as 127.0.0.1:9465") from err

    def metrics(self) -> str:
        """Return the metrics, at most `KEPT_SECONDS` old; who comes meanwhile waits for the one that looks.

        Raises:
            TlsrptError: The lake cannot be read.
        """
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = time.monotonic(), self._measure()
            return self._kept[1]


class _Scrape(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = 30
    """Seconds for a request to come."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(404, f"the metrics are at {PATH}\n")
            return
        try:
            self._answer(200, self.server.metrics())
        except TlsrptError as err:
            log.warning("metrics-not-given", reason=err)
            self._answer(503, "the metrics cannot be given now; the log of the program says why\n")

    def _answer(self, status: int, words: str) -> None:
        body = words.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "tlsrpt"

    def log_message(self, *_: object) -> None:
        """Say nothing of each scrape."""
