"""The ways through the page: from a red number to the raw report, filters in the URL, what can be taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.dashboard.lakes import AS_OF

pytestmark = pytest.mark.browser


def test_from_an_incident_to_the_raw_report_that_proves_it(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    page.get_by_role("link", name="What it means, what to do, the proof").first.click()
    page.get_by_role("heading", name="Whose fault, and why").wait_for()
    there.idle()
    assert "openssl" in page.locator('[data-testid="stCode"]').first.inner_text()
    there.choose_row("proof")
    page.get_by_role("heading", name="What did the sender write?").wait_for()
    there.idle()
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
    there.choose_row("reports")
    page.get_by_role("heading", name="What did the sender write?").wait_for()
    there.idle()
    there.well()


def test_a_domain_chosen_in_a_table_is_the_filter_of_the_next_page(visit):
    there = visit("demo")
    page = there.open(f"?as_of={AS_OF}")
    there.choose_row("overview-domains")
    page.get_by_role("heading", name="May it go from testing to enforce?").wait_for()
    there.idle()
    assert "domain=example." in page.url
    there.go("Reporters")
    assert "domain=example." in page.url
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
    there.choose_row("reports")
    page.get_by_role("heading", name="What did the sender write?").wait_for()
    there.idle()
    with page.expect_download() as download:
        page.get_by_role("button", name="Rows as JSON").click()
    taken = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert len(taken["policies"]) == 2
    there.well()


def test_an_incident_made_of_attacks_is_plain_text(visit):
    there = visit("hostile")
    page = there.open(f"?as_of={AS_OF}")
    page.get_by_role("link", name="What it means, what to do, the proof").first.click()
    page.get_by_role("heading", name="Copy for a ticket").wait_for()
    there.idle()
    assert not page.locator('a[href*="evil"], img[src*="evil"], img[src="x"]').count()
    there.well()


def test_the_sql_behind_a_chart_is_shown(visit):
    there = visit("small")
    page = there.open("?as_of=2026-05-10")
    page.get_by_role("button", name="Show the SQL").first.click()
    assert "from session_parts" in page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"]').first.inner_text()
