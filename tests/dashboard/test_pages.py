"""Every page on an empty, a small, a demo and a hostile lake."""

from __future__ import annotations

import pytest

from tests.dashboard.lakes import AS_OF

pytestmark = pytest.mark.browser

PAGES = ("Overview", "Incidents", "Domain", "All domains", "Reporters", "MX hosts", "Reports", "Notices", "Ingest health")
PATHS = (
    "", "incidents", "domain?domain=example.com", "domain?domain=example.com&tab=Published", "domains", "reporters", "hosts", "reports",
    "notices", "ingest", "first_weeks",
)  # fmt: skip


@pytest.mark.parametrize(("lake", "as_of"), [("empty", AS_OF), ("small", "2026-05-10"), ("hostile", AS_OF), ("bounds", "2026-04-01")])
def test_every_page_is_drawn_and_nothing_a_report_says_is_executed_or_fetched(visit, lake, as_of):
    there = visit(lake)
    there.open(f"?as_of={as_of}&period=90d")
    for title in PAGES:
        there.go(title)
        there.well()
    assert "as_of=" in there.page.url, "the filters stay in the URL from page to page"


def test_the_pages_of_the_demo_are_free_of_what_axe_finds(visit):
    there = visit("demo")
    there.open(f"?as_of={AS_OF}")
    found = []
    for title in PAGES:
        there.go(title)
        there.well()
        found += [f"{title}: {finding}" for finding in there.accessible()]
    assert not found, "\n".join(found)


def test_the_dark_page_has_enough_contrast(visit):
    there = visit("demo", scheme="dark")
    there.open(f"?as_of={AS_OF}")
    assert not there.accessible()
    there.well()


@pytest.mark.soak
@pytest.mark.parametrize("width", [1300, 390])
def test_every_dark_page_is_free_of_what_axe_finds(visit, width):
    there = visit("demo", scheme="dark", width=width)
    found = []
    for path in PATHS:
        there.open(f"{path}{'&' if '?' in path else '?'}as_of={AS_OF}")
        there.well()
        found += [f"{path}: {finding}" for finding in there.accessible()]
    assert not found, "\n".join(found)


def test_a_narrow_screen_needs_no_scrolling_to_the_side(visit):
    there = visit("demo", width=390, height=800)
    for path in PATHS:
        page = there.open(f"{path}{'&' if '?' in path else '?'}as_of={AS_OF}")
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= window.innerWidth"), path
        if path == "incidents":
            assert page.get_by_role("link", name="Cause, fix and evidence").first.is_visible(), "incidents are cards on a phone"
            assert not page.locator(".st-key-incidents").first.is_visible()
    there.well()
