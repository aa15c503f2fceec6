"""An incident keeps its name, or is found by the one it had."""

from __future__ import annotations

from hashlib import sha256

from pipeline.insight.api import find_incident
from pipeline.insight.faults import with_id
from pipeline.insight.incident import incident_id
from tests.insight.asking import as_of, only
from tests.insight.book import DOMAIN, GOOGLE, KNOWN, MICROSOFT, MX1, MX2, SETTINGS, Book, Fail, day, sts

EXPIRED = Fail("certificate-expired", 40, MX1)


def growing(last: int, *, first: int = 5) -> Book:
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, first - 1, sts(100)).every_day(reporter, first, last, sts(60, EXPIRED))
    return book


def test_the_id_is_made_of_domain_cause_hosts_and_first_day():
    found = only(growing(8), 8)
    words = f"{DOMAIN}\0mx-certificate-expired\0{MX1}\0{day(5)}"
    assert found.id == sha256(words.encode()).hexdigest()[:12]
    assert (
        incident_id(DOMAIN, "policy-unreachable", (), day(0))
        == sha256(f"{DOMAIN}\0policy-unreachable\0*\0{day(0)}".encode()).hexdigest()[:12]
    )


def test_later_days_do_not_change_the_id():
    assert only(growing(7), 7).id == only(growing(8), 8).id == only(growing(20), 25).id


def test_reports_that_come_late_about_earlier_days_change_it_and_the_old_id_still_finds_it():
    before = only(growing(8), 8)
    late = growing(8)
    late.add("mail.ru", 4, sts(60, EXPIRED))
    after = only(late, 8)
    assert after.id != before.id
    assert with_id([after], before.id) is after


def test_a_host_that_joins_changes_it_and_the_old_id_still_finds_it():
    before = only(growing(6), 6)
    book = growing(6)
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 7, 12, sts(50, EXPIRED, Fail("certificate-expired", 10, MX2)))
    after = only(book, 12)
    assert after.mx_hosts == (MX1, MX2)
    assert with_id([after], before.id) is after


def test_a_missing_starttls_that_turns_out_to_be_stripped_keeps_its_old_id():
    fail = Fail("starttls-not-supported", 40, MX1)
    before = only(Book().every_day(GOOGLE, 0, 3, sts(60, fail)), 3)
    book = Book().every_day(GOOGLE, 0, 3, sts(60, fail)).every_day(MICROSOFT, 0, 3, sts(100))
    after = only(book, 3)
    assert (before.cause, after.cause) == ("starttls-missing", "starttls-stripped")
    assert with_id([after], before.id) is after


def test_an_id_nobody_gave_finds_nothing():
    found = only(growing(8), 8)
    assert with_id([found], "0" * 12) is None
    assert with_id([], found.id) is None


def test_one_incident_is_found_with_its_reports():
    book = growing(8)
    wanted = only(book, 8).id
    with book.lake() as lake:
        found = find_incident(lake.ask, wanted, as_of=as_of(8), settings=SETTINGS, known=KNOWN, evidence=None)
        assert found is not None
        assert (found.id, len(found.report_keys)) == (wanted, 8)
        assert find_incident(lake.ask, "none", as_of=as_of(8), settings=SETTINGS, known=KNOWN) is None
