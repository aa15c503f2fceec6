"""A real page in a real browser: the server as `tlsrpt dashboard` starts it, Chromium, and what must never happen on any page."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

TLSRPT = str(Path(sys.executable).with_name("tlsrpt"))
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]  # fmt: skip
STREAMLITS_OWN = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""On a deep link Streamlit's page looks for its server below the link first, and gets a 404."""
IDLE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.dataset.testScriptState !== 'notRunning') return false;
  if (document.querySelector('[data-testid="stSkeleton"]')) return false;
  return [...document.querySelectorAll('[data-testid="stEChartsChart"]')].every(chart => chart.querySelector('canvas'));
}"""


FOCUSED = """() => {
  const one = document.activeElement;
  return [one.tagName.toLowerCase(), one.getAttribute('aria-label') || one.innerText || ''];
}"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(lake: Path, *arguments: str, cwd: Path, **environment: str) -> Iterator[str]:
    """Run `tlsrpt dashboard` on a lake, and end it; the address of the page."""
    port = free_port()
    command = [TLSRPT, "--lake", str(lake), "dashboard", "--port", str(port), *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TLSRPT_", "STREAMLIT_"))}
    with (cwd / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=cwd, env={**clean, "HOME": str(cwd), **environment}, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=15)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the page ended at once"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the page did not come up in thirty seconds")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which can reach this machine alone."""
    path = shutil.which("chromium")
    assert path, "chromium is missing: apt-get install --no-install-recommends chromium fonts-dejavu-core"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A visitor, and all that went wrong while they were there."""

    def __init__(self, browser: Browser, address: str, *, scheme: str = "light", width: int = 1300, height: int = 1000) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not STREAMLITS_OWN.search(message.location.get("url", "")):
            self.wrong.append(f"console: {message.text} {message.location.get('url')}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws"))):
            self.wrong.append(f"outside: {request.url}")

    def open(self, path: str = "") -> Page:
        """Open a page by its URL and wait until it is drawn."""
        self.page.goto(f"{self.address}/{path}")
        return self.idle()

    def open_quickly(self, path: str = "") -> Page:
        """Open a page by its URL and wait until it is drawn, without pauses."""
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_function(IDLE, polling=10, timeout=60_000)
        return self.page

    def go(self, title: str) -> Page:
        """Click a page in the navigation."""
        self.page.locator('[data-testid="stSidebarNav"] a', has_text=title).first.click()
        self.page.get_by_role("heading", level=1).wait_for()
        return self.idle()

    def idle(self) -> Page:
        """Wait until the script has ended and every chart is drawn."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(IDLE, timeout=60_000)
        self.page.wait_for_timeout(100)
        self.page.wait_for_function(IDLE, timeout=60_000)
        return self.page

    def choose_row(self, table: str, row: int = 0) -> Page:
        """Choose a row of a table by its box; the table is a canvas, the key of its widget is its name."""
        grid = self.page.locator(f".st-key-{table} canvas").first
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        assert box, table
        self.page.mouse.click(box["x"] + 17, box["y"] + 35 + 35 * row + 17)  # a sheet lies over the canvas: no click of an element
        return self.idle()

    def chart(self, key: str) -> dict[str, float]:
        """Where a chart is on the screen."""
        canvas = self.page.locator(f".st-key-{key} canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box, key
        return dict(box)

    def click_at(self, box: dict[str, float], across: float, down: float) -> None:
        """Click at a part of the width and of the height."""
        self.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        self.page.wait_for_timeout(100)
        self.page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])

    def tab_to(self, tag: str, text: str) -> list[str]:
        """Press Tab until an element has the focus; what was passed on the way."""
        passed: list[str] = []
        for _ in range(80):
            self.page.keyboard.press("Tab")
            name, words = self.page.evaluate(FOCUSED)
            if name == tag and text in words:
                return passed
            passed.append(words)
        raise AssertionError(f"{text} was not reached: {passed}")

    def well(self) -> None:
        """Nothing failed, nothing went outside, nothing was executed."""
        assert not self.page.locator('[data-testid="stException"]').count(), self.page.locator(
            '[data-testid="stException"]'
        ).first.inner_text()
        assert self.page.evaluate("window.hacked === undefined"), "something a report carried was executed"
        assert not self.wrong, self.wrong

    def accessible(self) -> list[str]:
        """What axe-core finds, in Streamlit's own elements, too."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")
        return [
            f"{violation['id']} {node['target']}: {node['failureSummary'][:200]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def close(self) -> None:
        """Leave."""
        self.context.close()
