"""Protection that is lost without a failure: senders that applied a policy find none any more."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.insight.detect.lost_policies import Day, lost_of
from pipeline.insight.letter import letter
from tests.insight.asking import incidents, only, verdict
from tests.insight.book import POLICY, Book, Fail, day, sts, tlsa, unprotected

GOOGLE, MICROSOFT, POSTFIX = "google.com", "microsoft.com", "postfix.example"


def found_until(last: int, *reporters: str, row=None) -> Book:
    book = Book()
    for reporter in reporters:
        book.every_day(reporter, 0, last, row or sts(20))
    return book


def test_all_senders_find_no_policy_any_more_and_it_is_ours():
    book = found_until(27, GOOGLE, MICROSOFT).every_day(GOOGLE, 28, 42, unprotected(20)).every_day(MICROSOFT, 28, 42, unprotected(20))
    one = only(book, 42)
    assert (one.cause, one.fault, one.state, one.first_day, one.last_day) == ("policy-lost", "ours", "open", day(28), day(42))
    assert (one.failed_sessions, one.sessions, one.went, one.policy_types) == (600, 600, "found no policy", ("sts",))
    assert "_mta-sts." in one.fix
    assert "30 sessions" not in one.comparison
    assert "sessions without a policy" in one.comparison


def test_it_stands_in_the_way_of_enforce():
    book = found_until(27, GOOGLE, MICROSOFT).every_day(GOOGLE, 28, 42, unprotected(20)).every_day(MICROSOFT, 28, 42, unprotected(20))
    told = verdict(book, 42)
    assert told.verdict == "not-ready"
    assert any("found none on the last days reported" in reason for reason in told.reasons)
    assert "_mta-sts." in told.next_step


def test_lost_dane_says_nothing_about_the_mode_of_mta_sts():
    book, enforced = Book(), sts(20, lines=tuple(line.replace("testing", "enforce") for line in POLICY))
    for reporter in (MICROSOFT, POSTFIX):
        book.every_day(reporter, 0, 27, enforced, tlsa(20)).every_day(reporter, 28, 42, enforced)
    assert only(book, 42).policy_types == ("tlsa",)
    assert verdict(book, 42).verdict == "already-enforcing"


def test_dane_that_is_lost_where_there_never_was_mta_sts_leaves_a_domain_without_a_policy():
    book = found_until(27, MICROSOFT, POSTFIX, row=tlsa(20))
    for reporter in (MICROSOFT, POSTFIX):
        book.every_day(reporter, 28, 42, unprotected(20))
    assert only(book, 42).policy_types == ("tlsa",)
    assert verdict(book, 42).verdict == "no-policy"


def test_what_was_lost_before_the_days_looked_at_is_brought_back_first():
    book = found_until(27, GOOGLE, MICROSOFT).every_day(GOOGLE, 28, 62, unprotected(20)).every_day(MICROSOFT, 28, 62, unprotected(20))
    told = verdict(book, 62)
    assert (told.verdict, told.sessions) == ("not-ready", 0)
    assert "_mta-sts." in told.next_step
    assert "tay in testing" not in told.next_step


def test_one_sender_of_several_is_told_by_comparison_and_no_domain_is_ready():
    book = found_until(42, GOOGLE, MICROSOFT).every_day(POSTFIX, 0, 27, sts(20)).every_day(POSTFIX, 28, 42, unprotected(20))
    one = only(book, 42)
    assert (one.cause, one.fault, one.reporters) == ("policy-lost", "sender", (POSTFIX,))
    assert "google.com and microsoft.com still apply it" in one.comparison
    told = verdict(book, 42, known=frozenset({GOOGLE, MICROSOFT, POSTFIX}))
    assert told.verdict == "not-ready"


def test_others_that_may_hold_it_from_before_prove_nothing():
    book = found_until(33, GOOGLE).every_day(MICROSOFT, 0, 28, sts(20)).every_day(MICROSOFT, 29, 33, unprotected(20))
    one = only(book, 33)
    assert (one.cause, one.fault) == ("policy-lost", "unknown")


def test_it_is_over_when_the_policy_is_found_again():
    book = found_until(27, GOOGLE).every_day(GOOGLE, 28, 30, unprotected(20)).every_day(GOOGLE, 31, 42, sts(20))
    one = only(book, 42)
    assert (one.state, one.first_day, one.last_day) == ("resolved", day(28), day(30))


@pytest.mark.parametrize("after", [sts(20), unprotected(20)], ids=["mta-sts-stays", "nothing-stays"])
def test_dane_that_is_gone(after):
    rows = (sts(20), tlsa(20)) if after.policy_type == "sts" else (tlsa(20),)
    book = Book().every_day(GOOGLE, 0, 20, *rows).every_day(MICROSOFT, 0, 20, *rows)
    book.every_day(GOOGLE, 21, 30, after).every_day(MICROSOFT, 21, 30, after)
    one = only(book, 30)
    assert (one.cause, one.fault, one.policy_types, one.first_day) == ("policy-lost", "ours", ("tlsa",), day(21))
    assert "TLSA" in one.fix


@pytest.mark.parametrize("before", [(sts(20), tlsa(20)), (tlsa(20),)], ids=["both", "dane-first"])
def test_dane_that_was_gone_for_a_while_is_told_when_it_is_back(before):
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 20, *before).every_day(reporter, 21, 25, sts(20)).every_day(reporter, 26, 32, *before)
    one = only(book, 32)
    assert (one.cause, one.state, one.first_day, one.last_day) == ("policy-lost", "resolved", day(21), day(25))


def test_dane_that_one_sender_does_not_find():
    book = Book().every_day(GOOGLE, 0, 30, tlsa(20)).every_day(MICROSOFT, 0, 20, tlsa(20)).every_day(MICROSOFT, 21, 30, unprotected(20))
    one = only(book, 30)
    assert (one.fault, one.policy_types) == ("sender", ("tlsa",))


@pytest.mark.parametrize("result_type", ["dnssec-invalid", "tlsa-invalid", "dane-required"])
def test_dane_whose_failures_are_reported_is_not_lost_beside(result_type):
    broken = (sts(20), tlsa(0, Fail(result_type, 20)))
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 20, sts(20), tlsa(20)).every_day(reporter, 21, 30, *broken)
    assert "policy-lost" not in {one.cause for one in incidents(book, 30)}
    assert incidents(book, 30)


def test_dane_that_is_gone_after_its_failures_is_lost_from_then_on():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 20, sts(20), tlsa(20)).every_day(reporter, 21, 22, sts(20), tlsa(0, Fail("dnssec-invalid", 20)))
        book.every_day(reporter, 23, 30, sts(20))
    assert ("policy-lost", day(23)) in {(one.cause, one.first_day) for one in incidents(book, 30)}


def test_a_domain_that_never_had_a_policy_loses_none():
    assert incidents(Book().every_day(GOOGLE, 0, 30, unprotected(20)), 30) == []


def test_one_day_without_a_policy_is_no_loss():
    book = found_until(20, GOOGLE).add(GOOGLE, 21, unprotected(20)).every_day(GOOGLE, 22, 30, sts(20))
    assert incidents(book, 30) == []


def test_a_few_sessions_without_a_policy_beside_many_with_one_are_no_loss():
    assert incidents(found_until(30, GOOGLE, row=None).every_day(MICROSOFT, 0, 30, sts(20), unprotected(3)), 30) == []


def of_day(number: int, *, on: int = 0, off: int = 0, lost: int = 0) -> Day:
    return Day("example.org", GOOGLE, date(2026, 5, number), on, off, 0, 0, lost, "h")


def test_a_policy_that_was_taken_back_in_mode_none_is_not_lost():
    days = [*(of_day(n, on=9) for n in range(1, 10)), of_day(10, off=9), of_day(11, off=9), *(of_day(n, lost=9) for n in range(12, 20))]
    assert list(lost_of(days)) == []


def test_a_sender_that_finds_it_on_every_other_day_has_lost_nothing():
    days = [of_day(n, on=9) if n % 2 else of_day(n, lost=9) for n in range(1, 20)]
    assert list(lost_of(days)) == []


def test_a_letter_to_the_sender_at_fault_has_the_proof():
    book = found_until(42, GOOGLE, MICROSOFT).every_day(POSTFIX, 0, 27, sts(20)).every_day(POSTFIX, 28, 42, unprotected(20))
    text = letter(only(book, 42), ["r-1", "r-2"]) or ""
    assert text.startswith("To: postmaster@postfix.example\n")
    assert "300 of 300 sessions" in text
    assert f"since {day(28)}" in text
    assert "Report-ids: r-1, r-2" in text
    assert "google.com and microsoft.com still apply it" in text


def test_no_letter_where_the_fault_is_ours():
    book = found_until(27, GOOGLE).every_day(GOOGLE, 28, 42, unprotected(20))
    assert letter(only(book, 42)) is None
