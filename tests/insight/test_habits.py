"""Reporters with habits: named, and kept out of the rates they would bias; report loops are no evidence (decision 0057)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline.config import Settings
from pipeline.insight.habits import read_counting, read_habits, sentences
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings
from tests.insight.asking import covered, only, verdict
from tests.insight.book import CAMPUS, DOMAIN, GOOGLE, MAILRU, MICROSOFT, MX1, Book, Fail, day, sts, tlsa
from tests.lake.build import message, report

LAST = 30
ATTIC = "attic.example"


def healthy() -> Book:
    return Book().every_day(GOOGLE, 0, LAST, sts(50)).every_day(MICROSOFT, 0, LAST, sts(50))


def only_failing(book: Book, *days: int, reporter: str = ATTIC, bad: int = 2) -> Book:
    for number in days:
        book.add(reporter, number, sts(3, Fail("certificate-expired", bad)))
    return book


def asked(book: Book, name: str, **parameters) -> list[dict]:
    with book.lake() as lake:
        return lake.ask(name, since=day(0), until=day(LAST), as_of=day(LAST + 2), **parameters).to_pylist()


def habits(book: Book) -> dict[tuple[str, str], tuple[str, ...]]:
    with book.lake() as lake:
        found = read_habits(lake.ask, since=day(0), until=day(LAST), domain=None)
    return {(one.submitter_domain, one.report_domain): one.habits for one in found}


def said(book: Book) -> list[str]:
    with book.lake() as lake:
        return list(sentences(read_habits(lake.ask, since=day(0), until=day(LAST), domain=None)))


class TestFailuresOnly:
    def test_who_never_reports_a_good_day_is_named_and_has_no_rate(self):
        book = only_failing(healthy(), 4, 11, 20)
        assert habits(book) == {(ATTIC, DOMAIN): ("failures only",)}
        rates = {row["submitter_domain"]: row["success_rate"] for row in asked(book, "sessions_by_reporter")}
        assert rates == {GOOGLE: 1, MICROSOFT: 1, ATTIC: None}

    @pytest.mark.parametrize("name", ["success_rate", "sessions_by_domain", "worst_domains", "fleet"])
    def test_no_rate_takes_its_sessions_and_every_count_does(self, name):
        (row,) = asked(only_failing(healthy(), 4, 11, 20), name)
        assert (row["sessions"], row["failed"], row["success_rate"]) == (3_115, 6, 1)

    def test_a_day_of_it_alone_has_no_rate(self):
        book = only_failing(Book().every_day(GOOGLE, 0, 19, sts(50)), 4, 11, 20)
        rates = {row["report_day"]: row["success_rate"] for row in asked(book, "sessions_by_day")}
        assert (rates[day(11)], rates[day(20)]) == (1, None)

    def test_one_incident_that_it_saw_from_end_to_end_is_enough_where_others_reported_before(self):
        assert habits(only_failing(healthy(), *range(12, 22))) == {(ATTIC, DOMAIN): ("failures only",)}

    def test_alone_it_shows_by_its_own_gaps(self):
        assert habits(only_failing(Book(), 4, 11, 20)) == {(ATTIC, DOMAIN): ("failures only",)}

    @pytest.mark.parametrize("days", [range(LAST + 1), (4, 11)], ids=["fails every day", "twice"])
    def test_who_fails_every_day_or_reported_twice_is_not(self, days):
        assert habits(only_failing(healthy(), *days)) == {}

    def test_who_never_reports_on_weekends_and_always_fails_is_not(self):
        assert habits(only_failing(healthy(), *(n for n in range(LAST + 1) if day(n).weekday() < 5))) == {}

    def test_one_good_report_of_any_domain_shows_that_it_is_not(self):
        book = only_failing(healthy(), 4, 11, 20).add(ATTIC, 15, sts(1), domain="example.net")
        assert habits(book) == {}

    def test_its_silence_is_none(self):
        (line,) = [line for line in covered(only_failing(healthy(), 1, 2, 3), LAST) if line.reporter == ATTIC]
        assert (line.state, line.silent_since, line.habits) == ("failures-only", None, ("failures only",))

    def test_it_is_no_share_of_the_verdict_and_is_said(self):
        found = verdict(only_failing(healthy(), 4, 8, 12, reporter=CAMPUS), LAST)
        assert (found.verdict, found.sessions, found.would_refuse, found.reporters) == ("ready", 2_800, 0, (GOOGLE, MICROSOFT))
        assert found.left_out.failures_only == (CAMPUS,)
        assert [reason for reason in found.reasons if "only on days with failures" in reason] == [
            f"{CAMPUS} reports only on days with failures: 15 sessions of its reports, 6 of which enforce would have refused, are left "
            "out of the share"
        ]

    def test_an_incident_counts_its_sessions_and_its_share_leaves_them_out(self):
        book = Book()
        for reporter in (GOOGLE, MICROSOFT):
            book.every_day(reporter, 0, 9, sts(50)).every_day(reporter, 10, 19, sts(80, Fail("certificate-expired", 20)))
            book.every_day(reporter, 20, LAST, sts(50))
        found = only(only_failing(book, 12, 15, 18), LAST)
        assert (found.failed_sessions, found.sessions, found.share, found.failures_only) == (406, 2_015, 0.2, (ATTIC,))
        assert found.share_said == f"20.0%, leaving out {ATTIC} (only days with failures reported)"

    def test_an_incident_that_it_alone_tells_of_has_no_share(self):
        found = only(only_failing(healthy(), 12, 14, 16, bad=9), LAST)
        assert (found.failed_sessions, found.share, found.share_said) == (27, None, "no share: they report only on days with failures")

    def test_what_it_refused_in_the_last_weeks_stands_in_the_way_all_the_same(self):
        book = healthy()
        for number in (18, 22, 26):
            book.add(CAMPUS, number, sts(3, Fail("starttls-not-supported", 1)))
        found = verdict(book, LAST, given=())
        assert (found.verdict, [missing.what for missing in found.missing]) == ("not-ready", ["refused-lately"])
        assert found.missing[0].by == day(LAST) + timedelta(days=16)


class TestLoops:
    def test_one_session_a_day_is_named_counted_and_no_evidence(self):
        book = healthy().every_day(CAMPUS, 0, LAST, sts(1))
        assert habits(book) == {(CAMPUS, DOMAIN): ("report loop",)}
        assert asked(book, "success_rate")[0]["sessions"] == 3_131
        found = verdict(book, LAST)
        assert (found.sessions, found.reporters, found.left_out.loops) == (2_800, (GOOGLE, MICROSOFT), (CAMPUS,))
        assert "report loops (only the reports themselves are sent), which are no evidence: campus.example" in found.reasons

    def test_a_domain_with_loops_alone_has_not_enough_evidence(self):
        book = Book()
        for reporter in (GOOGLE, MICROSOFT, MAILRU):
            book.every_day(reporter, 0, LAST, sts(1))
        found = verdict(book, LAST)
        assert (found.verdict, found.sessions, found.reporters) == ("not-enough-evidence", 0, ())

    def test_as_many_sessions_as_reports_the_day_before_are_the_reports(self):
        book = healthy()
        for number in range(LAST + 1):
            about = [f"shop{n}.example" for n in range(2 + number % 3)]
            for domain in about:
                book.add(CAMPUS, number, sts(20), domain=domain)
            book.add(CAMPUS, number, sts(1 + 2 + (number - 1) % 3 if number else 9))
        assert habits(book) == {(CAMPUS, DOMAIN): ("report loop",)}

    @pytest.mark.parametrize("sessions", [lambda n: 1 + n % 4, lambda n: 2])
    def test_a_few_sessions_a_day_are_mail(self, sessions):
        book = healthy()
        for number in range(LAST + 1):
            book.add(CAMPUS, number, sts(sessions(number)))
        assert habits(book) == {}

    def test_one_session_now_and_then_is_mail(self):
        book = healthy()
        for number in range(0, LAST, 2):
            book.add(CAMPUS, number, sts(1))
        assert habits(book) == {}

    @pytest.mark.parametrize("own", [["b.example"], []])
    def test_a_report_about_several_domains_is_one_mail_also_where_its_first_domain_is_not_ours(self, tmp_path, own):
        domains, days = ("a.example", "b.example"), [date(2026, 3, 1 + number) for number in range(12)]
        told = [report(f"{n} {day}", submitter=CAMPUS, day=day, domains=domains, good=1, bad=0) for day in days for n in (1, 2)]
        with LakeWriter(tmp_path / "lake", run_id="run") as writer:
            writer.commit([message(f"m{number}", rows) for number, rows in enumerate(told)])
        with open_lake(tmp_path / "lake", settings=Settings(domains=DomainSettings(own=own))) as lake:
            found = read_habits(lake.ask, since=days[0], until=days[-1], domain=None)
        assert [(one.report_domain, one.habits[0]) for one in found] == [(name, "report loop") for name in own or domains]

    def test_a_failure_of_a_loop_is_evidence(self):
        book = healthy().every_day(CAMPUS, 0, LAST - 1, sts(1)).add(CAMPUS, LAST, sts(0, Fail("certificate-expired", 1)))
        assert verdict(book, LAST).would_refuse == 1


def test_several_reports_a_day_are_named_and_added_up():
    book = healthy()
    for hours in (10, 20, 30):
        book.every_day(CAMPUS, 0, LAST, sts(4 + hours))
    assert habits(book) == {(CAMPUS, DOMAIN): ("several reports a day",)}
    assert said(book) == ["campus.example sends several reports a day: they are added up."]


def test_what_is_told_again_at_a_host_is_named_there():
    book = healthy().every_day(CAMPUS, 0, 9, sts(7)).every_day(CAMPUS, 0, 9, tlsa(7, host=MX1), domain=MX1)
    assert habits(book) == {(CAMPUS, MX1): ("host reports",)}
    assert said(book) == [f"campus.example reports 70 sessions a second time under the MX host ({MX1}): counted once, under the domain."]


def test_what_failed_at_a_host_is_a_share_of_what_was_told_there_ends_there_and_is_said():
    book = healthy().every_day(CAMPUS, 0, LAST, sts(7)).every_day(CAMPUS, 0, 9, tlsa(10, Fail("tlsa-invalid", 4), host=MX1), domain=MX1)
    book.every_day(CAMPUS, 10, LAST, tlsa(14, host=MX1), domain=MX1)
    found = only(book, LAST, domain=MX1)
    assert (found.state, found.failed_sessions, found.sessions) == ("resolved", 40, 140)
    with book.lake() as lake:
        assert read_counting(lake.ask, found) == (
            f"campus.example reports 140 sessions a second time under the MX host ({MX1}): counted once, under the domain; "
            "40 of them failed at the host: incidents have these, the failed sessions of the domains do not.",
        )


def test_an_incident_says_that_it_is_not_known_which_rows_are_the_same_sessions():
    book = healthy().every_day(CAMPUS, 0, 4, sts(20), tlsa(30, Fail("tlsa-invalid", 10)))
    found = only(book, 6)
    with book.lake() as lake:
        assert [sentence.partition(":")[0] for sentence in read_counting(lake.ask, found)] == ["Not known yet"]


def test_of_whom_it_is_not_known_which_rows_are_the_same_sessions_it_is_unsure_and_says_how_many():
    book = healthy().every_day(CAMPUS, 0, 4, sts(20), tlsa(30))
    assert habits(book) == {(CAMPUS, DOMAIN): ("unsure",)}
    assert said(book) == [
        "Not known yet: whether campus.example reports the same sessions under MTA-STS and under DANE. Until more reports show it, they "
        "are counted once; if they are not the same, there are 100 more."
    ]


@pytest.mark.parametrize("dane", [30, 50], ids=["apart", "same"])
def test_ten_reports_are_enough_to_be_sure(dane):
    assert habits(healthy().every_day(CAMPUS, 0, 11, sts(50), tlsa(dane))) == {}


def test_the_ground_says_the_habits_after_what_is_left_out(tmp_path):
    from pipeline.config import Settings
    from pipeline.query import open_lake
    from pipeline.settings.single_tables import DomainSettings

    book = only_failing(healthy(), 4, 11, 20).every_day(CAMPUS, 0, LAST, sts(1))
    with open_lake(book.write(tmp_path / "lake"), settings=Settings(domains=DomainSettings(own=(DOMAIN,)))) as lake:
        ground = lake.ground(as_of=day(LAST + 2))
    assert ground.notes() == [
        f"{ATTIC} reports only on days with failures: 15 sessions (6 failed) count, and are left out of every rate, because the days "
        "without failures are in no report.",
        f"campus.example tells of {DOMAIN} only the sessions that carried TLS reports (report loop): 31 in all, which count but are no "
        "evidence for enforce.",
    ]
    assert [(one["submitter_domain"], one["habits"]) for one in ground.as_json()["habits"]] == [
        (CAMPUS, ["report loop"]),
        (ATTIC, ["failures only"]),
    ]
