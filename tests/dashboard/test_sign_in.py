"""Who gets in: everybody on this machine, or who signs in; and nobody where that is demanded and cannot be done."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import streamlit
from itsdangerous import TimestampSigner

from pipeline.entry_rules import may_enter, refuse_doubtful_claim, refuse_open_door
from pipeline.errors import ConfigError
from pipeline.lake.storage.locate import locate
from pipeline.notify.kept_notes import mutes_of
from tests.dashboard import browser as harness
from tests.dashboard.lakes import small
from tests.dashboard.oidc import provider, secrets
from tests.insight.asking import as_of
from tests.notify.test_news import book

pytestmark = pytest.mark.browser

STATIC = Path(streamlit.__file__).parent / "static"
ASSET = str(next(STATIC.glob("static/js/Metric.*.js")).relative_to(STATIC))


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    with _signing_in(small(folder / "lake"), folder) as (desk, address):
        yield desk, address


@pytest.fixture
def signing_in(door):
    desk, _ = door
    desk.email, desk.verified = "postmaster@example.org", True
    return door


@pytest.fixture
def signing_in_to_faults(tmp_path):
    lake = book(20).write(tmp_path / "lake")
    with _signing_in(lake, tmp_path, TLSRPT_TEST_TODAY=str(as_of(20))) as (desk, address):
        yield desk, address, lake


@contextmanager
def _signing_in(lake, folder, **environment):
    """The page with a provider beside it; the port is known before the page starts, because its secrets name it."""
    port = harness.free_port()
    address = f"http://127.0.0.1:{port}"
    with provider() as desk:
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit" / "secrets.toml").write_text(secrets(desk.issuer, address))
        (folder / "tlsrpt.toml").write_text('[dashboard]\nallow = ["@example.org"]\n')
        with harness.serving(lake, "--port", str(port), cwd=folder, **environment):
            yield desk, address


def test_nobody_sees_a_page_before_signing_in_and_then_only_who_is_on_the_list(browser, signing_in):
    desk, address = signing_in
    there = harness.Visit(browser, address)
    page = there.open("reports?as_of=2026-05-10")
    page.get_by_role("button", name="Sign in").wait_for()
    assert not page.locator('[data-testid="stDataFrame"]').count()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="What is wrong now?").or_(page.get_by_role("heading", name="Which reports are there?")).wait_for()
    there.close()

    desk.email = "somebody@else.example"
    there = harness.Visit(browser, address)
    there.open().get_by_role("button", name="Sign in").click()
    there.page.get_by_text("may not see this page").wait_for()
    assert not there.page.locator('[data-testid="stDataFrame"]').count()
    there.close()


def test_who_signed_in_is_named_by_a_mute_and_reads_the_metrics_and_nobody_else_does(browser, signing_in_to_faults):
    desk, address, lake = signing_in_to_faults
    assert _answer(address, "metrics")[::2] == (401, b"Sign in to see the TLS reports.\n")
    there = harness.Visit(browser, address)
    page = there.open()
    page.get_by_role("button", name="Sign in").click()
    there.follow("Cause, fix and evidence", page.get_by_label("Why"))
    page.get_by_label("Why").fill("the relay is being replaced")
    page.get_by_role("button", name="Mute this fault").click()
    page.get_by_text("Muted: ").first.wait_for()
    assert [(mute.by, mute.reason) for mute in mutes_of(locate(lake))] == [("postmaster@example.org", "the relay is being replaced")]
    status, headers, body = _answer(address, "metrics", Cookie=_cookies(there))
    assert (status, b"tlsrpt_open_faults" in body, b'verdict="not-ready"' in body) == (200, True, True)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    assert _answer(address, "metrics", Cookie=_cookies(there).replace("_streamlit_user=", "_streamlit_user=x"))[0] == 401
    assert _answer(address, "metrics", Cookie=_cookies(there), Host="rebound.example")[0] == 403
    there.close()

    desk.email = "somebody@else.example"
    there = harness.Visit(browser, address)
    there.open().get_by_role("button", name="Sign in").click()
    there.page.get_by_text("may not see this page").wait_for()
    status, _, body = _answer(address, "metrics", Cookie=_cookies(there))
    assert (status, b"somebody@else.example may not see this page" in body, b"tlsrpt_" in body) == (403, True, False)
    there.close()


def _cookies(there):
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in there.context.cookies())


def test_the_metrics_are_open_where_the_page_is(addresses):
    status, _, body = _answer(addresses("small"), "metrics")
    assert (status, b"tlsrpt_metrics_written_seconds" in body) == (200, True)
    assert _answer(addresses("small"), "metrics", Host="rebound.example")[0] == 403


def test_the_page_does_not_listen_beyond_this_machine_unless_somebody_signs_in(tmp_path):
    command = [harness.TLSRPT, "--lake", str(tmp_path / "lake"), "dashboard", "--address", "0.0.0.0", "--port", str(harness.free_port())]
    ran = subprocess.run(
        command, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin"}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 2
    assert "for anybody" in ran.stderr


def test_a_demanded_sign_in_that_is_gone_lets_nobody_in(browser, tmp_path):
    with harness.serving(small(tmp_path / "lake"), cwd=tmp_path, TLSRPT_SIGN_IN="required") as address:
        there = harness.Visit(browser, address)
        page = there.open()
        page.get_by_text("Sign-in is not possible").first.wait_for()
        assert not page.locator('[data-testid="stMetric"]').count()
        there.close()


def test_the_list_holds_addresses_and_domains_that_the_provider_has_verified():
    postmaster = {"email": "Postmaster@Example.org", "email_verified": True}
    assert not may_enter(postmaster, ())
    assert may_enter(postmaster, ("*",))
    assert not may_enter({**postmaster, "email_verified": False}, ("*",))
    assert not may_enter({"email": "postmaster@example.org"}, ("*",))
    assert may_enter(postmaster, ("@example.org",))
    assert may_enter(postmaster, ("postmaster@example.org",))
    assert not may_enter(postmaster, ("@example.net", "else@example.org"))
    assert not may_enter({**postmaster, "email_verified": False}, ("@example.org",))
    assert not may_enter({}, ("@example.org",))
    assert not may_enter({"email": "@example.org", "email_verified": None}, ("@example.org",))
    assert not may_enter({"email": "ni\N{KELVIN SIGN}e@example.org", "email_verified": True}, ("nike@example.org",))
    assert not may_enter({"email": ["postmaster@example.org"], "email_verified": True}, ("*",))


@pytest.mark.parametrize(
    ("said", "enters"), [({}, True), ("true", True), (None, True), ("False", False), ("no", False), ([], False), (0, False)]
)
def test_where_the_operator_vouches_for_addresses_one_that_the_provider_disowns_is_not_let_in(said, enters):
    claims = {"email": "postmaster@example.org"} | ({} if said == {} else {"email_verified": said})
    assert may_enter(claims, ("@example.org",), "email") == enters


def test_a_claim_of_another_name_is_trusted_where_it_is_configured():
    somebody = {"email": "postmaster@example.org"}
    assert not may_enter(somebody, ("@example.org",))
    assert may_enter({**somebody, "xms_edov": "1"}, ("@example.org",), "xms_edov")
    assert not may_enter({**somebody, "xms_edov": False}, ("@example.org",), "xms_edov")
    assert not may_enter({**somebody, "email_verified": True}, ("@example.org",), "xms_edov")
    assert may_enter(somebody, ("@example.org",), "email")
    assert not may_enter({**somebody, "email_verified": False}, ("@example.org",), "email"), "what a provider denies is not trusted"
    assert not may_enter({"email": ""}, ("*",), "email")


@pytest.mark.parametrize(
    ("metadata", "claim", "refused"),
    [
        ("https://sso.example.org/.well-known/openid-configuration", "email", False),
        ("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration", "email", False),
        ("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", "email", True),
        ("https://login.microsoftonline.com/COMMON/v2.0/.well-known/openid-configuration", "upn", True),
        ("https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration", "email", True),
        ("https://login.microsoftonline.com/consumers/v2.0/.well-known/openid-configuration", "email", True),
        ("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", "xms_edov", False),
        ("https://accounts.google.com/.well-known/openid-configuration", "email", True),
        ("https://accounts.google.com/.well-known/openid-configuration", "xms_edov", True),
        ("https://accounts.google.com/.well-known/openid-configuration", "email_verified", False),
        ("https://gitlab.com/.well-known/openid-configuration", "email", True),
        ("https://gitlab.example.org/.well-known/openid-configuration", "email", False),
    ],
)
def test_no_claim_is_trusted_that_would_admit_what_a_public_provider_has_not_verified(tmp_path, monkeypatch, metadata, claim, refused):
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(f'[auth]\nclient_id = "x"\nserver_metadata_url = "{metadata}"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    if refused:
        with pytest.raises(ConfigError, match="has not verified"):
            refuse_doubtful_claim(claim)
    else:
        refuse_doubtful_claim(claim)


def test_a_public_page_with_a_sign_in_does_not_start_before_it_says_who_may_enter(tmp_path, monkeypatch):
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets("https://sso.example.org", "https://tls.example.org"))
    small(tmp_path / "lake")

    def started(settings):
        (tmp_path / "tlsrpt.toml").write_text(settings)
        command = [harness.TLSRPT, "--lake", str(tmp_path / "lake"), "dashboard", "--address", "0.0.0.0", "--port", "1"]
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)

    nobody = started("")
    assert (nobody.returncode, "[dashboard] allow" in nobody.stderr) == (2, True)
    assert started('[dashboard]\nallow = ["example.org"]\n').returncode == 78
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    refuse_open_door("0.0.0.0", ("*",))


def test_who_is_not_on_the_list_or_not_verified_sees_the_door(browser, signing_in):
    desk, address = signing_in
    for email, verified in (("postmaster@example.org", False), ("postmaster@example.org", None), ("else@example.net", True)):
        desk.email, desk.verified = email, verified
        there = harness.Visit(browser, address)
        there.open().get_by_role("button", name="Sign in").click()
        there.page.get_by_text("may not see this page").wait_for()
        there.close()


def test_nothing_is_told_before_signing_in_and_no_other_page_frames_this_one(signing_in):
    _, address = signing_in
    for path in (
        "_stcore/metrics",
        "_stcore/agent/openapi.json",
        "_stcore/script-health-check",
        "reports/_stcore/metrics",
        "_stcore/upload_file/a/b",
    ):
        assert _answer(address, path)[0] == 404
    for path in (
        "",
        "reports",
        "reports?report=x",
        "static/js/none.js",
        ASSET,
        "_stcore/health",
        "auth/none",
        "a/b",
        "oauth2callback?error=x",
    ):
        _, headers, _ = _answer(address, path)
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


def test_streamlits_files_are_given_as_they_are_and_for_long_and_nothing_beside_them(signing_in):
    _, address = signing_in
    status, headers, content = _answer(address, ASSET)
    assert status == 200
    assert content == (STATIC / ASSET).read_bytes()
    assert headers["cache-control"] == "public, immutable, max-age=31536000"
    assert headers["content-type"].startswith("text/javascript")
    for path in ("static/js/../../../../pyproject.toml", "static/js/..%2f..%2findex.html", "static/js"):
        assert b"[project]" not in _answer(address, path)[2]


TRICKS = (
    "auth/login?next=//evil.example",
    "auth/login?next=https://evil.example/",
    "auth/logout?next=//evil.example",
    "auth/logout?redirect_uri=https://evil.example/",
    "oauth2callback?error=x&error_description=<script>alert(1)</script>",
    "oauth2callback?code=1&state=2",
    "oauth2callback?code=1&state=%0d%0aSet-Cookie:%20a=b",
    "/evil.example/auth/login",
)


def test_an_address_of_the_sign_in_leads_nowhere_else_and_repeats_nothing(signing_in):
    desk, address = signing_in
    name, port = address.removeprefix("http://").split(":")
    for path in TRICKS:
        connection = http.client.HTTPConnection(name, int(port), timeout=120)
        connection.request("GET", f"/{path}", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        body, there = answer.read(), answer.getheader("location") or ""
        connection.close()
        assert there.startswith((address, desk.issuer)) or not urlsplit(there).netloc, (path, there)
        assert b"<script>alert(1)" not in body, path
        assert "a=b" not in (answer.getheader("set-cookie") or ""), path


def test_an_unknown_address_says_that_there_is_no_such_page(browser, addresses):
    for path in ("reports/of/yesterday", "report-s", "incident.php?id=1", "domains/"):
        status, _, body = _answer(addresses("small"), path)
        assert (status, b"There is no such page" in body) == ((404, True) if path != "domains/" else (200, False)), path
    there = harness.Visit(browser, addresses("small"))
    there.page.goto(f"{addresses('small')}/reports/deep")
    there.page.get_by_role("link", name="To the overview").click()
    there.page.get_by_role("heading", name="What is wrong now?").wait_for()


def _answer(address, path, **headers):
    request = urllib.request.Request(f"{address}/{path}", headers={"Accept": "text/html", **headers})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def test_a_browser_that_asks_under_another_name_gets_no_session(browser, addresses):
    there = harness.Visit(browser, addresses("small").replace("127.0.0.1", "localhost"))
    there.open()
    there.well()
    host = addresses("small").removeprefix("http://")
    upgrade = (
        "GET /_stcore/stream HTTP/1.1\r\nHost: rebound.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert _status(host, upgrade) == 403
    for origin in ("http://evil.example", "http://localhost:9", "http://127.0.0.1:1", "http://[::1]:9", "null", "http://[", "file://"):
        assert _status(host, upgrade.replace("rebound.example", f"{host}\r\nOrigin: {origin}")) == 403
    assert _status(host, upgrade.replace("rebound.example", f"{host}\r\nOrigin: http://{host}")) == 101
    there.close()


def _status(host: str, request: str) -> int:
    import socket

    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=120) as line:
        line.sendall(request.encode())
        return int(line.recv(200).split()[1])


def _signed(payload, *, key, salt):
    """A cookie as the page's own signer would make it, with another key or for another purpose."""
    return TimestampSigner(key, salt=salt).sign(base64.urlsafe_b64encode(json.dumps(payload).encode())).decode()


