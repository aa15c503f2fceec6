"""A proxy on loopback that does to a connection what networks do: cut it, stall it, let it drip.

It counts the bytes that the server sends, as they go over the wire: with TLS, those of TLS. Every connection takes the next fault
of the list; when the list is used up, connections pass unharmed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Fault(NamedTuple):
    """What happens after so many bytes of the server."""

    after: int
    kind: str
    """cut: both sides are closed; stall: nothing more comes; drip: one byte at a time."""
    pause: float = 0.05
    """Seconds between two bytes of a drip."""


def cut(after: int) -> Fault:
    return Fault(after, "cut")


def stall(after: int) -> Fault:
    return Fault(after, "stall")


def drip(after: int, pause: float = 0.05) -> Fault:
    return Fault(after, "drip", pause)


class Proxy:
    """A running proxy."""

    def __init__(self, target: int, faults: Sequence[Fault], *, always: Fault | None) -> None:
        self.connections = 0
        self.bytes_from_server = 0
        self._target = target
        self._faults = list(faults)
        self._always = always
        self._closing = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def close(self) -> None:
        self._closing.set()
        for sock in (self._listener, *self._open):
            _shut(sock)
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            fault = self._faults.pop(0) if self._faults else self._always
            self.connections += 1
            self._open += [client, server]
            self._start(self._pump, client, server)
            self._start(self._pump_with_fault, server, client, fault)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        _shut(source)
        _shut(sink)

    def _pump_with_fault(self, server: socket.socket, client: socket.socket, fault: Fault | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                self.bytes_from_server += len(piece)
                if fault is None or passed + len(piece) <= fault.after:
                    client.sendall(piece)
                    passed += len(piece)
                    continue
                client.sendall(piece[: fault.after - passed])
                self._spoil(piece[fault.after - passed :], client, fault)
                if fault.kind == "cut":
                    break
                passed = fault.after
        _shut(server)
        _shut(client)

    def _spoil(self, rest: bytes, client: socket.socket, fault: Fault) -> None:
        if fault.kind == "stall":
            self._closing.wait()
        elif fault.kind == "drip":
            for place in range(len(rest)):
                if self._closing.is_set():
                    return
                client.sendall(rest[place : place + 1])
                time.sleep(fault.pause)


@contextlib.contextmanager
def proxy(target: int, faults: Sequence[Fault] = (), *, always: Fault | None = None) -> Iterator[Proxy]:
    """Stand between a client and 127.0.0.1:target.

    Args:
        target: The port of the server.
        faults: For the first connections, one each.
        always: For all connections after these.
    """
    running = Proxy(target, faults, always=always)
    try:
        yield running
    finally:
        running.close()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
