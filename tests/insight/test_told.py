"""What is new, worse or over since somebody was last told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.insight.told_incidents import from_plain, news_of, next_memory, to_plain
from tests.insight.asking import incidents
from tests.insight.book import GOOGLE, MAILRU, MICROSOFT, MX1, MX2, Book, Fail, day, sts

EXPIRED = Fail("certificate-expired", 20)


def book(last: int, *, share: int = 20, hosts=(MX1,), until: int | None = None) -> Book:
    """An expired certificate from day 5 on, on the hosts and with the failed sessions given; over after `until`."""
    made = Book()
    end = last if until is None else until
    for reporter in (GOOGLE, MICROSOFT):
        for number in range(last + 1):
            fails = [Fail("certificate-expired", share, host) for host in hosts] if 5 <= number <= end else []
            made.add(reporter, number, sts(100 - share * len(fails), *fails))
    return made


def tell(found, memory):
    news = news_of(found, memory)
    return [(entry.kind, entry.incident.cause) for entry in news], next_memory(found, memory, news, until=day(60))


def test_the_first_time_what_is_open_is_new_and_what_is_over_is_not():
    assert tell(incidents(book(8), 8), None)[0] == [("new", "mx-certificate-expired")]
    assert tell(incidents(book(12, until=7), 12), None)[0] == []


def test_told_once_is_enough():
    _, memory = tell(incidents(book(8), 8), None)
    for last in (9, 10, 15):
        told, memory = tell(incidents(book(last), last), memory)
        assert told == []


def test_the_same_question_twice_tells_nothing_the_second_time():
    found = incidents(book(8), 8)
    _, memory = tell(found, None)
    assert tell(found, memory) == ([], memory)


def test_that_it_is_over_is_told_once():
    _, memory = tell(incidents(book(8), 8), None)
    told, memory = tell(incidents(book(12, until=9), 12), memory)
    assert told == [("over", "mx-certificate-expired")]
    assert tell(incidents(book(13, until=9), 13), memory)[0] == []


def test_what_came_and_went_between_two_questions_is_new():
    _, memory = tell(incidents(book(3), 3), None)
    assert tell(incidents(book(12, until=9), 12), memory)[0] == [("new", "mx-certificate-expired")]


def test_another_host_is_worse():
    _, memory = tell(incidents(book(8), 8), None)
    (news,) = news_of(incidents(book(10, hosts=(MX1, MX2)), 10), memory)
    assert (news.kind, news.why) == ("worse", "1 more MX host fails")


def test_twice_the_share_is_worse_and_a_little_more_is_not():
    _, memory = tell(incidents(book(8), 8), None)
    assert tell(incidents(book(9, share=25), 9), memory)[0] == []
    (news,) = news_of(incidents(book(9, share=50), 9), memory)
    assert (news.kind, news.why) == ("worse", "50.0% of the sessions fail, 20.0% before")


def test_what_creeps_up_is_held_against_what_was_told_and_not_against_yesterday():
    _, memory = tell(incidents(book(8), 8), None)
    for share in (25, 30, 35):
        told, memory = tell(incidents(book(9, share=share), 9), memory)
        assert told == []
    assert tell(incidents(book(9, share=45), 9), memory)[0] == [("worse", "mx-certificate-expired")]


def test_a_fault_that_turns_out_to_be_ours_is_worse():
    alone = Book().every_day(GOOGLE, 0, 3, sts(80, EXPIRED)).every_day(MICROSOFT, 0, 3, sts(100))
    _, memory = tell(incidents(alone, 3), None)
    both = (
        Book().every_day(GOOGLE, 0, 6, sts(80, EXPIRED)).every_day(MICROSOFT, 0, 3, sts(100)).every_day(MICROSOFT, 4, 6, sts(80, EXPIRED))
    )
    (news,) = news_of(incidents(both, 6), memory)
    assert (news.kind, news.why) == ("worse", "it is ours; before, the fault was sender")


def test_what_was_over_and_is_back_is_told():
    _, memory = tell(incidents(book(8), 8), None)
    _, memory = tell(incidents(book(11, until=8), 11), memory)
    back = book(11, until=8)
    for reporter in (GOOGLE, MICROSOFT):
        back.add(reporter, 12, sts(80, EXPIRED))
    told, _ = tell(incidents(back, 12), memory)
    # Three days without it lie between: another incident by its days, and new.
    assert told == [("new", "mx-certificate-expired")]


def test_a_missing_starttls_that_turns_out_to_be_stripped_is_the_same_incident():
    fail = Fail("starttls-not-supported", 20)
    _, memory = tell(incidents(Book().every_day(GOOGLE, 0, 3, sts(80, fail)), 3), None)
    found = incidents(Book().every_day(GOOGLE, 0, 3, sts(80, fail)).every_day(MAILRU, 0, 3, sts(100)), 3)
    assert found[0].cause == "starttls-stripped"
    assert tell(found, memory)[0] == []


def test_the_memory_survives_its_file():
    _, memory = tell(incidents(book(8), 8), None)
    assert from_plain(to_plain(memory)) == memory


def test_what_is_long_over_is_forgotten():
    found = incidents(book(12, until=9), 12)
    memory = next_memory(found, None, [], until=day(12))
    assert next_memory([], memory, [], until=day(9) + timedelta(days=400)) == memory
    assert next_memory([], memory, [], until=day(9) + timedelta(days=401)) == []


@pytest.mark.parametrize("plain", [{}, {"version": 99, "told": []}, {"version": 1}, {"version": 1, "told": [{"id": "x"}]}])
def test_a_memory_that_is_none_is_refused(plain):
    with pytest.raises(ValueError, match=r"version|list of reported incidents"):
        from_plain(plain)
