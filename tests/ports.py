"""Ports of this machine that nobody listens on, for servers that have to be told theirs.

Between the choice and the server's own bind somebody else may take a port. So they are chosen below the range from which the kernel gives
ports to connections and to whoever binds to 0: only another choice of this kind can meet one, and it is a draw from twenty thousand.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 11_000, 31_999
"""Free of ports that Chromium refuses."""
_TRIES = 1000


def free_ports(count: int, *addresses: str) -> list[int]:
    """Return different ports, each free on all these addresses (without any: 127.0.0.1); all are held until all are found."""
    numbers = SystemRandom()  # whatever seeds the others, two processes draw different ones
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_TRIES):
            if len(found) == count:
                return found
            port = numbers.randint(_LOWEST, min(_HIGHEST, _first_given_out() - 1))
            with ExitStack() as these:
                try:
                    for address in addresses or (LOOPBACK,):
                        these.enter_context(socket.socket()).bind((address, port))
                except OSError:
                    continue
                held.push(these.pop_all())
                found.append(port)
    raise AssertionError("no port is free")


def free_port(*addresses: str) -> int:
    """Return one."""
    return free_ports(1, *addresses)[0]


def _first_given_out() -> int:
    try:
        return max(int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0]), _LOWEST + 1000)
    except OSError:
        return _HIGHEST + 1
