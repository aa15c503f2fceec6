"""What stands before the server of Streamlit: headers that keep other pages out, closed doors, and one origin for the socket."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit
from streamlit import config
from streamlit.web.server.starlette import starlette_app

from dashboard.entry_script import entry_script, is_entry
from dashboard.first_look import first_look
from dashboard.navigation import PAGES

if TYPE_CHECKING:
    from starlette.middleware import Middleware
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


_CLOSED = re.compile(r"(?:^|/)_stcore/(?:metrics|agent|upload_file|script-health-check)(?:/|$)")
"""What the page does not use, and what would answer before anybody has signed in."""
_SERVED = re.compile(r"^(?:static|media|component|app/static|auth|oauth2callback|metrics|api|_stcore|vendor)(?:/|$)|(?:^|/)_stcore/")
"""Addresses that Streamlit answers beside the pages, which have one part each."""
_STATIC = Path(streamlit.__file__).parent / "static"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_KINDS = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8", ".woff2": b"font/woff2"}
_FOREVER = b"public, immutable, max-age=31536000"
_NO_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>No such page · TLS reports</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}</style></head>
<body><main><h1>There is no such page</h1><p>The address is not one of this dashboard; perhaps it was cut off in a mail.</p>
<p><a href="{base}/">To the overview</a></p></main></body></html>"""


def install() -> None:
    """Put it before everything that Streamlit's server does."""
    theirs = starlette_app.create_streamlit_middleware

    def ours() -> list[Middleware]:
        from starlette.middleware import Middleware

        from dashboard.api_door import ApiDoor
        from dashboard.metrics_door import MetricsDoor

        return [Middleware(Shield), *theirs(), Middleware(MetricsDoor), Middleware(ApiDoor)]

    starlette_app.create_streamlit_middleware = ours


def headers() -> list[tuple[bytes, bytes]]:
    """Return what goes with every answer.

    The page draws with inline styles, and has one inline script, which is named by its digest.
    """
    inline = re.findall(r"<script>(.*?)</script>", (_STATIC / "index.html").read_text(encoding="utf-8"), re.DOTALL)
    scripts = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in inline)
    policy = (
        "default-src 'self'",
        f"script-src 'self' 'wasm-unsafe-eval' {scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return [
        (b"content-security-policy", "; ".join(policy).encode()),
        (b"x-frame-options", b"DENY"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
    ]


def assets() -> frozenset[str]:
    """Return the paths of Streamlit's files that are named by their content."""
    return frozenset(
        f"static/{file.parent.name}/{file.name}" for file in _STATIC.glob("static/*/*") if file.suffix in _KINDS and file.is_file()
    )


@cache
def asset(path: str) -> bytes:
    """Return the content of one of them, read once.

    Streamlit's server hands each through some ten turns of its threads, and a visit fetches 130; while answers are prepared each turn waits
    for the interpreter.
    """
    return (_STATIC / path).read_bytes()


class Shield:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = headers()
        self._assets = assets()
        self._base = str(config.get_option("server.baseUrlPath") or "").strip("/")
        self._names = {str(name).lower() for name in config.get_option("server.allowedHosts") or ()} - _LOOPBACK - {"[::1]"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "websocket" and not self._is_ours(scope):
            await send({"type": "websocket.close", "code": 4403})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"]).strip("/").removeprefix(self._base).strip("/")
        if _CLOSED.search(path):
            await self._say(send, b"text/plain", b"", status=404)
        elif path and path not in PAGES and not _SERVED.search(path) and not (_STATIC / path).is_file():
            # Streamlit would show the overview without a word, or wait for ever for what it looks for beside an address of several parts.
            page = _NO_PAGE.format(base=f"/{self._base}" if self._base else "")
            await self._say(send, b"text/html; charset=utf-8", page.encode(), status=404)
        elif is_entry(path):
            await self._say(send, b"text/javascript; charset=utf-8", entry_script(self._base), status=200)
        elif path in self._assets and scope["method"] == "GET":
            await self._say(send, _KINDS[Path(path).suffix], asset(path), status=200, cached=_FOREVER)
        else:
            if not path or path in PAGES:
                first_look.begins()
            await self._app(scope, receive, self._with_headers(send))

    def _is_ours(self, scope: Scope) -> bool:
        """Whether a socket is asked for by our own page, and not by one of another port of this machine; a program sends no origin."""
        sent = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in scope["headers"]}
        origin = sent.get(b"origin")
        if origin is None:
            return True
        try:
            there = urlsplit(origin)
            return there.netloc.lower() == sent.get(b"host", "").lower() or (there.hostname or "") in self._names
        except ValueError:
            return False

    def _with_headers(self, send: Send) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in self._headers}
                message["headers"] = [pair for pair in message.get("headers", ()) if bytes(pair[0]).lower() not in ours] + self._headers
            await send(message)

        return answer

    async def _say(self, send: Send, kind: bytes, body: bytes, *, status: int, cached: bytes = b"no-cache") -> None:
        told = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", cached), *self._headers]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})
