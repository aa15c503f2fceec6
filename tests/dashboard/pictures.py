"""Pictures of every page, to be looked at one by one: `python -m tests.dashboard.pictures FOLDER [LAKE…]`.

Each page of each lake, light and dark, on a desk and on a phone, as tall as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.dashboard import lakes
from tests.dashboard.browser import Visit, chromium, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LAKES = ("demo", "hostile", "empty", "first_week")
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
PAGES = ("", "incidents", "domain", "domains", "reporters", "hosts", "reports", "notices", "ingest", "first_weeks")
_DOMAINS = {"demo": "example.com", "hostile": "evil.example", "first_week": "example.com"}
_TABS = ("Policies", "Senders", "Published")
_TALLEST = 5000


def main() -> int:
    """Take them all, or those of the lakes named."""
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    for lake in sys.argv[2:] or LAKES:
        with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder, chromium() as browser:
            path = getattr(lakes, lake)(Path(folder) / "lake")
            with serving(path, cwd=Path(folder), TLSRPT_TEST_TODAY=str(lakes.AS_OF)) as address:
                _of_lake(browser, address, where, lake)
    return 0


def _of_lake(browser: Browser, address: str, where: Path, lake: str) -> None:
    for scheme in SCHEMES:
        for width in WIDTHS:
            visit = Visit(browser, address, scheme=scheme, width=width)
            for path in PAGES:
                query = f"?domain={_DOMAINS[lake]}" if path == "domain" and lake in _DOMAINS else ""
                visit.open(f"{path}{query}")
                _save(visit, where / f"{lake}-{path or 'overview'}-{width}-{scheme}.png", width)
                if path == "domain":
                    _tabs(visit, where, f"{lake}-domain", width, scheme)
            _incident(visit, where, lake, width, scheme)
            visit.close()


def _tabs(visit: Visit, where: Path, name: str, width: int, scheme: str) -> None:
    tabs = visit.page.get_by_role("tab")
    for at in range(1, tabs.count()):
        tabs.nth(at).click()
        visit.idle()
        _save(visit, where / f"{name}-tab{at}-{width}-{scheme}.png", width)


def _incident(visit: Visit, where: Path, lake: str, width: int, scheme: str) -> None:
    page = visit.open("")
    links = page.get_by_role("link", name="Cause, fix and evidence")
    if not links.count():
        return
    links.first.click()
    page.get_by_role("heading", name="Copy for a ticket").wait_for()
    visit.idle()
    _save(visit, where / f"{lake}-incident-{width}-{scheme}.png", width)
    if width > 640:
        visit.choose_row("proof", "What did the sender write?")
        _save(visit, where / f"{lake}-report-{width}-{scheme}.png", width)


def _save(visit: Visit, file: Path, width: int) -> None:
    visit.well()
    page = visit.page
    tall = min(_TALLEST, int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")))
    page.set_viewport_size({"width": width, "height": max(tall, 800)})
    page.mouse.move(5, 5)
    visit.idle()
    page.wait_for_timeout(900)
    page.screenshot(path=file)
    page.set_viewport_size({"width": width, "height": 1000})


if __name__ == "__main__":
    raise SystemExit(main())
