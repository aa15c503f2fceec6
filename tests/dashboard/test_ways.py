"""The ways through the page: from a red number to the raw report, filters in the URL, what can be taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from dashboard.entry_script import PARTS
from dashboard.ground import NOTHING_COUNTS
from dashboard.say import whole_days
from tests.dashboard.browser import Visit, serving
from tests.dashboard.lakes import AS_OF, small

pytestmark = pytest.mark.browser


def test_from_an_incident_to_the_raw_report_that_proves_it(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    page.get_by_role("link", name="Cause, fix and evidence").first.click()
    page.get_by_role("heading", name="Why this verdict").wait_for()
    there.idle()
    assert "openssl" in page.locator('[data-testid="stCode"]').first.inner_text()
    page.get_by_role("heading", name="What to do").wait_for()
    assert there.clicks() <= 2, "what is wrong, and its fix"
    there.choose_row("proof", "What did the sender write?")
    assert '"organization-name"' in page.locator('[data-testid="stCode"]').first.inner_text()
    there.well()
    assert not there.accessible()


def test_from_the_number_of_failed_sessions_to_the_reports_behind_it(visit):
    there = visit("small")
    page = there.open("?as_of=2026-05-10")
    page.get_by_role("link", name="See them").click()
    page.get_by_role("heading", name="Reports", level=1).wait_for()
    there.idle()
    assert "failing=true" in page.url
    assert page.get_by_text("reports, newest first").inner_text().startswith("6 reports")
    there.choose_row("reports", "What did the sender write?")
    assert there.clicks() <= 3, "the raw report behind a number"
    there.well()


def test_a_domain_chosen_in_a_table_is_the_filter_of_the_next_page(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    there.choose_row("overview-domains", "Ready for enforce?")
    assert there.clicks() <= 2, "may this domain enforce?"
    chosen = page.get_by_role("heading", level=1).inner_text()
    assert f"domain={chosen}" in page.url
    there.go("Reporters")
    assert f"domain={chosen}" in page.url
    there.well()


def test_a_url_brings_back_what_was_chosen(visit):
    there = visit("small")
    page = there.open("reports?as_of=2026-05-10&period=90d&domain=example.net&trust=verified&shown=both")
    assert page.get_by_text("reports, newest first").inner_text().startswith("2 reports")
    assert (
        page.locator('[data-testid="stSidebar"] input[value="example.net"]').count()
        or "example.net" in page.locator('[data-testid="stSidebar"]').inner_text()
    )
    for part in ("period=90d", "domain=example.net", "trust=verified", "shown=both", "as_of=2026-05-10"):
        assert part in page.url
    there.well()


def test_a_csv_has_the_rows_behind_the_chart_and_no_formula(visit):
    there = visit("hostile")
    page = there.open(f"hosts?as_of={AS_OF}")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").last.click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert rows[0][:2] == ["result_type", "failure_reason_code"]
    assert len(rows) > 4
    assert not [cell for row in rows for cell in row if re.match(r"[=+\-@]", cell)]


def test_the_rows_of_a_report_can_be_taken_away_as_json(visit):
    there = visit("hostile")
    page = there.open(f"reports?as_of={AS_OF}")
    there.choose_row("reports", "What did the sender write?")
    with page.expect_download() as download:
        page.get_by_role("button", name="Rows as JSON").click()
    taken = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert len(taken["policies"]) == 2
    there.well()


def test_an_incident_made_of_attacks_is_plain_text(visit):
    there = visit("hostile")
    page = there.open(f"?as_of={AS_OF}")
    page.get_by_role("link", name="Cause, fix and evidence").first.click()
    page.get_by_role("heading", name="Copy for a ticket").wait_for()
    there.idle()
    assert not page.locator('img[src*="evil"], img[src="x"]').count()
    assert not page.evaluate("[...document.querySelectorAll('a')].filter(one => one.origin !== location.origin).length"), (
        "a link leads away"
    )
    there.well()


def test_the_sql_behind_a_chart_is_shown(visit):
    there = visit("small")
    page = there.open("?as_of=2026-05-10")
    page.get_by_role("button", name="Show the SQL").first.click()
    assert "from session_parts" in page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"]').first.inner_text()


def test_a_click_on_a_bar_leads_to_the_reports_of_that_day_and_the_browser_goes_back(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    there.choose_part("failures-by-day", 0.8, 0.9, "Reports")
    assert re.search(r"day=2026-05-\d\d", page.url)
    assert "result=certificate-" in page.url
    there.sees(whole_days("Narrowed to day 2026-05-30")[:-2])
    page.go_back()
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    there.idle()
    assert "/reports" not in page.url, "a page one comes back to does not leave again"
    there.well()


def test_every_choice_is_a_step_of_the_history_and_in_the_address(visit):
    there = visit("small")
    page = there.open("reporters?as_of=2026-05-10")
    for period in ("90d", "7d"):
        page.get_by_role("radio", name=period).click()
        page.wait_for_url(re.compile(f"period={period}"))
        there.idle()
    page.go_back()
    page.wait_for_url(re.compile("period=90d"))
    there.idle()
    page.locator('[role=radio][aria-checked="true"]', has_text="90d").first.wait_for()
    page.go_back()
    page.wait_for_url(re.compile(r"as_of=2026-05-10$"))
    there.idle()
    page.locator('[role=radio][aria-checked="true"]', has_text="28d").first.wait_for()
    page.go_forward()
    page.wait_for_url(re.compile("period=90d"))
    before = page.evaluate("history.length")
    there.choose_row("reporters", "Reports")
    assert page.evaluate("history.length") == before, "one step on, in place of the one that was gone back over"
    page.go_back()
    page.wait_for_url(re.compile("reporters.*period=90d"))
    there.well()


def test_the_parts_of_a_page_are_fetched_before_it_asks_for_them_and_once(visit):
    page = visit("small").open("notices")
    assert not page.locator('[data-testid="stEChartsChart"]').count()
    fetched = page.evaluate("performance.getEntriesByType('resource').map(one => one.name.split('/').pop())")
    assert {part: sum(name.startswith(f"{part}.") for name in fetched) for part in PARTS} == dict.fromkeys(PARTS, 1)


def test_a_tab_of_the_browser_says_what_is_in_it(visit):
    there = visit("demo")
    titles = {}
    for path in ("", "domains", "domain?domain=example.com", "domain?domain=example.net"):
        page = there.open(path)
        page.wait_for_function("document.title.endsWith(' · TLS reports')")
        titles[path] = page.title()
    assert titles["domain?domain=example.com"] == "example.com · TLS reports"
    assert len(set(titles.values())) == 4


def test_a_click_on_a_cell_of_the_calendar_leads_to_the_reports_of_that_reporter_and_day(visit):
    there = visit("demo")
    page = there.open(f"reporters?as_of={AS_OF}")
    there.choose_part("calendar", 0.5, 0.12, "Reports")
    assert "reporter=google.com" in page.url
    assert "day=2026-05-" in page.url
    found = page.get_by_text("reports, newest first").inner_text()
    assert int(found.split()[0]) > 0
    page.get_by_role("button", name="Show all").click()
    there.idle()
    assert "day=" not in page.url
    there.well()


def test_a_flow_and_a_row_of_the_mx_hosts_lead_to_their_reports(visit):
    there = visit("demo")
    page = there.open(f"hosts?as_of={AS_OF}")
    there.choose_part("flow", 0.01, 0.1, "Reports")
    assert "reporter=google.com" in page.url
    page.go_back()
    page.get_by_role("heading", name="MX hosts", level=1).wait_for()
    there.idle()
    there.choose_row("addresses", "Reports")
    assert "address=203.0.113.20" in page.url
    assert "host=mx2.example.com" in page.url
    assert not page.get_by_text("No report fits").count()
    there.well()


def test_with_the_keyboard_alone_one_reaches_the_filters_the_links_and_the_rows_of_a_chart(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    reached = there.tab_to("input", "As a table")
    assert any(name in reached for name in ("Domain", "Trust")), "the filters come first"
    assert any("See them" in name for name in reached), "the links of the figures are reached"
    page.keyboard.press("Space")
    there.idle()
    page.locator(".st-key-table-authenticated-tls canvas").first.wait_for()
    there.tab_to("canvas", "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    page.get_by_role("heading", name="Reports", level=1).wait_for()
    there.idle()
    assert re.search(r"day=2026-05-0[56]", page.url)
    there.open(f"?as_of={AS_OF}")
    there.tab_to("a", "Cause, fix and evidence")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Why this verdict").wait_for()
    there.idle()
    there.well()


def test_the_trust_filter_narrows_incidents_as_it_narrows_numbers(visit):
    there = visit("demo")
    there.open(f"incidents?as_of={AS_OF}&trust=vouched")
    there.sees(NOTHING_COUNTS)
    there.open(f"incidents?as_of={AS_OF}&trust=verified")
    there.sees("of this period, 1 open")
    there.well()


def test_the_search_survives_a_look_at_a_report_and_another_link_begins_anew(visit):
    there = visit("small")
    page = there.open("reports?as_of=2026-05-10&words=r1&shown=both")
    there.choose_row("reports", "What did the sender write?")
    page.get_by_role("link", name="Back to the search").click()
    page.get_by_role("heading", name="Reports", level=1).wait_for()
    there.idle()
    assert "words=r1" in page.url
    assert page.get_by_label("Report id, organisation").input_value() == "r1"
    there.go("Overview")
    page.get_by_role("link", name="See them").click()
    page.get_by_role("heading", name="Reports", level=1).wait_for()
    there.idle()
    assert "words=" not in page.url
    assert page.get_by_text("reports, newest first").inner_text().startswith("6 reports")
    there.well()


def test_no_table_gives_away_text_that_a_spreadsheet_would_run(visit):
    there = visit("hostile")
    page = there.open(f"hosts?as_of={AS_OF}")
    page.locator('[data-testid="stDataFrame"]').first.hover()
    buttons = page.locator('[data-testid="stElementToolbar"] button')
    names = [buttons.nth(at).get_attribute("aria-label") or "" for at in range(buttons.count())]
    assert names, "the table has its own buttons"
    assert not [name for name in names if "Download" in name and "PNG" not in name]


def test_an_error_on_the_page_links_to_nobody_outside(browser, tmp_path):
    lake = small(tmp_path / "lake")
    with serving(lake, cwd=tmp_path) as address:
        there = Visit(browser, address)
        for part in (lake / "reports").rglob("*.parquet"):
            part.write_bytes(b"broken")
        page = there.open("reports?as_of=2026-05-10")
        page.get_by_text("The page cannot be drawn").wait_for()
        assert not page.locator(f'a[href^="http"]:not([href^="{address}"])').count()
        assert not page.get_by_text(re.compile("Google|ChatGPT")).count()
        there.close()


def test_the_morning_begins_with_what_is_new_and_with_what_is_published_wrongly(visit):
    there = visit("demo")
    page = there.open("?as_of=2026-05-27")
    there.sees("On the last 3 complete days 1 incident began")
    there.sees("+ new")
    page.get_by_role("heading", name="Problems in published records").wait_for()
    there.choose_row("overview-published", "Ready for enforce?")
    assert "domain=example.com" in page.url
    there.well()
