"""Whose fault it is, with the comparison that decided it."""

from __future__ import annotations

import pytest

from tests.insight.asking import incidents, only
from tests.insight.book import CAMPUS, GOOGLE, KNOWN, MAILRU, MICROSOFT, MX1, MX2, MX3, Book, Fail, sts, tlsa

UNTRUSTED = "certificate-not-trusted"


def one_fails(fail: Fail, *, others: dict[str, int], good: int = 60, last: int = 4, row=sts) -> Book:
    """Google fails every day; each of the others has so many good sessions a day."""
    book = Book().every_day(GOOGLE, 0, last, row(good, fail))
    for reporter, sessions in others.items():
        book.every_day(reporter, 0, last, row(sessions))
    return book


def test_what_all_senders_see_is_ours():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 40)))
    found = only(book, 4)
    assert (found.fault, found.blocking) == ("ours", True)
    assert "no other sender that checks this had sessions" in found.comparison


def test_what_one_sender_sees_where_others_are_clean_is_the_senders():
    found = only(one_fails(Fail(UNTRUSTED, 40), others={MICROSOFT: 50, MAILRU: 30}), 4)
    assert (found.fault, found.blocking) == ("sender", False)
    assert found.comparison == (
        "google.com counts 200 failed sessions on mx1.example.org in 500 from 2026-03-02 to 2026-03-06; microsoft.com and mail.ru name no "
        "such failure on mx1.example.org in 400 sessions on these days."
    )
    assert "postmaster of google.com" in found.fix


def test_starttls_that_one_sender_misses_where_others_are_offered_it_is_the_paths():
    found = only(one_fails(Fail("starttls-not-supported", 40), others={MICROSOFT: 50}), 4)
    assert (found.cause, found.fault) == ("starttls-stripped", "path")
    assert "strips STARTTLS" in found.meaning


def test_a_sender_with_too_few_sessions_proves_nothing():
    # Three hosts are in the policy: five sessions miss the first with a chance of (2/3)^5 = 13 %.
    found = only(one_fails(Fail(UNTRUSTED, 33, MX1), others={MICROSOFT: 1}, good=67), 4)
    assert found.fault == "ours"
    assert "too few sessions" in found.comparison


@pytest.mark.parametrize(("sessions_a_day", "fault"), [(1, "ours"), (2, "sender")])
def test_the_boundary_of_being_clean_on_one_of_three_hosts(sessions_a_day, fault):
    # (2/3)^5 = 0.13 proves nothing, (2/3)^10 = 0.017 does.
    assert only(one_fails(Fail(UNTRUSTED, 40, MX1), others={MICROSOFT: sessions_a_day}), 4).fault == fault


def test_where_failing_senders_fail_rarely_more_sessions_are_needed_to_be_clean():
    # Google fails in 4 of 100 sessions: 50 sessions without a failure have a chance of 0.96^50 = 13 %.
    assert only(one_fails(Fail(UNTRUSTED, 4), others={MICROSOFT: 10}, good=96), 4).fault == "ours"
    assert only(one_fails(Fail(UNTRUSTED, 4), others={MICROSOFT: 20}, good=96), 4).fault == "sender"


def test_a_sender_that_knows_no_dane_proves_nothing_about_tlsa():
    book = one_fails(Fail("tlsa-invalid", 40), others={}, row=tlsa)
    book.every_day(MICROSOFT, 0, 4, sts(500)).every_day(MAILRU, 0, 4, sts(500))
    found = only(book, 4)
    assert found.fault == "ours"
    assert MICROSOFT not in found.comparison


def test_a_sender_under_dane_proves_nothing_about_the_certificate_under_mta_sts():
    book = one_fails(Fail(UNTRUSTED, 40), others={})
    book.every_day(CAMPUS, 0, 4, tlsa(500))
    assert only(book, 4).fault == "ours"


def test_a_sender_that_checks_dane_and_is_clean_makes_it_the_senders():
    assert only(one_fails(Fail("tlsa-invalid", 40), others={MICROSOFT: 100}, row=tlsa), 4).fault == "sender"


def test_a_held_policy_proves_nothing_about_the_policy_host():
    # The policy may be held for a week; in five days nobody had to fetch it.
    found = only(one_fails(Fail("sts-policy-fetch-error", 5, None), others={MICROSOFT: 500}), 4)
    assert found.fault == "ours"


def test_a_policy_that_must_have_run_out_meanwhile_proves_that_it_was_fetched():
    found = only(one_fails(Fail("sts-policy-fetch-error", 5, None), others={MICROSOFT: 500, MAILRU: 50}, last=9), 9)
    assert found.fault == "sender"
    assert "Others fetched it" in found.fix


def test_who_holds_the_policy_and_fails_about_daily_is_hit_by_the_same_fault():
    book = Book().every_day(CAMPUS, 0, 7, sts(0, Fail("sts-policy-invalid", 3, None)))
    book.every_day(GOOGLE, 0, 7, sts(200, Fail("sts-policy-invalid", 2, None))).every_day(MICROSOFT, 0, 7, sts(90))
    found = only(book, 7)
    assert (found.fault, found.failed_sessions) == ("ours", 40)


