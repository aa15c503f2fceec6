"""Who reports how often, who went silent, and whether it is they or we."""

from __future__ import annotations

import pytest

from pipeline.insight.coverage import as_json
from tests.insight.asking import covered
from tests.insight.book import CAMPUS, DOMAIN, GOOGLE, MAILRU, MICROSOFT, Book, day, sts

LAST = 30


def of(book: Book, reporter: str, *, last: int = LAST):
    return next(line for line in covered(book, last) if line.reporter == reporter)


def test_a_reporter_of_every_day_is_reporting():
    line = of(Book().every_day(GOOGLE, 0, LAST, sts(5)), GOOGLE)
    assert (line.state, line.usual_every_days, line.last_day, line.silent_since) == ("reporting", 1.0, day(LAST), None)
    assert (line.domain, line.first_day, line.days, line.sessions, line.lag_hours) == (DOMAIN, day(0), 31, 155, 6.0)


@pytest.mark.parametrize(("missed", "state"), [(2, "reporting"), (3, "silent")])
def test_three_missed_days_of_a_daily_reporter_are_silence_and_two_are_not(missed, state):
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).every_day(MICROSOFT, 0, LAST - missed, sts(5))
    line = of(book, MICROSOFT)
    assert line.state == state
    assert line.silent_since == (day(LAST - missed + 1) if state == "silent" else None)


def test_who_never_reports_on_weekends_is_not_silent_on_monday():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5))
    for number in range(LAST + 1):
        if day(number).weekday() < 5:
            book.add(MAILRU, number, sts(5))
    # Asked when the last complete day is a Sunday.
    assert of(book, MAILRU, last=27).state == "reporting"


def test_who_was_away_for_a_week_before_is_not_silent_after_five_days():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).every_day(MICROSOFT, 0, 9, sts(5)).every_day(MICROSOFT, 17, LAST - 5, sts(5))
    assert of(book, MICROSOFT).state == "reporting"


def test_a_weekly_reporter_is_rare_and_silent_only_after_three_weeks():
    book = Book().every_day(GOOGLE, 0, 60, sts(5))
    for number in range(0, 36, 7):
        book.add(CAMPUS, number, sts(5))
    assert of(book, CAMPUS, last=40).state == "rare"
    assert of(book, CAMPUS, last=55).state == "rare"
    assert of(book, CAMPUS, last=56).state == "silent"


def test_a_newcomer_has_no_habit_yet():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).add(CAMPUS, LAST, sts(5))
    line = of(book, CAMPUS)
    assert (line.state, line.usual_every_days, line.silent_since) == ("new", None, None)


def test_two_days_long_ago_are_rare():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).add(CAMPUS, 2, sts(5)).add(CAMPUS, 9, sts(5))
    assert of(book, CAMPUS).state == "rare"


def test_who_was_rare_and_has_not_been_seen_for_weeks_is_inactive():
    book = Book().every_day(GOOGLE, 0, 80, sts(5)).add(CAMPUS, 2, sts(5)).add(CAMPUS, 9, sts(5))
    assert of(book, CAMPUS, last=36).state == "rare"
    assert of(book, CAMPUS, last=37).state == "inactive"


def test_silence_of_all_at_once_is_our_ingest():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        book.every_day(reporter, 0, LAST - 4, sts(5))
    lines = covered(book, LAST)
    assert {line.state for line in lines} == {"ingest-outage"}
    assert {line.silent_since for line in lines} == {day(LAST - 3)}


def test_one_that_goes_on_shows_that_the_ingest_works():
    book = Book().every_day(CAMPUS, 0, LAST, sts(5))
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        book.every_day(reporter, 0, LAST - 4, sts(5))
    assert [line.state for line in covered(book, LAST)] == ["silent", "silent", "silent", "reporting"]


def test_one_reporter_alone_cannot_show_an_outage_of_ours():
    assert of(Book().every_day(GOOGLE, 0, LAST - 5, sts(5)), GOOGLE).state == "silent"


def test_reporters_that_stopped_long_before_are_silent_and_no_outage():
    book = Book().every_day(MAILRU, 0, 5, sts(5))
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, LAST, sts(5))
    first, *_ = covered(book, LAST)
    assert (first.reporter, first.state) == (MAILRU, "silent")


def test_a_report_about_a_day_that_is_not_complete_is_a_sign_of_life():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).every_day(MICROSOFT, 0, LAST - 4, sts(5)).add(MICROSOFT, LAST + 1, sts(5))
    line = of(book, MICROSOFT)
    assert (line.state, line.last_day) == ("reporting", day(LAST + 1))


def test_each_domain_has_habits_of_its_own():
    book = Book().every_day(GOOGLE, 0, LAST, sts(5)).every_day(GOOGLE, 0, LAST - 6, sts(5), domain="example.net")
    lines = {line.domain: line.state for line in covered(book, LAST)}
    assert lines == {"example.net": "silent", DOMAIN: "reporting"}


def test_an_empty_lake_has_no_coverage():
    assert covered(Book(), LAST) == []


def test_the_json_has_the_promised_members_first():
    (line,) = covered(Book().every_day(GOOGLE, 0, LAST, sts(5)), LAST)
    assert list(as_json(line))[:7] == ["domain", "reporter", "usual_every_days", "last_day", "silent_since", "lag_hours", "state"]
    assert as_json(line)["last_day"] == day(LAST).isoformat()
