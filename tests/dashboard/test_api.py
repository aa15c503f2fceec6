"""The API of the page: the token of a group reads that group, and every error is one sentence."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from dashboard import api_door, lake_door, readers
from pipeline.query import open_lake
from tests.query import group_worlds
from tests.query.group_worlds import AS_OF, MARK, OURS, THEIRS

TOKENS = {"a": "the-token-of-alpha", "b": "the-token-of-beta-"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    world = group_worlds.build(folder, 1)
    tables = ""
    for name, domains in (("a", OURS), ("b", THEIRS)):
        (folder / name).write_text(TOKENS[name] + "\n")
        tables += f'[[group]]\nname = "{name}"\ndomains = {json.dumps(list(domains))}\ntoken_file = "{folder / name}"\n'
    own = json.dumps(list(group_worlds.NAMES))
    (folder / "tlsrpt.toml").write_text(f'[lake]\npath = "{world.both}"\n[domains]\nown = {own}\n{tables}')
    patch = pytest.MonkeyPatch()
    patch.setenv("TLSRPT_CONFIG", str(folder / "tlsrpt.toml"))
    patch.setenv(lake_door.TODAY_VARIABLE, AS_OF)
    patch.setattr(lake_door, "_doors", OrderedDict())
    patch.setattr(lake_door, "_answers", lake_door.Answers(400))
    patch.setattr(api_door, "is_host_allowed", lambda host: host == "tls.example.org")
    readers.forget()
    yield readers.operators_settings()
    lake_door.close()
    patch.undo()


def _asked(name: str, query: str = "", *, token: str | None = TOKENS["a"], host: str = "tls.example.org", method: str = "GET"):
    headers = [(b"host", host.encode()), *([(b"authorization", f"Bearer {token}".encode())] if token is not None else [])]
    scope = {"type": "http", "method": method, "path": f"/api/v1/{name}", "query_string": query.encode(), "headers": headers}
    answer = api_door.answer_to(Request(scope), name)
    return answer.status_code, json.loads(answer.body)


def test_a_token_reads_its_group_with_the_numbers_of_everywhere(world):
    with open_lake(settings=world, group="a") as lake:
        status, sessions = _asked("sessions", "days=24")
        own = lake.ask("sessions_by_day", since="2026-04-27", until=AS_OF, as_of=AS_OF).to_pylist()
        assert (status, [row["sessions"] for row in sessions]) == (200, [row["sessions"] for row in own])
        status, faults = _asked("faults", "days=90")
        assert (status, {one["id"] for one in faults}) == (200, {one.id for one in lake.incidents(as_of=AS_OF, days=90)})
        status, verdict = _asked("readiness", f"domain={OURS[0]}")
        assert (status, verdict["verdict"]) == (200, lake.readiness(OURS[0], as_of=AS_OF).verdict)
    assert MARK not in str(_asked("coverage")) + str(faults)
    assert MARK in str(_asked("coverage", token=TOKENS["b"]))
    assert _asked("readiness", f"domain={THEIRS[0]}")[0] == 400
    assert MARK not in str(_asked("readiness", f"domain={THEIRS[0].replace(MARK, 'zq8')}"))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"token": None}, 401),
        ({"token": ""}, 401),
        ({"token": "the-token-of-nobody"}, 401),
        ({"name": "reports"}, 404),
        ({"name": "readiness"}, 400),
        ({"query": "days=0"}, 400),
        ({"query": "days=x"}, 400),
        ({"query": "as_of=yesterday"}, 400),
        ({"query": "as_of=0001-01-01&days=800"}, 400),
        ({"query": "as_of=2014-12-31"}, 400),
        ({"query": "days=%D9%A3"}, 400),
        ({"query": f"domain={'a' * 60_000}"}, 400),
        ({"query": "domain=%00%0a%1b[31m"}, 400),
        ({"name": "../faults"}, 404),
        ({"name": "faults\0"}, 404),
        ({"token": f"{TOKENS['a']}\0"}, 401),
        ({"token": "x" * 60_000}, 401),
        ({"token": "é"}, 401),
        ({"method": "get"}, 405),
        ({"method": "TRACE"}, 405),
        ({"query": "group=b"}, 400),
        ({"query": "domain=%00"}, 400),
        ({"host": "rebound.example"}, 403),
        ({"method": "POST"}, 405),
    ],
)
def test_an_error_is_one_sentence(world, asked, code):
    status, body = _asked(**({"name": "faults"} | asked))
    assert status == code
    assert list(body) == ["error"]
    assert MARK not in str(body)


def test_a_token_that_two_groups_have_opens_neither(world, monkeypatch):
    monkeypatch.setattr(api_door, "group_token", lambda group: TOKENS["a"])
    assert _asked("faults")[0] == 401


@pytest.mark.parametrize("resource", sorted(api_door.RESOURCES))
def test_a_domain_of_others_is_answered_like_one_that_nobody_has(world, resource):
    names = (THEIRS[0], THEIRS[0].translate(str.maketrans("bt", "kd")))  # as close to the names of the group's domains
    theirs, nobodys = (_asked(resource, f"domain={name}&days=90") for name in names)
    assert (theirs[0], str(theirs[1]).replace(*names)) == (nobodys[0], str(nobodys[1]))


@pytest.mark.parametrize("name", sorted(api_door.RESOURCES))
@pytest.mark.parametrize("asked", ["as_of=2016-01-01&days=800", "as_of=9999-12-31&days=800"])
def test_the_first_and_the_last_day_there_is_can_be_asked(world, name, asked):
    assert _asked(name, f"{asked}&domain={OURS[0]}")[0] == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(api_door.RESOURCES)), st.dictionaries(st.sampled_from(["domain", "days", "as_of", "x"]), st.text(max_size=20))
)
def test_whatever_is_asked_is_answered_as_described(world, name, parameters):
    from urllib.parse import urlencode

    described = _asked("openapi.json", token=None)[1]["paths"][f"/api/v1/{name}"]["get"]["responses"]
    status, body = _asked(name, urlencode(parameters))
    assert str(status) in described
    assert MARK not in str(body)
    kind = described[str(status)]["content"]["application/json"]["schema"]["type"]
    assert isinstance(body, {"object": dict, "array": list}[kind])


def _beside(work):
    """Work in a thread of its own: the tests before may have left a browser, and with it an event loop, in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def test_however_many_ask_the_page_keeps_its_own_threads(monkeypatch):
    working, most = [], []

    def slowly(request, name):
        working.append(name)
        most.append(len(working))
        time.sleep(0.01)
        working.pop()
        return Response(b"")

    async def send(message):
        sent.append(message)

    async def ask_all() -> None:
        door = api_door.ApiDoor(None)
        scope = {"type": "http", "method": "GET", "path": "/api/v1/faults", "headers": [], "query_string": b""}
        await asyncio.gather(*(door(scope, None, send) for _ in range(5 * api_door.AT_ONCE)))

    sent = []
    monkeypatch.setattr(api_door, "answer_to", slowly)
    _beside(lambda: asyncio.run(ask_all()))
    assert len(sent) == 2 * 5 * api_door.AT_ONCE
    assert max(most) <= api_door.AT_ONCE


def _is_answered_as_described(examples: int) -> None:
    """Ask what the description allows, and what it does not; schemathesis judges each answer by it."""
    import schemathesis
    from schemathesis import GenerationMode

    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", api_door.ApiDoor(_nothing_else), headers={"host": "tls.example.org"})
    checks = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    settle = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    for operation in described.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settle
            @given(operation.ok().as_strategy(generation_mode=mode))
            def ask(case):
                sent = {"host": "tls.example.org", "authorization": f"Bearer {TOKENS['a']}"}
                answer = case.call(headers=sent)
                case.validate_response(answer, checks=[getattr(schemathesis.checks, name) for name in checks])
                assert MARK not in answer.text

            ask()


async def _nothing_else(scope, receive, send):
    raise AssertionError(scope["path"])


def test_schemathesis_finds_no_answer_that_is_not_described(world):
    _beside(lambda: _is_answered_as_described(3))


@pytest.mark.soak
def test_schemathesis_finds_no_answer_that_is_not_described_in_many_tries(world):
    _is_answered_as_described(400)
