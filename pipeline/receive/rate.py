"""How many posts a minute one address may make: a bucket of tokens each, for the addresses that were seen last."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

MOST_ADDRESSES = 10_000
_SITE_BITS = 64
"""Of IPv6, one site: whoever has one has all addresses in it."""


def peer_of(host: str) -> str:
    """Return an address as it is written to the spool; `-` for what is none. An IPv4 address within IPv6 is an IPv4 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "-"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class Rate:
    """The bound for all addresses."""

    def __init__(self, per_minute: int) -> None:
        """Set it; 0 is without bound."""
        self._per_minute = per_minute
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, peer: str, now: float) -> bool:
        """Whether this address may post now (seconds of a clock that never goes back); if so it is counted."""
        if not self._per_minute:
            return True
        site = str(ip_network(f"{peer}/{_SITE_BITS}", strict=False)) if ":" in peer else peer
        left, since = self._seen.pop(site, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        admitted = left >= 1
        self._seen[site] = (left - admitted, now)
        if len(self._seen) > MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return admitted

    def wait_seconds(self) -> int:
        """Return after how long a refused address may try again."""
        return -(-60 // max(self._per_minute, 1))
