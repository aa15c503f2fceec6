"""The pictures of the pages, light and dark, on demo data: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.dashboard import lakes
from tests.dashboard.browser import Visit, chromium, serving

WHERE = Path(__file__).parents[2] / "dashboard" / "static" / "screenshots"
_HEIGHT = 1500
"""Pixels at most: what a reader of the README looks at."""
PAGES = {
    "overview": "",
    "incidents": "incidents",
    "domain": "domain?domain=example.com",
    "domains": "domains",
    "reporters": "reporters",
    "hosts": "hosts",
    "reports": "reports",
    "ingest": "ingest",
}


def main() -> int:
    """Take them all."""
    WHERE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder, chromium() as browser:
        lake = lakes.demo(Path(folder) / "lake")
        with serving(lake, cwd=Path(folder), TLSRPT_TEST_TODAY=str(lakes.AS_OF)) as address:
            for scheme in ("light", "dark"):
                take(Visit(browser, address, scheme=scheme, width=1280), scheme)
    print(f"{len(list(WHERE.glob('*.png')))} pictures in {WHERE}", file=sys.stderr)
    return 0


def take(visit: Visit, scheme: str) -> None:
    """Take those of one colour scheme."""
    for name, path in PAGES.items():
        visit.open(path)
        _save(visit, f"{name}-{scheme}")
    visit.open()
    visit.page.get_by_role("link", name="Cause, fix and evidence").first.click()
    visit.page.get_by_role("heading", name="Copy for a ticket").wait_for()
    visit.idle()
    _save(visit, f"incident-{scheme}")
    visit.choose_row("proof", "What did the sender write?")
    _save(visit, f"report-{scheme}")
    visit.close()


def _save(visit: Visit, name: str) -> None:
    visit.well()
    page = visit.page
    tall = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": 1280, "height": min(tall, _HEIGHT)})
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.mouse.move(5, 5)
    visit.idle()
    page.wait_for_timeout(1500)
    page.screenshot(path=WHERE / f"{name}.png")
    page.set_viewport_size({"width": 1280, "height": 1000})


if __name__ == "__main__":
    raise SystemExit(main())
