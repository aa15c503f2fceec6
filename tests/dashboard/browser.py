"""A real page in a real browser: the server as `tlsrpt dashboard` starts it, Chromium, and what must never happen on any page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from playwright.sync_api import TimeoutError, sync_playwright

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

TLSRPT = str(Path(sys.executable).with_name("tlsrpt"))
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]  # fmt: skip
PATIENCE = 120_000
"""Milliseconds until a wait is given up: a safety net on a busy machine, and no claim of speed."""
_CLICKS = 6
IDLE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.dataset.testScriptState !== 'notRunning') return false;
  if (document.querySelector('[data-testid="stSkeleton"]')) return false;
  return [...document.querySelectorAll('[data-testid="stEChartsChart"]')].every(chart => chart.querySelector('canvas'));
}"""


_COUNTS_CLICKS = """addEventListener('pointerdown', () => {
  sessionStorage.setItem('clicks', 1 + Number(sessionStorage.getItem('clicks')));
}, true)"""
FOCUSED = """() => {
  const one = document.activeElement;
  return [one.tagName.toLowerCase(), one.getAttribute('aria-label') || one.innerText || ''];
}"""


@contextmanager
def serving(lake: Path, *arguments: str, cwd: Path, **environment: str) -> Iterator[str]:
    """Run `tlsrpt dashboard` on a lake, and end it; the address of the page."""
    if "--port" not in arguments:
        arguments += ("--port", str(free_port()))
    port = arguments[arguments.index("--port") + 1]
    command = [TLSRPT, "--lake", str(lake), "dashboard", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TLSRPT_", "STREAMLIT_"))}
    with (cwd / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=cwd, env={**clean, "HOME": str(cwd), **environment}, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE / 1000)
    written = (cwd / "server.log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in written, f"the server wrote a stack: {written[-4000:]}"


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a page answers."""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        assert server.poll() is None, "the page ended at once"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=20) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the page did not come up")


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
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(_COUNTS_CLICKS)
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _heard(self, message: Any) -> None:
        if message.type == "error":
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
        self.page.wait_for_function(IDLE, polling=10, timeout=PATIENCE)
        return self.page

    def go(self, title: str) -> Page:
        """Click a page in the navigation."""
        self.page.locator('[data-testid="stSidebarNav"] a', has_text=title).first.click()
        self.page.get_by_role("heading", level=1).wait_for()
        return self.idle()

    def idle(self) -> Page:
        """Wait until the script has ended and every chart is drawn."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(IDLE, timeout=PATIENCE)
        self.page.wait_for_timeout(100)
        self.page.wait_for_function(IDLE, timeout=PATIENCE)
        return self.page

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def choose_row(self, table: str, heading: str, row: int = 0) -> Page:
        """Choose a row of a table by its box, and wait for the page it leads to.

        The table is a canvas with a sheet over it: no click of an element. The key of its widget is its name.
        """
        return self._click_until(f".st-key-{table} canvas", lambda box: (box["x"] + 17, box["y"] + 35 + 35 * row + 17), heading)

    def follow(self, words: str, wanted: Locator) -> Page:
        """Click some words until what they lead to is there: a page that is drawn anew may lose a click."""
        for _ in range(_CLICKS):
            with suppress(TimeoutError):
                self.page.get_by_text(words).first.click(timeout=PATIENCE / _CLICKS)
                wanted.first.wait_for(timeout=PATIENCE / _CLICKS)
                return self.idle()
        raise AssertionError(f"no click on {words} led on")

    def choose_part(self, key: str, across: float, down: float, heading: str) -> Page:
        """Click in a chart at a part of its width and height, and wait for the page it leads to."""
        where = f".st-key-{key} canvas"
        return self._click_until(where, lambda box: (box["x"] + across * box["width"], box["y"] + down * box["height"]), heading)

    def _click_until(self, where: str, at: Callable[[dict[str, float]], tuple[float, float]], heading: str) -> Page:
        """Click, and once more where nothing came of it: a canvas may be there before it listens."""
        wanted = self.page.get_by_role("heading", name=heading, exact=True)
        for _ in range(_CLICKS):
            x, y = at(self._place(where))
            self.page.mouse.move(x, y)
            self.page.wait_for_timeout(100)
            self.page.mouse.click(x, y)
            with suppress(TimeoutError):
                wanted.first.wait_for(timeout=PATIENCE / _CLICKS)
                return self.idle()
        raise AssertionError(f"no click in {where} led to {heading}")

    def _place(self, where: str) -> dict[str, float]:
        """Return where something is on the screen, once it has come to rest there."""
        thing = self.page.locator(where).first
        thing.scroll_into_view_if_needed()
        before: Any = None
        for _ in range(PATIENCE // 100):
            box = thing.bounding_box()
            if box and box == before:
                return dict(box)
            before = box
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{where} does not come to rest")

    def clicks(self) -> int:
        """Count the clicks of this visit so far."""
        return int(self.page.evaluate("Number(sessionStorage.getItem('clicks'))"))

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
