"""May one enforce: each condition at its boundary, what is missing and by when, and the next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.insight.applied_policies import checked_policy
from pipeline.insight.enforce.readiness import as_json
from pipeline.insight.rate_bound import upper_bound
from tests.insight.asking import as_of, incidents, verdict
from tests.insight.book import CAMPUS, GOOGLE, MAILRU, MICROSOFT, MX1, POLICY, SETTINGS, Book, Fail, day, sts, tlsa, unprotected

LAST = 40
FIRST = LAST - 27
ENFORCE = tuple(line.replace("testing", "enforce") for line in POLICY)


def steady(google: int = 50, microsoft: int = 50, *, first: int = FIRST, last: int = LAST, lines=POLICY) -> Book:
    """Two known reporters, every day, without a failure."""
    return Book().every_day(GOOGLE, first, last, sts(google, lines=lines)).every_day(MICROSOFT, first, last, sts(microsoft, lines=lines))


def test_four_good_weeks_of_two_known_reporters_are_ready():
    found = verdict(steady(), LAST)
    assert found.verdict == "ready"
    assert (found.sessions, found.would_refuse, found.days_covered) == (2800, 0, 28)
    assert found.reporters == (GOOGLE, MICROSOFT)
    assert (found.since, found.until, found.as_of) == (day(FIRST), day(LAST), as_of(LAST))
    assert found.upper_bound_95 == pytest.approx(upper_bound(0, 2800))
    assert found.blocking == ()
    assert "2,800 sessions of google.com and microsoft.com on 28 of 28 days" in found.reasons[0]


# Evidence.


def test_zero_reports_are_never_ready():
    found = verdict(Book(), LAST)
    assert (found.verdict, found.sessions, found.upper_bound_95) == ("not-enough-evidence", 0, 1.0)
    assert "no basis for a verdict" in found.reasons[0]


@pytest.mark.parametrize(("last_day_sessions", "sessions", "expected"), [(8, 299, "not-enough-evidence"), (9, 300, "ready")])
def test_300_sessions_are_enough_and_299_are_not(last_day_sessions, sessions, expected):
    book = Book().every_day(GOOGLE, FIRST, LAST - 1, sts(10)).add(GOOGLE, LAST, sts(last_day_sessions))
    book.add(MICROSOFT, LAST, sts(21))
    found = verdict(book, LAST)
    assert (found.sessions, found.verdict) == (sessions, expected)


@pytest.mark.parametrize(("days", "expected"), [(13, "not-enough-evidence"), (14, "ready")])
def test_fourteen_days_are_enough_and_thirteen_are_not(days, expected):
    found = verdict(steady(first=LAST - days + 1), LAST)
    assert (found.days_covered, found.verdict) == (days, expected)


def test_one_known_reporter_is_not_enough_however_much_it_says():
    found = verdict(Book().every_day(GOOGLE, FIRST, LAST, sts(1000)), LAST)
    assert found.verdict == "not-enough-evidence"
    assert found.reasons == ("1 known reporter (google.com) had sessions under the policy, 2 are needed: one sender is not enough",)


def test_reporters_that_are_not_known_are_shown_and_not_counted():
    book = Book().every_day(GOOGLE, FIRST, LAST, sts(100)).every_day("new.example", FIRST, LAST, sts(100))
    found = verdict(book, LAST)
    assert (found.verdict, found.reporters, found.other_reporters, found.sessions) == (
        "not-enough-evidence",
        (GOOGLE,),
        ("new.example",),
        2800,
    )
    assert "not known reporters yet: new.example" in found.reasons[-1]


def test_an_unknown_reporter_can_neither_help_nor_block():
    book = steady().every_day("new.example", FIRST, LAST, sts(10, Fail("certificate-expired", 90)))
    found = verdict(book, LAST)
    assert (found.verdict, found.would_refuse) == ("ready", 0)


@pytest.mark.parametrize(("days_before", "expected"), [(14, "not-enough-evidence"), (15, "ready")])
def test_a_reporter_becomes_known_by_fourteen_days_of_receipt_before_the_period(days_before, expected):
    """The report about the day before the period comes on its first day."""
    book = Book().every_day(GOOGLE, FIRST, LAST, sts(100))
    book.every_day("new.example", FIRST - days_before, LAST, sts(100))
    assert verdict(book, LAST).verdict == expected


def test_three_days_are_not_enough_and_it_is_said_when_they_can_be():
    found = verdict(steady(first=LAST - 2), LAST)
    assert found.verdict == "not-enough-evidence"
    # Fourteen days from the first on, at every day covered, and two until the last is complete.
    assert found.possible_from == day(LAST - 2) + timedelta(days=13 + 2)
    assert f"Ask again on {found.possible_from}" in found.next_step
    # Asked on that day it is so.
    assert verdict(steady(first=LAST - 2, last=LAST + 11), LAST + 11).verdict == "ready"


def test_too_few_sessions_a_day_never_make_three_hundred_in_the_window():
    book = Book().every_day(GOOGLE, FIRST, LAST, sts(3)).every_day(MICROSOFT, FIRST, LAST, sts(2))
    found = verdict(book, LAST)
    assert (found.verdict, found.possible_from) == ("not-enough-evidence", None)
    assert "never hold as many" in found.reasons[0]


# The bound.


@pytest.mark.parametrize(("refused", "expected"), [(19, "ready"), (20, "not-ready")])
def test_the_bound_decides_and_not_the_rate(refused, expected):
    # 19 of 2,800 are 0.68 %, at most 0.99 %; 20 are 0.71 %, at most 1.03 %.
    book = Book().every_day(GOOGLE, FIRST + 1, LAST, sts(50)).every_day(MICROSOFT, FIRST, LAST, sts(50))
    book.add(GOOGLE, FIRST, sts(50 - refused, Fail("validation-failure", refused)))
    found = verdict(book, LAST)
    assert (found.sessions, found.would_refuse) == (2800, refused)
    assert (found.upper_bound_95 <= 0.01) == (expected == "ready")
    # What failed is over for long and its cause nobody knows; one sender alone saw it while the other is clean: the sender's.
    assert found.verdict == expected


def test_the_arithmetic_of_the_bound_is_shown():
    found = verdict(steady(), LAST)
    assert found.arithmetic == (
        "0 of 2,800 sessions would have been refused; with 95% confidence the true rate is at most 0.11%: 1 - 0.05^(1/2,800), about "
        "3/2,800. This assumes that sessions are independent, which they are only roughly."
    )


def test_would_refuse_is_the_smaller_of_failures_and_refusing_details_per_policy_row():
    book = steady(first=FIRST + 1)
    overlapping = (Fail("certificate-expired", 5), Fail("certificate-host-mismatch", 5), Fail("sts-policy-fetch-error", 3, None))
    book.add(GOOGLE, FIRST, sts(92, *overlapping, bad=8))
    book.add(MICROSOFT, FIRST, sts(97, Fail("starttls-not-supported", 3), bad=3))
    found = verdict(book, LAST)
    assert found.would_refuse == 8 + 3
    assert [(d.submitter_domain, d.sts_sessions, d.would_refuse) for d in found.replay if d.would_refuse] == [
        (GOOGLE, 100, 8),
        (MICROSOFT, 100, 3),
    ]


def test_failed_fetches_refuse_nothing_and_dane_is_not_counted():
    book = steady(first=FIRST + 1)
    book.add(
        GOOGLE,
        FIRST,
        sts(90, Fail("sts-policy-fetch-error", 4, None), Fail("sts-webpki-invalid", 3, None), Fail("sts-policy-invalid", 3, None)),
    )
    book.add(MICROSOFT, FIRST, sts(100), tlsa(60, Fail("tlsa-invalid", 40)))
    assert verdict(book, LAST).would_refuse == 0


def test_failures_that_no_detail_explains_might_be_refused():
    book = steady(first=FIRST + 1).add(GOOGLE, FIRST, sts(93, bad=7))
    assert verdict(book, LAST).would_refuse == 7


def test_result_types_nobody_knows_might_be_refused():
    book = steady(first=FIRST + 1).add(GOOGLE, FIRST, sts(93, Fail("brand-new", 7)))
    assert verdict(book, LAST).would_refuse == 7


# Incidents of ours.


def _with_incident(first: int, last: int, *, reporters=(GOOGLE, MICROSOFT), count: int = 2) -> Book:
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        for number in range(FIRST, LAST + 1):
            fails = reporter in reporters and first <= number <= last
            book.add(reporter, number, sts(1000 - count, Fail("certificate-expired", count)) if fails else sts(1000))
    return book


def test_an_open_incident_of_ours_blocks_even_if_the_rate_is_small():
    found = verdict(_with_incident(LAST - 3, LAST), LAST)
    assert found.upper_bound_95 < 0.01
    assert found.verdict == "not-ready"
    assert found.blocking == tuple(i.id for i in incidents(_with_incident(LAST - 3, LAST), LAST))
    assert "is ours and open since" in found.reasons[0]
    assert found.next_step.startswith("Renew the certificate of ")  # what is broken is mended first
    assert f"Until incident {found.blocking[0]} is over, stay in testing." in found.next_step  # the policy may be what has to change


def test_incidents_found_already_for_all_domains_give_the_same_verdict():
    book = _with_incident(LAST - 3, LAST)
    found = incidents(book, LAST, days=SETTINGS.readiness_days)
    elsewhere = [replace(one, domain="other.example", id="0" * 12) for one in found]
    assert verdict(book, LAST, given=[*elsewhere, *found]) == verdict(book, LAST)
    assert verdict(book, LAST, given=elsewhere).blocking == ()


@pytest.mark.parametrize(("ago", "expected"), [(13, "not-ready"), (14, "ready")])
def test_one_that_ended_thirteen_days_ago_blocks_and_one_of_fourteen_does_not(ago, expected):
    found = verdict(_with_incident(LAST - ago - 2, LAST - ago), LAST)
    assert found.verdict == expected
    if expected == "not-ready":
        assert found.possible_from == day(LAST - ago) + timedelta(days=14 + 2)


def test_an_incident_of_one_sender_does_not_block():
    found = verdict(_with_incident(LAST - 3, LAST, reporters=(GOOGLE,)), LAST)
    assert (found.verdict, found.blocking) == ("ready", ())


def test_failed_fetches_block_though_they_refuse_nothing():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, FIRST, LAST - 4, sts(100))
        book.every_day(reporter, LAST - 3, LAST, sts(98, Fail("sts-policy-fetch-error", 2, None)))
    found = verdict(book, LAST)
    assert (found.verdict, found.would_refuse, len(found.blocking)) == ("not-ready", 0, 1)


# The policy.


def test_without_a_policy_there_is_nothing_to_enforce():
    found = verdict(Book().every_day(GOOGLE, FIRST, LAST, unprotected(100)), LAST)
    assert found.verdict == "no-policy"
    assert "Publish a policy in mode testing" in found.next_step


def test_mode_none_is_no_policy():
    lines = tuple(line.replace("testing", "none") for line in POLICY)
    assert verdict(steady(lines=lines), LAST).verdict == "no-policy"


def test_most_sessions_of_the_last_week_in_mode_enforce_are_already_enforcing():
    book = steady(last=LAST - 7)
    book.every_day(GOOGLE, LAST - 6, LAST, sts(49)).every_day(MICROSOFT, LAST - 6, LAST, sts(51, lines=ENFORCE))
    found = verdict(book, LAST)
    assert found.verdict == "already-enforcing"
    assert "357 of the 700 sessions" in found.reasons[0]
    half = steady(last=LAST - 7)
    half.every_day(GOOGLE, LAST - 6, LAST, sts(50)).every_day(MICROSOFT, LAST - 6, LAST, sts(50, lines=ENFORCE))
    assert verdict(half, LAST).verdict != "already-enforcing"


def test_a_reporter_of_the_last_seven_days_that_holds_another_policy_blocks_until_its_max_age_at_the_latest():
    new = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
    book = Book().every_day(GOOGLE, FIRST, LAST - 10, sts(100)).every_day(GOOGLE, LAST - 9, LAST, sts(100, lines=new))
    book.every_day(MICROSOFT, FIRST, LAST, sts(50))
    found = verdict(book, LAST)
    assert (found.verdict, found.stale_reporters) == ("not-ready", (MICROSOFT,))
    # First seen on day LAST-9, held for 604,800 seconds at most.
    assert f"may hold it until {day(LAST - 9) + timedelta(days=7)}" in found.reasons[0]


def test_an_old_policy_eight_days_ago_is_forgotten():
    new = (*POLICY[:-1], "mx: mx9.example.org", POLICY[-1])
    book = Book().every_day(GOOGLE, FIRST, LAST - 10, sts(100)).every_day(GOOGLE, LAST - 9, LAST, sts(100, lines=new))
    book.every_day(MAILRU, LAST - 9, LAST, sts(100, lines=new)).every_day(MICROSOFT, FIRST, LAST - 7, sts(50))
    assert verdict(book, LAST).verdict == "ready"


def test_the_policy_as_checked_wins_over_what_senders_show():
    published = checked_policy([*POLICY[:-1], "mx: mx9.example.org", POLICY[-1]], since=day(LAST))
    found = verdict(steady(), LAST, published=published)
    assert (found.verdict, found.stale_reporters) == ("not-ready", (GOOGLE, MICROSOFT))
    assert verdict(steady(), LAST, published=checked_policy(POLICY)).verdict == "ready"


def test_without_sessions_in_the_last_three_days_nobody_knows_what_is_published():
    found = verdict(steady(last=LAST - 3), LAST)
    assert found.verdict == "not-enough-evidence"
    assert "shows which policy is published now" in found.reasons[0]


# The next step.


def test_ready_says_text_first_then_id_and_a_short_max_age():
    step = verdict(steady(), LAST).next_step
    assert step.index("max_age to 86400 (one day)") < step.index("604800 (one week)") < step.index("2592000 (one month)")
    assert step.index("https://mta-sts.example.org/.well-known/mta-sts.txt first") < step.index("_mta-sts.example.org with a new id")
    assert f"id={as_of(LAST):%Y%m%d}T000000" in step
    assert MX1 in step


def test_already_enforcing_climbs_the_ladder_of_max_age():
    def with_age(seconds: int) -> str:
        lines = tuple(line.replace("604800", str(seconds)) for line in ENFORCE)
        return verdict(steady(lines=lines), LAST).next_step

    assert "from 86400 to 604800 seconds (one week)" in with_age(86_400)
    assert "from 604800 to 2592000 seconds (one month)" in with_age(604_800)
    assert with_age(2_592_000).startswith("Nothing: the policy is enforced.")


# Form.


def test_the_json_has_the_promised_members_in_their_order():
    plain = as_json(verdict(steady(), LAST))
    assert list(plain)[:12] == [
        "domain",
        "verdict",
        "as_of",
        "days",
        "sessions",
        "would_refuse",
        "upper_bound_95",
        "reporters",
        "days_covered",
        "blocking",
        "reasons",
        "next_step",
    ]
    assert (plain["as_of"], plain["days"], plain["reporters"]) == (as_of(LAST).isoformat(), 28, [GOOGLE, MICROSOFT])


def test_every_number_is_configuration():
    settings = SETTINGS.model_copy(
        update={"readiness_sessions": 10, "readiness_days_covered": 2, "readiness_reporters": 1, "readiness_bound": 0.3}
    )
    assert verdict(Book().every_day(CAMPUS, LAST - 1, LAST, sts(5)), LAST, settings=settings).verdict == "ready"


def test_other_domains_do_not_matter():
    book = steady().every_day(GOOGLE, FIRST, LAST, sts(10, Fail("certificate-expired", 90)), domain="example.net")
    assert verdict(book, LAST).verdict == "ready"