def test_who_fails_to_fetch_on_one_day_alone_is_not():
    book = one_fails(Fail("sts-policy-fetch-error", 40, None), others={MAILRU: 50}, good=0, last=9)
    book.every_day(MICROSOFT, 0, 4, sts(500)).add(MICROSOFT, 5, sts(500, Fail("sts-policy-fetch-error", 3, None)))
    assert only(book.every_day(MICROSOFT, 6, 9, sts(500)), 9).fault == "sender"


def test_one_address_of_several_is_ours_and_the_node_is_named():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(80, Fail("certificate-expired", 20, MX1, "203.0.113.5")))
        book.add(reporter, 20, sts(99, Fail("validation-failure", 1, MX1, "203.0.113.6")))
    found = next(i for i in incidents(book, 20) if i.cause == "mx-certificate-expired")
    assert (found.fault, found.node, found.receiving_ips) == ("ours", "203.0.113.5", ("203.0.113.5",))
    assert "every failure that names an address names 203.0.113.5" in found.comparison
    assert "address 203.0.113.5 of mx1.example.org" in found.meaning
    assert found.commands[0].startswith("openssl s_client -starttls smtp -connect 203.0.113.5:25 -servername mx1.example.org")


def test_an_ipv6_address_that_only_one_sender_can_reach_is_ours():
    found = only(one_fails(Fail("certificate-expired", 20, MX1, "2001:db8::25"), others={MICROSOFT: 100}, good=100), 4)
    assert (found.fault, found.node) == ("ours", "2001:db8::25")
    assert "-connect [2001:db8::25]:25" in found.commands[0]


def test_one_sender_on_the_only_ipv4_address_is_still_the_senders():
    book = one_fails(Fail(UNTRUSTED, 40, MX1, "203.0.113.5"), others={MICROSOFT: 100})
    book.add(MICROSOFT, 20, sts(99, Fail("validation-failure", 1, MX1, "203.0.113.6")))
    assert only(book, 20).fault == "sender"


def test_a_stray_of_another_sender_does_not_make_a_senders_fault_ours():
    book = one_fails(Fail("starttls-not-supported", 40), others={MICROSOFT: 300})
    book.add(MAILRU, 2, sts(150, Fail("starttls-not-supported", 1)))
    found = only(book, 4)
    assert (found.fault, found.reporters) == ("path", (GOOGLE,))


def test_a_clean_sender_with_a_failure_of_another_kind_is_still_clean():
    book = one_fails(Fail(UNTRUSTED, 40, MX1), others={MAILRU: 100})
    book.every_day(MICROSOFT, 0, 4, sts(100)).add(MICROSOFT, 5, sts(99, Fail("validation-failure", 1, MX1)))
    assert only(book, 5).fault == "sender"


def test_the_word_of_unknown_reporters_alone_blames_nobody():
    book = Book()
    for reporter in ("one.example", "two.example"):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 40)))
    found = only(book, 4, known=KNOWN)
    assert (found.fault, found.blocking) == ("unknown", False)
    assert "no failing sender is a known reporter yet" in found.comparison


def test_a_fault_that_is_a_senders_is_not_said_to_be_nobodys():
    found = only(one_fails(Fail(UNTRUSTED, 40, MX1), others={MICROSOFT: 100}), 4, known=frozenset({MICROSOFT}))
    assert found.fault == "sender"
    assert "no fault is assigned" not in found.comparison


def test_a_reporter_received_on_fourteen_days_before_is_known_and_one_on_thirteen_is_not():
    for days_before, fault in ((15, "ours"), (14, "unknown")):
        book = Book()
        for reporter in ("one.example", "two.example"):
            book.every_day(reporter, 0, days_before - 1, sts(100))
            book.every_day(reporter, days_before, days_before + 4, sts(60, Fail("certificate-expired", 40)))
        assert only(book, days_before + 4).fault == fault


def test_a_vouched_reporter_is_known_from_its_first_day():
    book = Book()
    for reporter in ("one.example", "two.example"):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 40)), tier="vouched")
    assert only(book, 4).fault == "ours"


def test_what_is_below_a_known_name_is_a_reporter_of_its_own():
    book = Book()
    for reporter in ("corp.mail.ru", "one.example"):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 40)))
    assert only(book, 4, known=frozenset({"mail.ru"})).fault == "unknown"
    assert only(book, 4, known=frozenset({"corp.mail.ru"})).fault == "ours"


def test_three_hosts_that_all_fail_for_one_sender_are_the_senders():
    fails = [Fail(UNTRUSTED, 20, host) for host in (MX1, MX2, MX3)]
    book = Book().every_day(GOOGLE, 0, 4, sts(0, *fails)).every_day(MICROSOFT, 0, 4, sts(100))
    found = only(book, 4)
    assert (found.fault, found.mx_hosts) == ("sender", (MX1, MX2, MX3))
