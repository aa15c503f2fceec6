"""A reporter is known by days on which its reports came, not by days that its reports claim."""

from __future__ import annotations

import pytest

from pipeline.config import Settings
from pipeline.insight.api import readiness
from pipeline.insight.known_reporters import read_known
from pipeline.query import open_lake
from tests.insight.asking import as_of, incidents, verdict
from tests.insight.book import DOMAIN, GOOGLE, KNOWN, SETTINGS, Book, Fail, day, sts

NEW = "bought-today.example"
FIRST, LAST = 60, 87
"""The twenty-eight days that a verdict looks at."""


def _sent(*pairs, tier="verified"):
    """Reports of the new domain: (day told about, day received)."""
    book = Book().every_day(GOOGLE, FIRST, LAST, sts(100))
    for about, received in pairs:
        book.add(NEW, about, sts(1000), tier=tier, hours=24 * (received - about) + 6)
    return book


PATTERNS = {
    # (pairs of day told about and day of receipt), whether the domain is known for a period that begins on FIRST
    "day by day": ([(number, number + 1) for number in range(40, 54)], True),
    "day by day, one day too few": ([(number, number + 1) for number in range(40, 53)], False),
    "up to four days late": ([(number, number + 4) for number in range(40, 54)], True),
    "five days late": ([(number, number + 5) for number in range(40, 54)], False),
    "on the same day": ([(number, number) for number in range(40, 54)], True),
    "all in one afternoon": ([(number, 59) for number in range(1, 59)], False),
    "all in one afternoon, within four days": ([(number, 58) for number in range(54, 59)] * 3, False),
    "five a day over three days": ([(50 + late, 54 + late - early) for late in range(3) for early in range(5)], False),
    "every fourth day": ([(number, number + 1) for number in range(2, 58, 4)], True),
    "thirteen in time and as many late": ([(n, n + 1) for n in range(30, 56, 2)] + [(n, n + 9) for n in range(31, 45)], False),
    "the fourteenth on the first day judged": ([(number, number + 1) for number in range(FIRST - 14, FIRST)], False),
    "the fourteenth the day before": ([(number, number + 1) for number in range(FIRST - 15, FIRST - 1)], True),
    "days that had not come yet": ([(number, number - 1) for number in range(40, 54)], False),
    "one old report again and again": ([(10, number) for number in range(40, 58)], False),
    "within the period only": ([(number, number + 1) for number in range(FIRST, LAST)], False),
}  # fmt: skip


@pytest.mark.parametrize(("pairs", "known"), PATTERNS.values(), ids=PATTERNS)
def test_days_of_receipt_make_a_reporter_known(pairs, known):
    with _sent(*pairs).lake() as lake:
        found = read_known(lake.ask, since=day(FIRST), until=day(LAST), listed=(), settings=SETTINGS)
    assert (NEW in found.before(day(FIRST))) == known
    assert not found.always


def test_two_domains_bought_this_morning_make_nothing_ready():
    book = Book()
    for reporter in (NEW, "another.example"):
        for number in range(LAST + 1):
            book.add(reporter, number, sts(1000), hours=24 * (LAST + 1 - number))
    found = verdict(book, LAST, known=frozenset())
    assert found.verdict == "not-enough-evidence"
    assert found.other_reporters == ("another.example", NEW)
    assert any("[trust] reporters" in reason for reason in found.reasons)


def test_a_backdated_reporter_makes_no_incident_ours():
    book = Book()
    for reporter in (NEW, "another.example"):
        for number in range(LAST + 1):
            row = sts(10, Fail("certificate-expired", 90)) if number > LAST - 8 else sts(1000)
            book.add(reporter, number, row, hours=24 * (LAST + 1 - number))
    assert [one.fault for one in incidents(book, LAST, known=frozenset())] == ["unknown"]


@pytest.mark.parametrize("tier", ["vouched", "verified"])
def test_what_an_operator_imports_makes_its_submitter_known_whatever_the_tier(tmp_path, tier):
    book = _sent((40, 80), tier=tier)
    with open_lake(_written(tmp_path, book, account="file"), settings=Settings()) as lake:
        found = read_known(lake.ask, since=day(FIRST), until=day(LAST), listed=(), settings=SETTINGS)
    assert NEW in found.always
    with open_lake(_written(tmp_path / "mail", book, account="rua"), settings=Settings()) as lake:
        found = read_known(lake.ask, since=day(FIRST), until=day(LAST), listed=(), settings=SETTINGS)
    assert (NEW in found.always) == (tier == "vouched")


def _written(folder, book, *, account):
    """Write the book as mail of that account."""
    own = Book()
    own.reports = book.reports
    plain = own._message
    own._message = lambda number, rows: (made := plain(number, rows))._replace(message=made.message._replace(account=account))
    folder.mkdir(exist_ok=True)
    return own.write(folder / "lake")


def test_a_mailbox_that_was_copied_is_told_of():
    book = Book().every_day(GOOGLE, FIRST, LAST, sts(100))
    for number in range(LAST + 1):
        book.add(NEW, number, sts(100), hours=24 * (LAST + 20 - number))
    with book.lake() as lake:
        found = readiness(lake.ask, DOMAIN, as_of=as_of(LAST), settings=SETTINGS, known=KNOWN)
        named = readiness(lake.ask, DOMAIN, as_of=as_of(LAST), settings=SETTINGS, known=KNOWN | {NEW})
    assert [reason for reason in found.reasons if NEW in reason and "[trust] reporters" in reason]
    assert named.verdict == "ready"
