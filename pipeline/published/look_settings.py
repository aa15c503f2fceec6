"""How a check looks: resolver, ports and patience; and what one run has looked at already."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.published import smtp
    from pipeline.published.records import ReportAddresses


MOST_ADDRESSES = 8
"""Addresses of one host that are looked at."""


class LookedAt:
    """The mail servers looked at in one run: each address once, also where many domains have the same MX hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Future[smtp.Server]] = {}

    def at(self, host: str, address: str, look: Callable[[], smtp.Server]) -> smtp.Server:
        """Return what an address shows, by looking, or by waiting for the thread that looks.

        Args:
            host: The MX host.
            address: One of its addresses; with the host it names what is looked at once.
            look: Looks; called in the thread that asks first.

        Raises:
            Exception: What `look` raises; for everybody who waits for it.
        """
        with self._lock:
            known = self._found.get((host, address))
            future = known or self._found.setdefault((host, address), Future())
        if known is None:
            try:
                future.set_result(look())
            except BaseException as err:
                future.set_exception(err)
                raise
        return future.result()


class Ways(NamedTuple):
    """How to look: resolver, ports and patience."""

    resolver: str = ""
    timeout: float = 10.0
    ca_file: str = ""
    https_port: int = 443
    smtp_port: int = 25
    helo: str = ""
    ours: ReportAddresses | None = None
    looks: LookedAt | None = None
