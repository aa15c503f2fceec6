"""`/api/v1` of the page: faults, readiness, coverage and sessions as JSON, for a program that has the token of a group.

The same conclusions as the pages draw, from the same store; a token is a group, and there is none for the operator.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from dashboard import insight
from dashboard.filters import Filters
from dashboard.lake_door import asked, lake, today
from dashboard.readers import operators_settings, working_for
from pipeline import __version__, log
from pipeline.errors import ConfigError, TlsrptError, UsageError
from pipeline.groups import audience_of
from pipeline.insight.coverage import as_json as coverage_json
from pipeline.insight.enforce.readiness import as_json as readiness_json
from pipeline.insight.incident import as_json as fault_json
from pipeline.insight.period import as_of_from
from pipeline.output import json_text
from pipeline.settings.secret_values import FEWEST_OF_A_TOKEN, group_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from pipeline.groups import GroupSettings


PATH = "/api/v1"
_DAYS, _MOST_DAYS = 28, 800
AT_ONCE = 8
"""Requests that are worked on; more wait, and leave the page its own threads."""
_HEADERS = {"cache-control": "no-store", "vary": "Authorization"}


class Resource(NamedTuple):
    """One address below `PATH`."""

    says: str
    answer: Callable[[Filters], Any]
    needs_domain: bool = False


def _faults(filters: Filters) -> Any:
    return [fault_json(one) for one in insight.incidents(filters)]


def _readiness(filters: Filters) -> Any:
    return readiness_json(insight.readiness(str(filters.domain), filters))


def _coverage(filters: Filters) -> Any:
    return [coverage_json(one) for one in insight.coverage(filters)]


def _sessions(filters: Filters) -> Any:
    return asked("sessions_by_day", **filters.parameters()).table.to_pylist()


RESOURCES = {
    "faults": Resource("What fails or failed, since when, whose fault it is and what to do", _faults),
    "readiness": Resource("Whether a domain may go from testing to enforce", _readiness, needs_domain=True),
    "coverage": Resource("Who reports, how often, and who went silent", _coverage),
    "sessions": Resource("Sessions by UTC day: authenticated, failed, no policy found", _sessions),
}


class ApiDoor:
    """ASGI middleware that answers what is below `PATH`, and hands on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._at_once = CapacityLimiter(AT_ONCE)
        base = str(config.get_option("server.baseUrlPath") or "").strip("/")
        self._path = f"/{base}{PATH}" if base else PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{self._path}/"):
            await self._app(scope, receive, send)
            return
        name = str(scope["path"]).removeprefix(self._path).strip("/")
        answer = await to_thread.run_sync(answer_to, Request(scope), name, limiter=self._at_once)
        await answer(scope, receive, send)


def answer_to(request: Request, name: str) -> Response:
    """Answer one request; an error is one sentence."""
    if not is_host_allowed(request.headers.get("host")):
        return _said(403, "the page is not known by this name")
    if request.method not in {"GET", "HEAD"}:
        return _said(405, "the API is for reading", allow="GET, HEAD")
    if name == "openapi.json":
        return _json(200, described())
    group = _group_of(request.headers.get("authorization", ""))
    if group is None:
        return _said(401, "send the token of a group as Authorization: Bearer …", **{"www-authenticate": "Bearer"})
    return working_for(audience_of([group]), lambda: _answered(name, request.query_params))


def _answered(name: str, given: Mapping[str, str]) -> Response:
    if name not in RESOURCES:
        return _said(404, f"there is {', '.join((*RESOURCES, 'openapi.json'))}")
    try:
        return _json(200, _answer(RESOURCES[name], given))
    except UsageError as err:
        return _said(400, str(err))
    except TlsrptError as err:
        log.warning("api-not-answered", resource=name, reason=err)
        return _said(503, "the lake cannot be read at the moment; the reason is in the log of the page")


def _answer(resource: Resource, given: Mapping[str, str]) -> Any:
    known = {"domain", "days", "as_of"}
    if unknown := sorted(set(given) - known):
        raise UsageError(f"there is no parameter {unknown[0][:40]!r}; there is as_of, days and domain")
    if resource.needs_domain and not given.get("domain"):
        raise UsageError("the parameter domain is missing")
    days = given.get("days", str(_DAYS))
    if not days.isascii() or not days.isdigit() or not 1 <= int(days[:6]) <= _MOST_DAYS:
        raise UsageError(f"days is a number from 1 to {_MOST_DAYS}")
    as_of = as_of_from(given["as_of"]) if "as_of" in given else today()
    since = as_of - timedelta(days=int(days) - 1)
    domain = lake().known_domain(given["domain"]) if given.get("domain") else None
    return resource.answer(Filters(since, as_of, domain, None, int(days)))


def _group_of(sent: str) -> GroupSettings | None:
    """Return the group whose token was sent; all are compared, whichever it is. A token that two groups have opens neither."""
    kind, _, token = sent.partition(" ")
    if len(token.strip()) < FEWEST_OF_A_TOKEN:  # no file is opened for whoever sends none
        return None
    found = []
    for group in operators_settings().group:
        try:
            own = group_token(group)
        except ConfigError as err:
            log.warning("api-token-not-read", group=group.name, reason=err)
            continue
        if own is not None and hmac.compare_digest(own.encode(), token.strip().encode("utf-8", "replace")) and kind.lower() == "bearer":
            found.append(group)
    if len(found) > 1:
        log.warning("api-token-of-two", groups=" ".join(group.name for group in found))
    return found[0] if len(found) == 1 else None


def _json(status: int, value: object, **headers: str) -> Response:
    return Response(json_text(value), status, {**_HEADERS, **headers}, "application/json")


def _said(status: int, sentence: str, **headers: str) -> Response:
    return _json(status, {"error": sentence}, **headers)


def described() -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}, "additionalProperties": False}
    failures = {"400": "a parameter is wrong", "401": "no token of a group", "403": "another name", "503": "the lake cannot be read now"}
    told: dict[str, Any] = {
        code: {"description": why, "content": {"application/json": {"schema": error}}} for code, why in failures.items()
    }
    paths = {}
    for name, resource in RESOURCES.items():
        days = {"type": "integer", "minimum": 1, "maximum": _MOST_DAYS, "default": _DAYS}
        given: tuple[tuple[str, dict[str, Any], str, bool], ...] = (
            ("domain", {"type": "string", "minLength": 1}, "One domain; all of the group where it is not given", resource.needs_domain),
            ("days", days, "Days up to as_of", False),
            ("as_of", {"type": "string", "format": "date"}, "The day of asking, UTC; today where it is not given", False),
        )
        schema: dict[str, Any] = {"type": "object"} if resource.needs_domain else {"type": "array", "items": {"type": "object"}}
        done: dict[str, Any] = {"description": resource.says, "content": {"application/json": {"schema": schema}}}
        paths[f"{PATH}/{name}"] = {
            "get": {
                "operationId": name,
                "summary": resource.says,
                "parameters": [
                    {"name": each, "in": "query", "required": required, "description": why, "schema": kind}
                    for each, kind, why, required in given
                ],
                "responses": told | {"200": done},
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "TLS reports of a group", "version": __version__},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }
