"""Which check the insight believes, and that everybody who asks believes the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.insight.api import published_policies
from pipeline.lake.writer import LakeWriter
from pipeline.published.check import Checked
from pipeline.published.finding import Finding
from pipeline.published.history import Published
from pipeline.published.stored_checks import check_rows
from pipeline.query import open_lake

DAY = date(2026, 5, 20)
OLD, NEW = (("version: STSv1", f"mode: {mode}", "mx: mx1.example.org", "max_age: 604800") for mode in ("testing", "enforce"))


def checked(day: date, lines: tuple[str, ...] | None, domain: str = "example.org") -> Checked:
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    return Checked(domain, at, (Finding("sts-policy", "policy-ok", "ok", domain, "x"),), Published(sts_id="1", policy_lines=lines))


@pytest.fixture
def lake(tmp_path):
    """Return a lake in which these checks are stored."""
    opened = []

    def make(*checks: Checked):
        with LakeWriter(tmp_path, run_id="check") as writer:
            for check in checks:
                writer.store_checks(list(check_rows(check)))
        opened.append(open_lake(tmp_path))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_the_newest_check_counts_and_since_when_its_text_is_published(lake):
    days = [DAY - timedelta(days=n) for n in (5, 4, 3, 2, 1)]
    made = lake(*map(checked, days, (OLD, OLD, NEW, None, NEW)))
    policy = published_policies(made.ask, as_of=DAY)["example.org"]
    assert (policy.mode, policy.since, policy.source) == ("enforce", days[2], "checked")


def test_a_check_after_the_day_of_asking_is_not_looked_at(lake):
    made = lake(checked(DAY - timedelta(days=2), OLD), checked(DAY + timedelta(days=1), NEW))
    assert published_policies(made.ask, as_of=DAY)["example.org"].mode == "testing"
    assert published_policies(made.ask, as_of=DAY + timedelta(days=1))["example.org"].mode == "enforce"


@pytest.mark.parametrize(("age", "believed"), [(0, True), (7, True), (8, False)])
def test_a_check_is_believed_for_seven_days(lake, age, believed):
    made = lake(checked(DAY - timedelta(days=age), OLD))
    assert ("example.org" in published_policies(made.ask, as_of=DAY)) is believed


def test_where_the_policy_could_not_be_read_the_senders_are_asked(lake):
    made = lake(checked(DAY - timedelta(days=1), OLD), checked(DAY, None))
    assert published_policies(made.ask, as_of=DAY) == {}


def test_an_empty_lake_has_no_check(tmp_path):
    with open_lake(tmp_path) as nothing:
        assert published_policies(nothing.ask, as_of=DAY) == {}


def test_readiness_and_policies_seen_go_by_the_check_without_being_told(lake):
    made = lake(checked(DAY, NEW), checked(DAY, OLD, "example.net"))
    assert made.policies_seen("example.org", as_of=DAY).published.mode == "enforce"
    assert made.readiness("example.org", as_of=DAY).published.source == "checked"
    assert made.readiness("example.net", as_of=DAY).published.mode == "testing"
