"""A conflict never improves a verdict: of several contents of one report verdicts take the worst of each."""

from __future__ import annotations

import pytest

from pipeline.config import Settings
from pipeline.insight.api import find_incidents, readiness
from pipeline.query import open_lake
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN, GOOGLE, KNOWN, MICROSOFT, MX1, MX2, POLICY, SETTINGS, Book, Fail, day, sts, tlsa, unprotected

EXPIRED = Fail("certificate-expired", 400)
LAST = 40


class Disputed(Book):
    """Reports of which one day's have several contents under one identity."""

    def rival(self, digest, *rows, number=LAST - 1, tier="verified", reporter=GOOGLE):
        """Add another content of that day's report; the smallest digest counts in sums."""
        self.add(reporter, number, *rows, tier=tier)
        identity = f"{reporter} {number}"
        last = self.reports[-1]
        self.reports[-1] = last._replace(report=last.report._replace(identity=identity, content_sha256=digest))
        return self


def _asked(tmp_path, book):
    with open_lake(book.write(tmp_path / "lake"), settings=Settings()) as lake:
        found = find_incidents(lake.ask, as_of=as_of(LAST), settings=SETTINGS, known=KNOWN, days=90, evidence=5)
        verdict = readiness(lake.ask, DOMAIN, as_of=as_of(LAST), settings=SETTINGS, known=KNOWN)
        sums = lake.sql("select sum(sessions)::bigint, sum(failed)::bigint from sessions where report_day = $day", {"day": day(LAST - 1)})
        return found, verdict, tuple(column[0].as_py() for column in sums.columns)


def _healthy(*, but=()):
    book = Disputed().every_day(MICROSOFT, 0, LAST, sts(200))
    for number in range(LAST + 1):
        if number != LAST - 1:
            book.add(GOOGLE, number, sts(200))
    for digest, rows in but:
        book.rival(digest, *rows)
    return book


@pytest.mark.parametrize("order", [1, -1], ids=["the real one first", "the forged ones first"])
@pytest.mark.parametrize("real", ["5" * 64, "0" * 64], ids=["superseded", "counted"])
def test_copies_without_failures_hide_no_incident(tmp_path, order, real):
    contents = [(real, [sts(0, EXPIRED)]), *((f"{number:064x}", [sts(400 + number)]) for number in range(1, 20))]
    found, verdict, sums = _asked(tmp_path, _healthy(but=contents[::order]))
    assert [(one.cause, one.failed_sessions, one.disputed_reports) for one in found] == [("mx-certificate-expired", 400, 1)]
    assert "1 report has several contents" in found[0].comparison
    assert len(found[0].report_keys) == 1
    assert (verdict.verdict, verdict.would_refuse, verdict.disputed_reports) == ("not-ready", 400, 1)
    assert any("disputed" in reason for reason in verdict.reasons)
    assert sums == ((600, 400) if real == "0" * 64 else (601, 0)), "sums take the report that counts"


def test_failures_of_another_kind_do_not_hide_those_of_this_one(tmp_path):
    forged = [sts(5_000), tlsa(0, Fail("tlsa-invalid", 9_000))]
    found, verdict, _ = _asked(tmp_path, _healthy(but=[("1" * 64, forged), ("5" * 64, [sts(0, EXPIRED)])]))
    assert {one.cause for one in found} == {"mx-certificate-expired", "tlsa-mismatch"}
    assert verdict.would_refuse == 400


@pytest.mark.parametrize(
    ("real", "forged", "sessions"),
    [
        ([sts(10)], [sts(90_000)], 10),
        ([unprotected(50)], [sts(90_000)], 0),
        ([sts(10), tlsa(10)], [sts(5)], 5),
    ],
)
def test_sessions_that_only_one_of_the_contents_has_are_no_evidence(tmp_path, real, forged, sessions):
    _, verdict, _ = _asked(tmp_path, _healthy(but=[("1" * 64, forged), ("5" * 64, real)]))
    evidence = sum(one.sts_sessions for one in verdict.replay if one.report_day == day(LAST - 1) and one.submitter_domain == GOOGLE)
    assert evidence == sessions
    assert verdict.would_refuse == 0


def test_what_does_not_count_by_its_tier_disputes_nothing(tmp_path):
    book = _healthy(but=[("5" * 64, [sts(200)])])
    for number in range(3):
        book.rival(f"{number:064x}", sts(0, EXPIRED), tier="unverified")
    found, verdict, sums = _asked(tmp_path, book)
    assert (found, verdict.disputed_reports, sums) == ([], 0, (400, 0))


