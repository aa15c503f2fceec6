"""The documentation as a site, in a browser that reaches nothing: its search finds what people look for, and no link leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.dashboard.browser import chromium
from tests.project.tree import ROOT

pytestmark = pytest.mark.servers

SOUGHT = [
    ("validation-failure", ("result-types",)),
    ("enforce", ("enforce",)),
    ("Microsoft 365", ("microsoft-365",)),
]
"""What is looked for, and the pages of which the first found has to be one."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    built = tmp_path_factory.mktemp("site")
    docs = ROOT / "pipeline" / "docs"
    command = ["sphinx-build", "-q", "-W", "--keep-going", "-c", ROOT / ".ci" / "site", "-d", built / "trees", docs, built / "site"]
    done = subprocess.run([Path(sys.executable).with_name(str(command[0])), *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built / "site"


@pytest.fixture(scope="module")
def page(site):
    with chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize(("words", "wanted"), SOUGHT)
def test_the_first_that_is_found_is_what_was_meant(page, site, words, wanted):
    page.goto(f"file://{site}/search.html?q={words}")
    page.wait_for_selector("#search-results li a", timeout=120_000)
    page.wait_for_function("!document.querySelector('#search-progress')?.innerText.endsWith('…')")
    first = page.locator("#search-results li a").first
    assert Path(urlsplit(first.get_attribute("href")).path).stem in wanted, page.inner_text("#search-results")


class Links(HTMLParser):
    """The addresses a page links to, and the names of its places."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.places.add(told.get("id") or "")
        self.targets += [told[name] or "" for name in ("href", "src") if name in told]


def test_every_link_leads_somewhere(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    wrong = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not there.exists() or (place and there in pages and place not in pages[there].places):
                wrong.append(f"{path.relative_to(site)}: {target}")
    assert len(pages) > 60
    assert wrong == []
