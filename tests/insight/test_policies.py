"""Which policy each sender applied, who holds an old one and until when, and what changed."""

from __future__ import annotations

from datetime import timedelta

from pipeline.insight.applied_policies import checked_policy
from tests.insight.asking import policies
from tests.insight.book import CAMPUS, DOMAIN, GOOGLE, MAILRU, MICROSOFT, POLICY, Book, day, sts

NEW = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
ENFORCE = tuple(line.replace("testing", "enforce") for line in POLICY)


def test_one_policy_at_all_senders_is_the_published_one():
    seen = policies(Book().every_day(GOOGLE, 0, 9, sts(5)).every_day(MICROSOFT, 3, 9, sts(5)), 9)
    assert seen.domain == DOMAIN
    assert seen.published is not None
    assert (seen.published.mode, seen.published.max_age_seconds, seen.published.source) == ("testing", 604_800, "reports")
    assert [(held.reporter, held.first_day, held.last_day, held.is_published, held.held_until) for held in seen.held] == [
        (GOOGLE, day(0), day(9), True, None),
        (MICROSOFT, day(3), day(9), True, None),
    ]
    assert (seen.stale, seen.changes) == ((), ())


def test_blanks_and_order_make_no_other_policy():
    shuffled = tuple(f"{line} " for line in reversed(POLICY))
    seen = policies(Book().every_day(GOOGLE, 0, 9, sts(5)).every_day(MICROSOFT, 0, 9, sts(5, lines=shuffled)), 9)
    assert len({held.policy_hash for held in seen.held}) == 1
    assert len({held.lines for held in seen.held}) == 1


def test_who_holds_an_old_one_may_do_so_until_max_age_after_the_change():
    book = Book().every_day(GOOGLE, 0, 4, sts(50)).every_day(GOOGLE, 5, 9, sts(50, lines=NEW)).every_day(MICROSOFT, 0, 9, sts(5))
    (stale,) = policies(book, 9).stale
    assert (stale.reporter, stale.held_until) == (MICROSOFT, day(5) + timedelta(days=7))
    assert not stale.is_published


def test_on_the_day_of_a_change_the_new_one_is_the_latest():
    book = Book().every_day(GOOGLE, 0, 8, sts(50)).add(GOOGLE, 9, sts(30), sts(20, lines=NEW)).add(MICROSOFT, 9, sts(90, lines=NEW))
    seen = policies(book, 9, published=checked_policy(NEW, since=day(9)))
    assert seen.stale == ()
    assert {held.reporter: held.is_latest for held in seen.held if held.is_published} == {GOOGLE: True, MICROSOFT: True}


def test_a_policy_as_checked_makes_all_stale_that_nobody_has_taken_up():
    seen = policies(Book().every_day(GOOGLE, 0, 9, sts(5)), 9, published=checked_policy(NEW, since=day(8)))
    assert [(held.reporter, held.held_until) for held in seen.stale] == [(GOOGLE, day(8) + timedelta(days=7))]
    assert seen.published is not None
    assert seen.published.source == "checked"


def test_a_change_is_told_by_what_differs():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        book.every_day(reporter, 0, 4, sts(5)).every_day(reporter, 5, 9, sts(5, lines=NEW)).every_day(
            reporter, 10, 14, sts(5, lines=ENFORCE)
        )
    first, second = policies(book, 14).changes
    assert (first.day, first.what, first.is_unexpected) == (day(5), ("mx with mx9.example.org",), False)
    assert (second.day, second.what) == (day(10), ("mode testing became enforce", "mx without mx9.example.org"))
    assert not second.is_unexpected


def test_less_protection_is_unexpected():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(5, lines=ENFORCE)).every_day(reporter, 5, 9, sts(5))
    (change,) = policies(book, 9).changes
    assert (change.what, change.is_unexpected) == (("mode enforce became testing",), True)


def test_a_much_shorter_max_age_is_unexpected():
    short = tuple(line.replace("604800", "3600") for line in POLICY)
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(5)).every_day(reporter, 5, 9, sts(5, lines=short))
    (change,) = policies(book, 9).changes
    assert (change.what, change.is_unexpected) == (("max_age 604800 became 3600 seconds",), True)


def test_a_text_that_one_sender_alone_ever_saw_is_unexpected():
    book = Book().every_day(GOOGLE, 0, 9, sts(5)).every_day(MICROSOFT, 0, 9, sts(5)).every_day(MAILRU, 0, 9, sts(5))
    book.add(CAMPUS, 5, sts(5, lines=NEW))
    assert [change.is_unexpected for change in policies(book, 9).changes] == [True]


def test_a_policy_that_could_not_be_read_was_applied_by_nobody():
    broken = ("version: STSv1", "mode: bogus", "nmx: mx1.example.org")
    seen = policies(Book().every_day(GOOGLE, 0, 9, sts(5)).every_day(MICROSOFT, 0, 9, sts(0, lines=broken)), 9)
    assert {held.reporter for held in seen.held} == {GOOGLE}


def test_without_sessions_lately_nothing_is_known_to_be_published():
    seen = policies(Book().every_day(GOOGLE, 0, 5, sts(5)), 9)
    assert seen.published is None
    assert seen.stale == ()
