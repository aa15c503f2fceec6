"""Who gets in: everybody on this machine, or who signs in; and nobody where that is demanded and cannot be done."""

from __future__ import annotations

import subprocess

import pytest

from pipeline.dashboard_flags import may_enter
from tests.dashboard import browser as harness
from tests.dashboard.lakes import small
from tests.dashboard.oidc import provider, secrets

pytestmark = pytest.mark.browser


@pytest.fixture
def signing_in(tmp_path, monkeypatch):
    """The page with a provider beside it; the port is known before the page starts, because its secrets name it."""
    port = harness.free_port()
    monkeypatch.setattr(harness, "free_port", lambda: port)
    address = f"http://127.0.0.1:{port}"
    with provider() as desk:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets(desk.issuer, address))
        (tmp_path / "tlsrpt.toml").write_text('[dashboard]\nallow = ["@example.org"]\n')
        with harness.serving(small(tmp_path / "lake"), cwd=tmp_path):
            yield desk, address


def test_nobody_sees_a_page_before_signing_in_and_then_only_who_is_on_the_list(browser, signing_in):
    desk, address = signing_in
    there = harness.Visit(browser, address)
    page = there.open("reports?as_of=2026-05-10")
    assert page.get_by_role("button", name="Sign in").is_visible()
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


def test_the_page_does_not_listen_beyond_this_machine_unless_somebody_signs_in(tmp_path):
    command = [harness.TLSRPT, "--lake", str(tmp_path / "lake"), "dashboard", "--address", "0.0.0.0", "--port", str(harness.free_port())]
    ran = subprocess.run(
        command, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert "for anybody" in ran.stderr


def test_a_demanded_sign_in_that_is_gone_lets_nobody_in(browser, tmp_path):
    with harness.serving(small(tmp_path / "lake"), cwd=tmp_path, TLSRPT_SIGN_IN="required") as address:
        there = harness.Visit(browser, address)
        page = there.open()
        assert page.get_by_text("Nobody can sign in").is_visible()
        assert not page.locator('[data-testid="stMetric"]').count()
        there.close()


def test_the_list_holds_addresses_and_domains_that_the_provider_has_verified():
    postmaster = {"email": "Postmaster@Example.org", "email_verified": True}
    assert may_enter(postmaster, ())
    assert may_enter(postmaster, ("@example.org",))
    assert may_enter(postmaster, ("postmaster@example.org",))
    assert not may_enter(postmaster, ("@example.net", "else@example.org"))
    assert not may_enter({**postmaster, "email_verified": False}, ("@example.org",))
    assert not may_enter({}, ("@example.org",))
    assert not may_enter({"email": "@example.org", "email_verified": None}, ("@example.org",))


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
    assert _status(host, upgrade.replace("rebound.example", f"{host}\r\nOrigin: http://evil.example")) == 403
    there.close()


def _status(host: str, request: str) -> int:
    import socket

    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=10) as line:
        line.sendall(request.encode())
        return int(line.recv(200).split()[1])
