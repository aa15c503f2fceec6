"""The first two weeks: who has been seen, who usually comes, and when it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.insight.first_weeks import read_first_weeks
from pipeline.message.shipped_reporters import REPORTERS
from tests.insight.book import CAMPUS, GOOGLE, MAILRU, MICROSOFT, Book, day, sts

OWN = dict.fromkeys(("example.org", "example.net"))


@pytest.fixture(scope="module")
def ask():
    book = Book().every_day(GOOGLE, 0, 2, sts(10)).every_day(CAMPUS, 0, 1, sts(10), tier="unverified")
    with book.lake() as lake:
        yield lake.ask


def weeks(ask, *, after=3, own=OWN):
    return read_first_weeks(ask, today=day(after), own=own, first_look=day(0), configured=(MAILRU,))


def test_who_usually_comes_is_there_whether_or_not_it_was_seen(ask):
    found = weeks(ask)
    said = {one.reporter: one.state() for one in found.reporters}
    assert list(said)[:2] == [GOOGLE, MICROSOFT]
    assert said[MICROSOFT] == "not seen yet"
    assert "3 reports" in said[GOOGLE]
    assert said[CAMPUS].startswith("2 reports since")
    assert said[CAMPUS].endswith(", 0 count")
    assert {one.reporter: one.usually for one in found.reporters} == {
        GOOGLE: "about daily so far",
        MICROSOFT: next(one.usually for one in REPORTERS if one.domain == MICROSOFT),
        MAILRU: "named in [trust] reporters",
        CAMPUS: "",
    }
    assert found.sentence() == "Day 4: 2 reporters seen so far, about 1 of 2 domains."
    assert [(one.domain, one.reports) for one in found.domains] == [("example.net", 0), ("example.org", 5)]
    assert "tlsrpt check example.net" in found.to_check()[0]


def test_two_weeks_are_the_first_two_weeks(ask):
    assert weeks(ask, after=14).last
    over = weeks(ask, after=15)
    assert not over.last
    assert not over.reporters


def test_a_mailbox_that_gathered_reports_before_it_was_read_is_past_them(ask):
    late = read_first_weeks(ask, today=day(30), own=OWN, first_look=day(29))
    assert not late.last
    assert not late.reporters
    assert late.sentence() == f"The first two weeks are over; they began on {day(1)}."


def test_nothing_after_three_days_is_said_to_be_unusual():
    with Book().lake() as lake:
        began = day(0)
        assert "usually come within 3 days of" in weeks(lake.ask, after=2).sentence()
        assert "though first reports usually" in weeks(lake.ask, after=5).sentence()
        nobody = read_first_weeks(lake.ask, today=began + timedelta(days=1), own={}, first_look=None)
        assert nobody.last
        assert "No mailbox has been polled" in nobody.sentence()
