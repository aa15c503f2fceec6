"""Failures become incidents: cause, scope, days, state, numbers; and what is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.insight.asking import incidents, only
from tests.insight.book import CAMPUS, DOMAIN, GOOGLE, MAILRU, MICROSOFT, MX1, MX2, MX3, POLICY, Book, Fail, day, sts, tlsa, unprotected

V4 = "203.0.113.5"


def healthy(*reporters: str, first: int = 0, last: int = 29, good: int = 100) -> Book:
    """A month without a failure."""
    book = Book()
    for reporter in reporters or (GOOGLE, MICROSOFT, MAILRU):
        book.every_day(reporter, first, last, sts(good))
    return book


def broken(fail: Fail, first: int, last: int, *, reporters=(GOOGLE, MICROSOFT, MAILRU), good: int = 60, until: int = 29) -> Book:
    """A month in which the reporters count this failure beside good sessions on some days."""
    book = Book()
    for reporter in reporters:
        for number in range(until + 1):
            book.add(reporter, number, sts(good, fail) if first <= number <= last else sts(100))
    return book


def test_a_month_without_failures_has_no_incident():
    assert incidents(healthy(), 29) == []


def test_an_empty_lake_has_no_incident():
    assert incidents(Book(), 29) == []


@pytest.mark.parametrize(
    ("fail", "cause"),
    [
        (Fail("certificate-expired", 40), "mx-certificate-expired"),
        (Fail("certificate-host-mismatch", 40), "mx-certificate-name"),
        (Fail("certificate-not-trusted", 40, reason="unable_to_get_local_issuer_certificate"), "mx-certificate-untrusted"),
        (Fail("validation-failure", 40, reason="self-signed_certificate"), "mx-certificate-untrusted"),
        (Fail("validation-failure", 40, "mx9.example.org"), "mx-not-in-policy"),
        (Fail("validation-failure", 40, None, reason="MX_HOSTS_MISMATCH"), "mx-not-in-policy"),
        (Fail("starttls-not-supported", 40), "starttls-missing"),
        (Fail("sts-policy-fetch-error", 40, None), "policy-unreachable"),
        (Fail("sts-webpki-invalid", 40, None), "policy-host-certificate"),
        (Fail("sts-policy-invalid", 40, None), "policy-invalid"),
        (Fail("validation-failure", 40), "unknown"),
        (Fail("brand-new-type", 40), "unknown"),
    ],
)
def test_each_cause_that_a_policy_shows(fail, cause):
    found = only(broken(fail, 5, 9), 29)
    assert (found.cause, found.fault, found.state) == (cause, "ours", "resolved")
    assert (found.first_day, found.last_day) == (day(5), day(9))
    assert found.failed_sessions == 3 * 5 * 40
    assert found.share == pytest.approx(0.4)
    assert found.mx_hosts == ((fail.host,) if fail.host else ())
    assert found.reporters == (GOOGLE, MAILRU, MICROSOFT)
    assert found.result_types == (fail.result_type,)


@pytest.mark.parametrize(
    ("result_type", "cause"), [("tlsa-invalid", "tlsa-mismatch"), ("dnssec-invalid", "dnssec-broken"), ("dane-required", "dane-missing")]
)
def test_each_cause_that_dane_shows(result_type, cause):
    book = Book()
    for reporter in (MICROSOFT, CAMPUS):
        book.every_day(reporter, 0, 4, tlsa(100)).every_day(reporter, 5, 9, tlsa(60, Fail(result_type, 40))).every_day(
            reporter, 10, 29, tlsa(100)
        )
    book.every_day(GOOGLE, 0, 29, sts(500))
    found = only(book, 29)
    assert (found.cause, found.fault, found.policy_types) == (cause, "ours", ("tlsa",))


def test_a_wildcard_covers_one_label_only():
    lines = ("version: STSv1", "mode: testing", "mx: *.example.org", "max_age: 604800")
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 9, sts(50, Fail("validation-failure", 9, "mx.eu.example.org"), lines=lines))
    found = only(book, 9)
    assert (found.cause, found.mx_hosts) == ("mx-not-in-policy", ("mx.eu.example.org",))
    assert "*.example.org stands for exactly one label" in found.meaning


def test_a_host_that_the_newer_policy_covers_is_a_stale_policy():
    new = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
    book = Book().every_day(GOOGLE, 0, 9, sts(100)).every_day(GOOGLE, 10, 19, sts(100, lines=new))
    for reporter in (MICROSOFT, MAILRU):
        book.every_day(reporter, 0, 9, sts(100)).every_day(reporter, 10, 15, sts(80, Fail("validation-failure", 20, "mx9.example.org")))
        book.every_day(reporter, 16, 19, sts(100, lines=new))
    found = only(book, 19)
    assert (found.cause, found.fault, found.first_day, found.last_day) == ("policy-stale", "ours", day(10), day(15))
    assert found.reporters == (MAILRU, MICROSOFT)


def test_a_text_published_by_mistake_long_before_is_not_the_one_they_should_have_fetched():
    """Only a policy that names the host tells since when a sender could have known it."""
    old, broken = POLICY[:3] + POLICY[5:], ("version: STSv1", "mode: testing", "mx: mx1.example.net", "max_age: 604800")
    new = (*old[:-1], f"mx: {MX3}", old[-1])
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 1, sts(50, lines=old)).every_day(reporter, 2, 3, sts(50, lines=broken)).every_day(
            reporter, 4, 24, sts(50, lines=old)
        )
        book.every_day(reporter, 25, 29, sts(30, Fail("validation-failure", 20, MX3), lines=old), sts(10, lines=new))
    assert [(one.cause, one.fault) for one in incidents(book, 29)] == [("policy-stale", "ours")]


def test_a_stale_policy_beyond_its_max_age_is_the_senders():
    new = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
    book = Book()
    for reporter in (GOOGLE, MAILRU, CAMPUS):
        book.every_day(reporter, 0, 9, sts(100)).every_day(reporter, 10, 24, sts(100, lines=new))
    book.every_day(MICROSOFT, 0, 9, sts(100)).every_day(MICROSOFT, 10, 24, sts(80, Fail("validation-failure", 20, "mx9.example.org")))
    found = only(book, 24)
    assert (found.cause, found.fault, found.reporters) == ("policy-stale", "sender", (MICROSOFT,))


def test_the_last_copies_of_a_repaired_policy_belong_to_the_incident_they_repair():
    new = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
    outside = Fail("validation-failure", 20, "mx9.example.org")
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(100)).every_day(reporter, 5, 12, sts(80, outside))
        book.add(reporter, 13, sts(40, outside), sts(40, lines=new)).every_day(reporter, 14, 20, sts(100, lines=new))
    found = only(book, 20)
    assert (found.cause, found.first_day, found.last_day, found.failed_sessions) == ("mx-not-in-policy", day(5), day(13), 2 * 9 * 20)


def test_gaps_of_two_days_do_not_split_and_gaps_of_three_do():
    fail = Fail("certificate-expired", 40)
    two, three = Book(), Book()
    for reporter in (GOOGLE, MICROSOFT):
        for number in range(20):
            two.add(reporter, number, sts(60, fail) if number in (3, 4, 7, 8) else sts(100))
            three.add(reporter, number, sts(60, fail) if number in (3, 4, 8, 9) else sts(100))
    assert [(i.first_day, i.last_day) for i in incidents(two, 19)] == [(day(3), day(8))]
    assert [(i.first_day, i.last_day) for i in incidents(three, 19)] == [(day(8), day(9)), (day(3), day(4))]


def test_a_week_without_sessions_splits_nothing():
    fail = Fail("certificate-expired", 40)
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(100)).every_day(reporter, 5, 7, sts(60, fail)).every_day(reporter, 14, 16, sts(60, fail))
    assert [(i.first_day, i.last_day) for i in incidents(book, 16)] == [(day(5), day(16))]


def test_one_expired_certificate_on_three_hosts_is_one_incident():
    fails = [Fail("certificate-expired", 10, host) for host in (MX1, MX2, MX3)]
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, *fails))
    assert only(book, 4).mx_hosts == (MX1, MX2, MX3)


def test_the_same_cause_on_two_hosts_at_different_times_is_two_incidents():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 10, MX1)))
        book.every_day(reporter, 5, 9, sts(60, Fail("certificate-expired", 10, MX2)))
    assert [(i.mx_hosts, i.first_day, i.last_day) for i in incidents(book, 9)] == [((MX2,), day(5), day(9)), ((MX1,), day(0), day(4))]


def test_two_causes_at_once_are_two_incidents():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 10, MX1), Fail("starttls-not-supported", 10, MX2)))
    assert {(i.cause, i.mx_hosts) for i in incidents(book, 4)} == {("mx-certificate-expired", (MX1,)), ("starttls-missing", (MX2,))}


def test_two_domains_are_two_incidents():
    book = Book()
    for domain in ("example.org", "example.net"):
        for reporter in (GOOGLE, MICROSOFT):
            book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 10)), domain=domain)
    assert {i.domain for i in incidents(book, 4)} == {"example.org", "example.net"}
    assert [i.domain for i in incidents(book, 4, domain="example.net")] == ["example.net"]


def test_sessions_told_under_sts_and_tlsa_count_once():
    fail = Fail("starttls-not-supported", 40)
    book = Book()
    for reporter in (MICROSOFT, CAMPUS):
        book.every_day(reporter, 0, 4, sts(60, fail), tlsa(70, Fail("starttls-not-supported", 30)))
    found = only(book, 4)
    assert (found.failed_sessions, found.sessions, found.policy_types) == (2 * 5 * 40, 2 * 5 * 100, ("sts", "tlsa"))


def test_details_that_overlap_count_no_more_than_the_sessions_that_failed():
    book = Book()
    for reporter in (GOOGLE, MAILRU):
        book.every_day(
            reporter,
            0,
            4,
            sts(
                90,
                Fail("sts-policy-fetch-error", 10, None, reason="bad https response code: 404"),
                Fail("sts-policy-fetch-error", 10, None, reason="bad https response code: 500"),
                bad=10,
            ),
        )
    found = only(book, 4)
    assert found.failed_sessions == 2 * 5 * 10
    assert found.reasons == ("bad https response code: 404", "bad https response code: 500")


def test_failures_without_details_are_an_incident_whose_cause_is_unknown():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, bad=40))
    found = only(book, 4)
    assert (found.cause, found.result_types, found.failed_sessions) == ("unknown", ("",), 400)
    assert "counts without details" in found.meaning


def test_a_sender_that_gives_no_reason_joins_those_that_give_one():
    book = Book()
    book.every_day(GOOGLE, 0, 6, sts(60, Fail("certificate-expired", 40, MX1)))
    book.every_day(MICROSOFT, 0, 6, sts(60, Fail("validation-failure", 40, MX1, reason="VALIDATION_FAILURE")))
    found = only(book, 6)
    assert (found.cause, found.failed_sessions) == ("mx-certificate-expired", 2 * 7 * 40)
    assert found.result_types == ("certificate-expired", "validation-failure")


def test_one_name_for_every_failed_fetch_joins_those_that_say_more():
    book = Book().every_day(GOOGLE, 0, 6, sts(60, Fail("sts-webpki-invalid", 4, None)))
    book.every_day(MICROSOFT, 0, 6, sts(60, Fail("sts-policy-fetch-error", 4, None)))
    assert only(book, 6).cause == "policy-host-certificate"


def test_starttls_that_is_missing_without_any_policy_is_seen_too():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, unprotected(60, Fail("starttls-not-supported", 40)))
    assert only(book, 4).failed_sessions == 400


# What is not an incident.


def test_one_stray_failure_of_one_sender_is_none():
    book = healthy()
    book.add(MICROSOFT, 12, sts(99, Fail("validation-failure", 1)), domain="example.net")
    assert incidents(book, 29) == []


def test_strays_of_two_senders_within_three_days_are_none():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        for number in range(30):
            stray = (reporter, number) in {(GOOGLE, 11), (MICROSOFT, 13)}
            book.add(reporter, number, sts(99, Fail("validation-failure", 1)) if stray else sts(100))
    assert incidents(book, 29) == []


def test_two_expired_certificates_are_no_stray():
    book = healthy(first=0, last=9)
    for reporter in (GOOGLE, MICROSOFT):
        book.add(reporter, 10, sts(99, Fail("certificate-expired", 1)))
    assert only(book, 10).failed_sessions == 2


def test_a_loop_of_one_session_a_day_that_is_fine_changes_nothing():
    book = broken(Fail("certificate-expired", 40), 5, 9)
    book.every_day("tiny.example", 0, 29, sts(1))
    found = only(book, 29)
    assert "tiny.example" not in found.reporters
    assert found.fault == "ours"


def test_days_that_are_not_complete_yet_are_judged_by_nobody():
    book = healthy(last=20)
    for number in (21, 22):
        for reporter in (GOOGLE, MICROSOFT, MAILRU):
            book.add(reporter, number, sts(10, Fail("certificate-expired", 90)))
    assert incidents(book, 20) == []
    assert only(book, 22).first_day == day(21)


def test_a_reporters_own_outage_a_newcomer_and_a_quiet_weekend_are_none():
    book = healthy(GOOGLE, last=29).every_day(MICROSOFT, 0, 10, sts(100)).every_day(MICROSOFT, 16, 29, sts(100))
    book.every_day(CAMPUS, 20, 29, sts(3))
    for number in (5, 6, 12, 13):
        book.add(MAILRU, number, sts(1))
    assert incidents(book, 29) == []


def test_a_stray_before_an_incident_does_not_move_its_first_day():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        for number in range(30):
            if reporter == GOOGLE and number == 8:
                book.add(reporter, number, sts(99, Fail("starttls-not-supported", 1)))
            else:
                book.add(reporter, number, sts(60, Fail("starttls-not-supported", 40)) if 10 <= number <= 15 else sts(100))
    found = only(book, 29)
    assert (found.first_day, found.last_day) == (day(10), day(15))


def test_a_stray_on_another_host_is_not_in_the_scope():
    book = broken(Fail("starttls-not-supported", 40, MX1), 5, 9)
    book.add(CAMPUS, 7, sts(50, Fail("starttls-not-supported", 1, MX2)))
    found = only(book, 29)
    assert (found.mx_hosts, CAMPUS in found.reporters) == ((MX1,), False)


# State, and the time before the period.


def test_it_is_open_while_it_shows_on_the_last_two_complete_days():
    book = broken(Fail("certificate-expired", 40), 5, 28)
    assert only(book, 29).state == "open"
    assert only(broken(Fail("certificate-expired", 40), 5, 27), 29).state == "resolved"


def test_without_sessions_since_nobody_can_say_that_it_is_over():
    book = broken(Fail("certificate-expired", 40), 5, 9, until=9)
    book.every_day(CAMPUS, 10, 20, sts(100))
    assert only(book, 20).state == "unconfirmed"


def test_a_run_is_followed_back_to_its_true_first_day_before_the_period():
    book = broken(Fail("certificate-expired", 40), 10, 199, until=205)
    found = only(book, 205, days=14)
    assert (found.first_day, found.last_day, found.failed_sessions) == (day(10), day(199), 3 * 190 * 40)


def test_an_incident_that_ended_before_the_period_is_not_told():
    assert incidents(broken(Fail("certificate-expired", 40), 3, 9), 29, days=14) == []


def test_reports_about_days_after_the_day_of_asking_are_ignored():
    book = broken(Fail("certificate-expired", 40), 5, 20)
    found = only(book, 12)
    assert (found.first_day, found.last_day, found.state) == (day(5), day(12), "open")


def test_newest_first():
    book = Book()
    for number, host in ((0, MX1), (10, MX2), (20, MX3)):
        for reporter in (GOOGLE, MICROSOFT):
            book.every_day(reporter, number, number + 2, sts(50, Fail("certificate-expired", 9, host)))
    assert [i.mx_hosts for i in incidents(book, 25)] == [(MX3,), (MX2,), (MX1,)]


def test_the_reports_that_prove_it_are_all_there_when_asked_for_and_the_newest_otherwise():
    book = broken(Fail("certificate-expired", 40), 5, 9)
    proving = [r.report.report_key for r in book.reports if day(5) <= r.report.report_day <= day(9)]
    everything = only(book, 29, evidence=None)
    assert sorted(everything.report_keys) == sorted(proving)
    assert everything.report_count == 15
    some = only(book, 29, evidence=4)
    newest = {r.report.report_key for r in book.reports if r.report.report_day >= day(8)}
    assert len(some.report_keys) == 4
    assert set(some.report_keys) <= newest
    assert some.report_count == 15


def test_failures_without_details_are_proved_too():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, bad=40))
    assert only(book, 4, evidence=None).report_count == 10


def test_the_period_is_the_configured_number_of_complete_days():
    found = incidents(broken(Fail("certificate-expired", 40), 5, 9), 29, days=20)
    assert len(found) == 0
    found = incidents(broken(Fail("certificate-expired", 40), 5, 9), 29, days=21)
    assert found[0].last_day == day(29) - timedelta(days=20)


def test_what_is_said_of_a_domain_is_about_that_domain():
    assert only(broken(Fail("certificate-expired", 40), 5, 9), 29).domain == DOMAIN
