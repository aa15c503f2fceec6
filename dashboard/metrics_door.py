"""`/metrics` of the page: what `tlsrpt metrics` gives, for whoever may see the page, by the same sign-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from dashboard.lake_door import today
from dashboard.readers import NOBODY, admission, operators_settings
from pipeline import log
from pipeline.errors import TlsrptError
from pipeline.notify.metrics import KeptMetrics, metrics_now
from pipeline.notify.metrics_server import CONTENT_TYPE, NOT_GIVEN, PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send


class MetricsDoor:
    """ASGI middleware that answers GET /metrics, and hands on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._path = "/".join(("", *filter(None, (str(config.get_option("server.baseUrlPath") or "").strip("/"), PATH.strip("/")))))
        self._kept = KeptMetrics(lambda: metrics_now(operators_settings(), today()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        answer = await run_in_threadpool(self._answer, Request(scope))
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> PlainTextResponse:
        if not is_host_allowed(request.headers.get("host")):
            return PlainTextResponse("the page is not known by this name\n", 403)
        who = signed_in(request.cookies)
        seen, refused = admission(who)
        if refused:
            return PlainTextResponse(f"{refused}\n", 403 if who else 401)
        if seen is not None:
            return PlainTextResponse("the metrics are the operator's: they are about all domains\n", 403)
        try:
            return PlainTextResponse(self._kept.text(), media_type=CONTENT_TYPE)
        except TlsrptError as err:
            log.warning("metrics-not-given", reason=err)
            return PlainTextResponse(NOT_GIVEN, 503)


def signed_in(cookies: Mapping[str, str]) -> dict[str, Any]:
    """Return what the provider said of whoever sends these cookies, as Streamlit signed it when they signed in; empty for nobody."""

    def one(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(get_cookie_secret(), name, value.encode("latin-1"))

    whole = get_cookie_with_chunks(one, USER_COOKIE_NAME)
    try:
        claims = json.loads(whole or b"{}")
    except ValueError:
        return NOBODY
    if not isinstance(claims, dict) or not claims.get("is_logged_in") or claims.get("origin") != get_origin_from_redirect_uri():
        return NOBODY
    return claims
