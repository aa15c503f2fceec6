"""One question to one name server, in one packet: where the library's resolver does not do."""

from __future__ import annotations

import socket


def exchange(question: bytes, address: str, port: int, timeout: float) -> bytes:
    """Send a question and return the answer.

    Args:
        question: As it goes over the wire.
        address: Of the server, IPv4 or IPv6.
        port: Of the server, where it takes UDP.
        timeout: Seconds that are waited for the answer.

    Raises:
        OSError: There is no answer; at once where the port is closed.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout)
        asking.connect((address, port))
        asking.send(question)
        return asking.recv(65_535)
