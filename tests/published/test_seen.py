"""Seen against published, in a world whose policy changes under senders that hold the old one: right to the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.spec import Spec
from pipeline.demo.world import World
from pipeline.insight.applied_policies import checked_policy, read_policies
from pipeline.published.check import Checked
from pipeline.published.finding import Finding
from pipeline.published.history import Published
from pipeline.published.seen_by_senders import Before, TlsaSeen, hold_against_reports, judge_policies, judge_tlsa_seen, stale_on
from tests.insight.book import GOOGLE, MAILRU, MICROSOFT, Book, sts
from tests.insight.book import day as book_day
from tests.score.world_lake import lake_of

FIRST, LAST = date(2026, 3, 2), date(2026, 5, 10)
CHANGE = date(2026, 4, 6)
AGE_DAYS = 21
NAME, MX1, MX2 = "example.org", "mx1.example.org", "mx2.example.org"
HOSTS = (MxHost(MX1, ("198.51.100.1",)), MxHost(MX2, ("198.51.100.2",), since=CHANGE))
OLD = PolicyVersion(FIRST - timedelta(days=60), "testing", (MX1,), AGE_DAYS * 86_400, "1")
NEW = PolicyVersion(CHANGE, "testing", (MX1, MX2), AGE_DAYS * 86_400, "1")
"""The owner forgot to change the id: who looks only at the id goes on with what it holds (RFC 8461 §3.1)."""


def world(old: PolicyVersion = OLD, new: PolicyVersion = NEW) -> World:
    domain = Domain(NAME, HOSTS, (old, new), sessions_a_day=4000.0, weekend=1.0)
    return World(Spec(7, FIRST, LAST, (domain,), stray_rate=0.0))


@pytest.fixture(scope="module")
def changed():
    made = world()
    with lake_of(made) as lake:
        yield made, lake.ask


def holders(made: World, day: date) -> set[str]:
    """Who applied the old text that day to the end of it, by the truth of the world."""
    domain = made.domains[0]
    return {
        reporter.signing_domain
        for reporter in made.spec.reporters
        if (held := made._cache(reporter, domain).on(day).evening) is not None and held.lines == domain.policies[0].lines
    }


def seen_on(ask, day: date, since: date | None = CHANGE):
    policy = checked_policy(NEW.lines, since=since)
    return read_policies(ask, NAME, since=FIRST, until=day, published=policy)


@pytest.mark.parametrize("after", [0, 1, 3, 7, 12, 18, 20, 25])
def test_who_applies_the_old_policy_is_who_holds_it_in_truth(changed, after):
    made, ask = changed
    day = CHANGE + timedelta(days=after)
    assert {held.reporter for held in stale_on(seen_on(ask, day), day)} == holders(made, day)


def test_the_forecast_is_the_day_of_the_change_plus_max_age_and_no_sender_is_later(changed):
    made, ask = changed
    end = CHANGE + timedelta(days=AGE_DAYS)
    (finding,) = judge_policies(seen_on(ask, CHANGE + timedelta(days=2)), (MX1, MX2), today=CHANGE + timedelta(days=2))
    assert (finding.check, finding.code, finding.severity, finding.where) == ("seen", "policy-stale-seen", "warn", NAME)
    assert f"outdated since {CHANGE}; its max_age ends by {end}" in finding.what
    assert f"after {end} no sender" in finding.fix
    last = max(day for day in made.days(CHANGE) if holders(made, day))
    assert CHANGE + timedelta(days=7) < last < end
    assert judge_policies(seen_on(ask, last + timedelta(days=1)), (MX1, MX2), today=end) == []


def test_without_a_check_of_that_day_the_first_report_of_the_new_text_says_since_when(changed):
    _, ask = changed
    seen = seen_on(ask, CHANGE + timedelta(days=2), since=CHANGE + timedelta(days=2))
    assert {held.replaced_on for held in seen.stale} == {CHANGE}


def test_the_check_holds_its_policy_against_the_reports_by_itself(changed):
    made, ask = changed
    at = datetime(2026, 4, 9, 6, tzinfo=UTC)
    published = Published("1", NEW.lines, None, (MX1, MX2))
    ok = Finding("sts-policy", "policy-ok", "ok", NAME, "x")
    checked = hold_against_reports(ask, Checked(NAME, at, (ok,), published), None)
    assert [finding.code for finding in checked.findings] == ["policy-ok", "policy-stale-seen"]
    assert all(name in checked.findings[1].what for name in holders(made, date(2026, 4, 9)))
    unread = hold_against_reports(ask, Checked(NAME, at, (ok,), published._replace(policy_lines=None)), None)
    assert unread.findings == (ok,)


def test_an_old_enforce_policy_that_leaves_out_a_host_is_bad():
    old = OLD._replace(mode="enforce")
    made = world(old, NEW._replace(mode="enforce"))
    day = CHANGE + timedelta(days=1)
    with lake_of(made) as lake:
        published = checked_policy(NEW._replace(mode="enforce").lines, since=CHANGE)
        seen = read_policies(lake.ask, NAME, since=FIRST, until=day, published=published)
    (finding,) = judge_policies(seen, (MX1, MX2), today=day)
    assert finding.severity == "error"
    assert f"deliver no mail to {MX2}" in finding.why
    assert judge_policies(seen, (MX1,), today=day)[0].severity == "warn"


def test_a_sender_that_goes_on_after_max_age_is_told_of(changed):
    _, ask = changed
    seen = seen_on(ask, CHANGE + timedelta(days=12), since=CHANGE)
    held = seen.stale[0]
    late = replace(seen, held=(replace(held, held_until=held.last_day - timedelta(days=1)),))
    (finding,) = judge_policies(late, (MX1,), today=held.last_day)
    assert finding.fix == "it applies the policy longer than it may: tell the sender"


# TLSA.

A, B, C = (f"3 1 1 {digit * 64}" for digit in "abc")
DAY = date(2026, 5, 1)
NOW = Published(mx_hosts=(MX1, MX2), tlsa=(f"{MX1} {B}", f"{MX2} {C}"))


def row(records: list[str], after: int, hosts: list[str] | None = None, who: str = "google.com") -> TlsaSeen:
    return TlsaSeen(who, hosts if hosts is not None else [MX1], records, DAY + timedelta(days=after))


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (row([A], 2), ["tlsa-stale-seen"]),
        (row([A], 1), []),
        (row([A, B], 2), []),
        (row([B.upper()], 2), []),
        (row([C], 2), ["tlsa-stale-seen"]),
        (row([C], 2, []), []),
        (row([A], 2, []), ["tlsa-stale-seen"]),
        (row([A], 2, ["gone.example.org"]), []),
    ],
    ids=["gone", "within a TTL", "one is there", "upper case", "another host's", "no host named", "no host's", "host that is not an MX"],
)
def test_tlsa_records_that_senders_saw_too_late_are_found_and_no_others(given, codes):
    assert [finding.code for finding in judge_tlsa_seen([given], NOW, since=DAY)] == codes


def test_the_finding_names_senders_host_and_days():
    (finding,) = judge_tlsa_seen([row([A], 2), row([A], 3, who="mail.ru")], NOW, since=DAY)
    assert finding.where == MX1
    assert finding.what == (
        "google.com and mail.ru saw other TLSA records than the published ones up to 2026-05-04; these are there since 2026-05-01"
    )


def test_tlsa_records_of_reports_are_held_against_those_of_the_last_check():
    day = date(2026, 4, 20)
    domain = Domain(NAME, (MxHost(MX1, ("198.51.100.1",), dane=True),), (OLD,), sessions_a_day=4000.0, weekend=1.0)
    made = World(Spec(7, date(2026, 4, 10), day, (domain,), stray_rate=0.0))
    at = datetime(2026, 4, 22, 6, tzinfo=UTC)
    right = Published(mx_hosts=(MX1,), tlsa=(f"{MX1} {domain.hosts[0].tlsa()}",))
    wrong = right._replace(tlsa=(f"{MX1} {A}",))
    with lake_of(made) as lake:
        for published, since, codes in ((right, 15, []), (wrong, 15, ["tlsa-stale-seen"]), (wrong, 19, [])):
            before = Before(published, date(2026, 4, since), date(2026, 4, since), published)
            checked = hold_against_reports(lake.ask, Checked(NAME, at, (), published), before)
            assert [finding.code for finding in checked.findings] == codes


def test_a_text_that_one_sender_alone_applied_does_not_say_when_another_was_replaced():
    old, odd, new = (
        ("version: STSv1", f"mode: {mode}", f"mx: {mx}", "max_age: 864000")
        for mode, mx in (("testing", MX1), ("testing", MX2), ("enforce", MX1))
    )
    book = (
        Book()
        .every_day(GOOGLE, 0, 20, sts(5, lines=old))
        .every_day(MICROSOFT, 0, 30, sts(5, lines=old))
        .every_day(MAILRU, 5, 6, sts(5, lines=odd))
    )
    book.every_day(GOOGLE, 21, 30, sts(5, lines=new))
    with book.lake() as lake:
        seen = read_policies(lake.ask, NAME, since=book_day(0), until=book_day(30), published=checked_policy(new, since=book_day(25)))
    held = {(each.reporter, each.mode, each.mx): each.held_until for each in seen.held}
    assert held[MICROSOFT, "testing", (MX1,)] == book_day(31)
    assert held[MAILRU, "testing", (MX2,)] == book_day(31)
    assert held[GOOGLE, "enforce", (MX1,)] is None