def test_forgeries_of_a_lower_tier_that_came_first_are_no_contents_of_the_proved_one(tmp_path):
    book = _healthy()
    for number in range(3):
        book.rival(f"{number:064x}", sts(0, EXPIRED), tier="vouched")
    book.rival("5" * 64, sts(200))
    found, verdict, sums = _asked(tmp_path, book)
    assert (found, verdict.disputed_reports, sums) == ([], 0, (400, 0))


def test_failures_that_refuse_nothing_hide_none_that_do(tmp_path):
    forged = sts(0, Fail("sts-policy-fetch-error", 401, None))
    found, verdict, _ = _asked(tmp_path, _healthy(but=[("1" * 64, [forged]), ("5" * 64, [sts(0, EXPIRED)])]))
    assert (verdict.would_refuse, verdict.verdict) == (400, "not-ready")
    assert "mx-certificate-expired" in {one.cause for one in found}


def test_more_failures_among_many_more_sessions_are_no_better_rate(tmp_path):
    forged = sts(10**9, Fail("certificate-expired", 401))
    found, verdict, _ = _asked(tmp_path, _healthy(but=[("1" * 64, [forged]), ("5" * 64, [sts(0, EXPIRED)])]))
    assert (verdict.verdict, verdict.would_refuse) == ("not-ready", 401)
    assert verdict.sessions < 20_000
    assert [(one.failed_sessions, one.sessions) for one in found] == [(401, 401)]


def test_failures_at_another_host_do_not_clear_this_one(tmp_path):
    forged = [sts(0, Fail("starttls-not-supported", 500, MX2))]
    found, _, _ = _asked(tmp_path, _healthy(but=[("1" * 64, forged), ("5" * 64, [sts(0, EXPIRED)])]))
    assert {(one.cause, one.mx_hosts) for one in found} >= {("mx-certificate-expired", (MX1,))}


@pytest.mark.parametrize("real", ["5" * 64, "0" * 64], ids=["superseded", "counted"])
def test_sessions_of_a_disputed_report_make_no_fault_the_senders(tmp_path, real):
    """Google cannot be cleared by a copy of its report: then the failures of the other would be the other's own fault."""
    book = Disputed()
    for number in range(LAST + 1):
        if number != LAST - 1:
            book.add(GOOGLE, number, sts(200)).add(MICROSOFT, number, sts(200))
    book.add(MICROSOFT, LAST - 1, sts(100, Fail("certificate-expired", 100)))
    for digest, row in ((real, sts(1)), ("1" * 64, sts(90_000))):
        book.rival(digest, row)
    found, _, _ = _asked(tmp_path, book)
    assert [(one.cause, one.fault) for one in found] == [("mx-certificate-expired", "ours")]


def test_sessions_of_disputed_reports_end_no_incident(tmp_path):
    book = Disputed()
    for number in range(LAST - 1):
        book.add(GOOGLE, number, sts(0, EXPIRED) if number > LAST - 8 else sts(200))
    for number in (LAST - 1, LAST):
        for digest in ("1" * 64, "5" * 64):
            book.rival(digest, sts(int(digest[0]) * 1_000), number=number)
    (found,), _, _ = _asked(tmp_path, book)
    assert found.state == "unconfirmed"


def test_a_policy_that_is_lost_is_not_found_again_by_a_copy(tmp_path):
    book = Disputed()
    for number in range(LAST + 1):
        if number < LAST - 4:
            book.add(GOOGLE, number, sts(200))
        else:
            book.rival("5" * 64, unprotected(200), number=number)
            book.rival("1" * 64, sts(400), number=number)
    found, verdict, _ = _asked(tmp_path, book)
    assert [(one.cause, one.failed_sessions) for one in found] == [("policy-lost", 1_000)]
    assert verdict.verdict != "ready"


def test_a_copy_in_mode_enforce_enforces_nothing(tmp_path):
    enforcing = tuple(line.replace("testing", "enforce") for line in POLICY)
    book = Disputed()
    for number in range(LAST + 1):
        book.rival("5" * 64, sts(200), number=number)
        book.rival("1" * 64, sts(199, lines=enforcing), number=number)
    _, verdict, _ = _asked(tmp_path, book)
    assert verdict.verdict != "already-enforcing"
