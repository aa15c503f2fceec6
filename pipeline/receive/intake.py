"""The HTTPS intake (RFC 8460 §3, §5.4): reports by anybody, raw mail by whoever has the token.

One address takes all; the media type says which it is. What is answered with 201 is on the disk.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline import log
from pipeline.receive.body import Bodies, Refused
from pipeline.receive.group_writer import GroupWriter
from pipeline.spool import MAIL, POST, Deposit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from pipeline.receive.about import NamesOfOurs
    from pipeline.spool import Spool

PATH = "/v1/tlsrpt"
"""As in the example of RFC 8460 §3.1.2."""
HEALTH = "/health"
REPORTS = frozenset({"application/tlsrpt+gzip", "application/tlsrpt+json"})
MAILS = frozenset({"message/rfc822", "message/global"})
MOST_ADDRESSES = 10_000
_SITE_BITS = 64
"""Of IPv6, one site: whoever has one has all addresses in it."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class IntakeRules(NamedTuple):
    """What is taken, and from whom."""

    ours: NamesOfOurs
    token: str | None
    """What who sends raw mail has to show; None: no raw mail is taken."""
    body_bytes: int
    seconds: float
    per_minute: int


def peer_of(host: str) -> str:
    """Return an address as it is written to the spool; `-` for what is none. An IPv4 address within IPv6 is an IPv4 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "-"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class Rate:
    """How many posts a minute one address may make: a bucket of tokens each, for the addresses that were seen last."""

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


class Intake:
    """Answers the requests of one process."""

    def __init__(self, spool: Spool, rules: IntakeRules) -> None:
        """Set it up; nothing is written before the application starts."""
        self._spool, self._rules = spool, rules
        self._bodies = Bodies(most=rules.body_bytes, seconds=rules.seconds)
        self._rate = Rate(rules.per_minute)
        self._inflating = asyncio.Semaphore(2)
        self._writer: GroupWriter | None = None

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [Route(PATH, self._post, methods=["POST"]), Route(HEALTH, self._health, methods=["GET"])]
        app = Starlette(routes=routes, lifespan=self._lifespan)
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._writer = GroupWriter(self._spool)
        yield
        await self._writer.close()

    async def _post(self, request: Request) -> Response:
        peer = peer_of(request.client.host if request.client else "")
        try:
            way, size = await self._take(request, peer)
        except Refused as refused:
            if refused.status != 408 and "expect" not in request.headers:
                await self._bodies.drop(request)
            log.info("refused", status=refused.status, peer=peer, why=refused.why)
            return PlainTextResponse(f"{refused.why}\n", refused.status, {"Connection": "close", **refused.headers})
        except ClientDisconnect:
            log.info("refused", status=0, peer=peer, why="the sender has gone")
            return Response(status_code=400)
        log.info("received", way=way, peer=peer, size=size)
        return Response(status_code=201)

    async def _take(self, request: Request, peer: str) -> tuple[str, int]:
        way = self._way_of(request)
        if way == POST or not self._has_token(request):
            if not self._rate.admits(peer, time.monotonic()):
                raise Refused(429, "too many posts from this address", retry_after=str(self._rate.wait_seconds()))
            if way == MAIL:
                raise Refused(401, "raw mail needs the token", www_authenticate="Bearer")
        if (refused := self._why_not()) is not None:
            raise refused
        content = await self._bodies.read(request)
        try:
            if way == POST:
                async with self._inflating:
                    why = await asyncio.to_thread(self._rules.ours.refusal_of, content)
                if why:
                    raise Refused(422, why)
            await self._keep(Deposit(way, peer, content))
        finally:
            self._bodies.release(content)
        return way, len(content)

    def _way_of(self, request: Request) -> str:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media in REPORTS:
            return POST
        if media in MAILS and self._rules.token:
            return MAIL
        raise Refused(415, f"this address takes {' and '.join(sorted(REPORTS))}", accept=", ".join(sorted(REPORTS)))

    def _has_token(self, request: Request) -> bool:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), (self._rules.token or "").encode())

    async def _keep(self, record: Deposit) -> None:
        if self._writer is None:
            raise Refused(503, "not ready yet", retry_after="10")
        try:
            await self._writer.put(record)
        except OSError as err:
            raise self._failed(err) from err

    def _why_not(self) -> Refused | None:
        """Return why nothing can be taken at the moment, None where it can."""
        try:
            return Refused(507, "the disk is full", retry_after="3600") if self._spool.is_full() else None
        except OSError as err:
            return self._failed(err)

    def _failed(self, err: OSError) -> Refused:
        log.error("spool-failed", folder=self._spool.folder, reason=err.strerror or err)
        if err.errno in _FULL:
            return Refused(507, "the disk is full", retry_after="3600")
        return Refused(503, "the disk fails", retry_after="600")

    async def _health(self, _request: Request) -> Response:
        why = self._why_not()
        return PlainTextResponse(f"{why.why}\n", 503) if why else PlainTextResponse("ok\n")