def test_a_forged_cookie_opens_nothing(browser, signing_in):
    """Whoever writes a session by hand is a stranger: unsigned, signed with another key, without algorithm, or half a real one."""
    desk, address = signing_in
    there = harness.Visit(browser, address)
    there.open().get_by_role("button", name="Sign in").click()
    there.page.get_by_role("heading", name="What is wrong now?").wait_for()
    real = [
        cookie for cookie in there.context.cookies() if cookie["value"] and "streamlit" in cookie["name"] and "xsrf" not in cookie["name"]
    ]
    assert real, "a real session has a cookie"
    assert all(cookie["httpOnly"] for cookie in real)
    there.close()
    claims = {"is_logged_in": True, "email": desk.email, "email_verified": True, "origin": address, "iss": desk.issuer, "sub": "1"}
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    there = harness.Visit(browser, address)
    for make in (
        lambda _: json.dumps(claims),
        lambda _: f"{header}.{body}.",
        lambda _: _signed(claims, key="guessed", salt="x"),
        lambda value: value[: len(value) // 2],
        lambda value: value[:-4] + ("AAAA" if value[-4:] != "AAAA" else "BBBB"),
        lambda value: body + value[len(body) :],
    ):
        there.context.clear_cookies()
        there.context.add_cookies([{"name": one["name"], "value": quote(make(one["value"])), "url": address} for one in real])
        page = there.open("reports?as_of=2026-05-10")
        assert page.get_by_role("button", name="Sign in").is_visible(), make("a real value, shortened")
        assert not page.locator('[data-testid="stDataFrame"]').count()
    there.close()
