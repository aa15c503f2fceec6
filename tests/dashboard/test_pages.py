"""Every page on an empty, a small, a demo and a hostile lake."""

from __future__ import annotations

import pytest

from pipeline.config import Settings
from pipeline.query import open_lake
from tests.dashboard.lakes import AS_OF

pytestmark = pytest.mark.browser

PAGES = ("Overview", "Incidents", "Domain", "All domains", "Reporters", "MX hosts", "Reports", "Notices", "Ingest health")
PATHS = (
    "", "incidents", "domain?domain=example.com", "domain?domain=example.com&tab=Published", "domains", "reporters", "hosts", "reports",
    "notices", "ingest", "first_weeks",
)  # fmt: skip

BOUNDS_AS_OF = "2026-04-01"
ODD_REPORTS = """
with odd as (
    select report_key from reports where contact_info = repeat('x', 70000) or report_id = '' or len(quirks) = 1000
    union select report_key from policies where len(policy_strings) = 1000 or success_count = 1000000000
    union select report_key from failures where additional_information = repeat('x', 70000)
)
select report_key from odd order by report_key"""
"""Reports with the longest texts and lists, and with the greatest counts."""


@pytest.mark.parametrize(("lake", "as_of"), [("empty", AS_OF), ("small", "2026-05-10"), ("hostile", AS_OF), ("bounds", BOUNDS_AS_OF)])
def test_every_page_is_drawn_and_nothing_a_report_says_is_executed_or_fetched(visit, lake, as_of):
    there = visit(lake)
    there.open(f"?as_of={as_of}&period=90d")
    for title in PAGES:
        there.go(title)
        there.well()
    assert "as_of=" in there.page.url, "the filters stay in the URL from page to page"


@pytest.mark.parametrize("most", [1, pytest.param(99, marks=pytest.mark.soak)])
def test_what_pages_lead_to_is_drawn_for_rows_at_every_bound(visit, lake_folders, most):
    there = visit("bounds")
    with open_lake(lake_folders["bounds"], settings=Settings()) as lake:
        incidents = [each.id for each in lake.incidents(as_of=BOUNDS_AS_OF)]
        reports = lake.sql(ODD_REPORTS).column("report_key").to_pylist()
    assert incidents
    assert len(reports) > 3
    tabs = [f"domain?domain=example.org&tab={tab}" for tab in ("Published", "Senders", "Policies", "Flow")]
    shown = [f"{kind}={key}" for kind, keys in (("incident?id", incidents), ("report?key", reports)) for key in keys[:most]]
    for path in (*tabs[:most], *shown):
        there.open_quickly(f"{path}&as_of={BOUNDS_AS_OF}&period=90d")
        there.well()


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
