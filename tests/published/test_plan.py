"""Plans: steps in order, the earliest safe day of each, and in a world that follows them no session fails."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest

from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.spec import Spec
from pipeline.demo.world import World
from pipeline.errors import UsageError
from pipeline.insight.applied_policies import PoliciesSeen, checked_policy, read_policies
from pipeline.published import source_ttl
from pipeline.published.plan import plan_enforce, plan_mx, plan_retire, plan_tlsa
from pipeline.published.plan_state import DNS_DAYS, PlanState, Served
from pipeline.published.tlsa import parse_tlsa
from tests.published.conftest import POLICY
from tests.published.servers import Page
from tests.score.world_lake import lake_of

FIRST, TODAY = date(2026, 3, 2), date(2026, 4, 6)
NAME, MX1, MX2 = "example.org", "mx1.example.org", "mx2.example.org"
OLD_AGE, AGE = 30, 14


def policy(from_day: date, *mx: str, mode: str = "enforce", days: int = AGE) -> PolicyVersion:
    return PolicyVersion(from_day, mode, mx, days * 86_400, "1")


OLDEST = policy(FIRST - timedelta(days=60), MX1, days=OLD_AGE)
SINCE = TODAY - timedelta(days=10)
PRESENT = policy(SINCE, MX1)
"""Ten days ago max_age became shorter and the id stayed: some senders hold the older one for thirty days from then."""


def world(*policies: PolicyVersion, moved: date | None = None, last: date = TODAY, seed: int = 7) -> World:
    hosts = (MxHost(MX1, ("198.51.100.1",)),) + ((MxHost(MX2, ("198.51.100.2",), since=moved),) if moved else ())
    domain = Domain(NAME, hosts, policies, sessions_a_day=4000.0, weekend=1.0)
    return World(Spec(seed, FIRST, last, (domain,), stray_rate=0.0))


@pytest.fixture(scope="module")
def state():
    with lake_of(world(OLDEST, PRESENT)) as lake:
        published = checked_policy(PRESENT.lines, since=SINCE)
        seen = read_policies(lake.ask, NAME, since=FIRST, until=TODAY, published=published)
    return PlanState(NAME, TODAY, seen, (MX1,))


def alone(lines: tuple[str, ...] | None, hosts: tuple[str, ...] = (MX1,), tlsa: tuple[str, ...] = ()) -> PlanState:
    """Nobody has reported anything."""
    published = checked_policy(lines) if lines else None
    return PlanState(NAME, TODAY, PoliciesSeen(domain=NAME, published=published, held=(), changes=()), hosts, tlsa)


def days(steps) -> list[int | None]:
    return [None if step.earliest is None else (step.earliest - TODAY).days for step in steps]


# MX hosts.


def test_another_mx_host_waits_for_the_last_policy_that_would_refuse_it(state):
    steps = plan_mx(state, [MX2])
    gone = OLD_AGE - 10 + 1
    assert days(steps) == [0, gone, gone + DNS_DAYS, gone + 2 * DNS_DAYS]
    assert steps[0].publish[:5] == ("version: STSv1", "mode: enforce", f"mx: {MX1}", f"mx: {MX2}", f"max_age: {AGE * 86_400}")
    assert steps[1].publish == (f"{NAME}. MX 10 {MX2}.", f"{NAME}. MX 20 {MX1}.")
    assert steps[2].what == f"remove the MX records of {MX1}"
    assert steps[2].publish == (f"{NAME}. MX 10 {MX2}.",)
    assert [line for line in steps[3].publish if line.startswith("mx:")] == [f"mx: {MX2}"]
    assert len({step.publish[-1] for step in (steps[0], steps[3])}) == 2


def test_the_published_policy_alone_is_waited_for_where_nobody_holds_an_older_one():
    assert days(plan_mx(alone(PRESENT.lines), [MX1, MX2])) == [0, AGE + 1]


@pytest.mark.parametrize(
    ("lines", "new", "expected"),
    [
        (policy(FIRST, MX1, mode="testing").lines, [MX1, MX2], [0, 0]),
        (policy(FIRST, "*.example.org").lines, [MX1, MX2], [0]),
        (policy(FIRST, "*.example.org").lines, [MX2], [0, DNS_DAYS]),
        (policy(FIRST, "*.example.org").lines, ["a.b.example.org"], [0, AGE + 1, AGE + 1 + DNS_DAYS, AGE + 1 + 2 * DNS_DAYS]),
        (None, [MX2], [0, DNS_DAYS]),
    ],
    ids=["testing refuses nothing", "the star covers it", "the star covers it alone", "the star is one label", "no policy"],
)
def test_only_a_policy_that_would_refuse_is_waited_for(lines, new, expected):
    assert days(plan_mx(alone(lines), new)) == expected


def refusing(made: World) -> set[tuple[str, date]]:
    """Who held on which day an enforce policy that does not cover a host that was in the DNS, by the truth of the world."""
    domain = made.domains[0]
    return {
        (reporter.key, day)
        for reporter in made.spec.reporters
        for day in made.days(TODAY)
        for host in domain.serving(day)
        for held in made._cache(reporter, domain).on(day)[:2]
        if held is not None and held.mode == "enforce" and not held.covers(host.name)
    }


def test_in_worlds_that_follow_the_plan_nobody_refuses_mail_and_in_those_that_hurry_some_do(state):
    arrival = plan_mx(state, [MX1, MX2])[1].earliest
    plan = (OLDEST, PRESENT, policy(TODAY, MX1, MX2))
    last = arrival + timedelta(days=20)
    latest = []
    for seed in range(20):
        assert refusing(world(*plan, moved=arrival, last=last, seed=seed)) == set()
        hurried = refusing(world(*plan, moved=TODAY + timedelta(days=2), last=last, seed=seed))
        assert {who for who, _ in hurried} <= {"microsoft", "mailru", "studio", "parcel"}
        latest += [day for _, day in hurried]
    # Nobody fetched the old policy on the very day of the change, so the last to hold it are a day or two before what is promised.
    assert arrival - timedelta(days=4) <= max(latest) < arrival


def test_a_longer_ttl_than_usual_is_waited_for():
    assert days(plan_mx(alone(None)._replace(ttl_seconds=3 * 86_400), [MX2])) == [0, 6]
    assert days(plan_mx(alone(None)._replace(ttl_seconds=60), [MX2])) == [0, DNS_DAYS]


# The end of it.


def test_retiring_waits_for_every_policy_that_was_served(state):
    steps = plan_retire(state)
    assert days(steps) == [0, OLD_AGE - 10 + 1]
    assert steps[0].publish[:3] == ("version: STSv1", "mode: none", "max_age: 86400")
    assert days(plan_retire(alone(PRESENT.lines))) == [0, AGE + 1]


def test_what_is_switched_off_already_can_go_when_the_others_have_ended(state):
    off = policy(TODAY - timedelta(days=1), mode="none").lines
    known = Served("enforce", AGE * 86_400, (MX1,), TODAY - timedelta(days=AGE + 1))
    assert days(plan_retire(alone(off)._replace(served=(known,)))) == [0]
    assert days(plan_retire(alone(off)._replace(served=(known._replace(replaced_on=TODAY - timedelta(days=4)),)))) == [AGE - 4 + 1]


def test_what_was_served_before_mode_none_is_not_known_to_be_nothing():
    off = policy(TODAY - timedelta(days=1), mode="none").lines
    (step,) = plan_retire(alone(off))
    assert (step.earliest - TODAY).days == 366 + 1
    assert "31,557,600 seconds" in step.why


def test_retiring_without_any_knowledge_of_a_policy_is_refused():
    with pytest.raises(UsageError, match=r"no policy of .* is known"):
        plan_retire(alone(None))


def test_a_policy_that_a_check_found_long_ago_is_waited_for_though_none_is_served_now():
    steps = plan_retire(alone(None)._replace(served=(Served("enforce", 31_536_000, (MX1,), None),)))
    assert days(steps) == [0, 366]
    assert "mode: none" in steps[0].publish


def test_a_policy_whose_max_age_nobody_knows_is_held_as_long_as_the_standard_allows():
    assert days(plan_retire(alone(None)._replace(served=(Served("enforce", None, (MX1,), None),)))) == [0, 367]


# Enforce.


def test_enforce_comes_when_it_is_ready_and_its_max_age_grows_week_by_week():
    testing = alone(policy(FIRST, MX1, mode="testing", days=7).lines)
    steps = plan_enforce(testing, possible_from=TODAY, missing=())
    assert days(steps) == [0, 7, 21]
    assert [next(line for line in step.publish if line.startswith("max_age")) for step in steps] == [
        "max_age: 86400",
        "max_age: 604800",
        "max_age: 2592000",
    ]
    assert f"until {TODAY + timedelta(days=7)}" in steps[0].why
    assert len({step.publish[-1] for step in steps}) == 3


def test_what_is_missing_comes_first_and_without_a_day_for_it_nothing_has_one():
    testing = alone(policy(FIRST, MX1, mode="testing", days=7).lines)
    later = plan_enforce(testing, possible_from=TODAY + timedelta(days=5), missing=("an incident is open",))
    assert days(later) == [0, 5, 12, 26]
    assert later[0].why == "an incident is open"
    assert days(plan_enforce(testing, possible_from=None, missing=("no evidence",))) == [0, None, None, None]


def test_an_mx_host_that_the_policy_leaves_out_is_added_first():
    steps = plan_enforce(alone(policy(FIRST, MX1, mode="testing").lines, (MX1, MX2)), possible_from=TODAY, missing=())
    assert "name every MX host" in steps[0].what
    assert all(f"mx: {MX2}" in step.publish for step in steps)


@pytest.mark.parametrize(("age", "expected"), [(1, [0, 14]), (7, [0]), (30, [])])
def test_who_enforces_already_has_the_rest_of_the_ladder(age, expected):
    assert days(plan_enforce(alone(policy(FIRST, MX1, days=age).lines), possible_from=TODAY, missing=())) == expected


def test_who_has_no_policy_begins_with_testing():
    steps = plan_enforce(alone(None), possible_from=None, missing=())
    assert steps[0].publish[:4] == ("version: STSv1", "mode: testing", f"mx: {MX1}", "max_age: 86400")
    assert days(steps) == [0, None]


@pytest.mark.parametrize(("hosts", "says"), [((), "are not known"), ((".",), "takes no mail")])
def test_enforce_without_mx_hosts_is_refused(hosts, says):
    for lines in (None, policy(FIRST, MX1, mode="testing").lines):
        with pytest.raises(UsageError, match=says):
            plan_enforce(alone(lines, hosts), possible_from=TODAY, missing=())


# TLSA.

A, B = (f"3 1 1 {digit * 64}" for digit in "ab")


def test_a_new_tlsa_record_is_there_before_the_certificate_and_the_old_one_after_it():
    steps = plan_tlsa(alone(None, (MX1, MX2), (f"{MX1} {A}",)), [parse_tlsa(B)])
    assert days(steps) == [0, DNS_DAYS, DNS_DAYS]
    assert steps[0].publish == (f"_25._tcp.{MX1}. TLSA {B}",)
    assert steps[2].publish == (f"_25._tcp.{MX1}. TLSA {B}",)


def test_a_record_that_is_there_already_needs_no_wait_and_one_that_stays_is_not_removed():
    assert days(plan_tlsa(alone(None, (MX1,), (f"{MX1} {A}", f"{MX1} {B}")), [parse_tlsa(B)])) == [0, 0]
    assert days(plan_tlsa(alone(None, (MX1,), (f"{MX1} {A}",)), [parse_tlsa(A), parse_tlsa(B)])) == [0, DNS_DAYS]


def test_the_first_tlsa_records_match_what_is_served():
    (step,) = plan_tlsa(alone(None, (MX1, MX2)), [parse_tlsa(A)])
    assert step.publish == (f"_25._tcp.{MX1}. TLSA {A}", f"_25._tcp.{MX2}. TLSA {A}")
    assert "once the certificates they match are served" in step.what


# The command.


def test_the_command_plans_from_the_last_check(tlsrpt):
    assert tlsrpt("check")[0] == 0
    code, steps, _ = tlsrpt("plan", "good.example", "mx", "mx.good.example", "mx2.good.example", "--format", "json")
    assert code == 0
    assert [step["step"] for step in steps] == [1, 2]
    assert "mx: mx2.good.example" in steps[0]["publish"]
    code, text, _ = tlsrpt("plan", "good.example", "retire")
    assert code == 0
    assert text.startswith("Based on: the policy served now (mode: testing")
    assert "\n1. from " in text
    assert "mode: none" in text
    assert tlsrpt("plan", "good.example", "enforce", "--format", "json")[0] == 0
    code, text, _ = tlsrpt("plan", "good.example", "tlsa", A, "--format", "csv")
    assert code == 0
    assert next(csv.DictReader(io.StringIO(text)))["step"] == "1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("good.example", "mx"), "needs the new hosts or records"),
        (("good.example", "retire", "mx1.example.org"), "takes nothing more"),
        (("nothing.example", "mx", "mx.good.example"), "run `tlsrpt check nothing.example` first"),
        (("nothing.example", "enforce"), "MX hosts of nothing.example are not known"),
        (("nothing.example", "retire"), "no policy of nothing.example is known"),
        (("not a name", "retire"), "is not a domain name"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_sentence(tlsrpt, arguments, says):
    code, out, err = tlsrpt("plan", *arguments)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("1 1 1 " + "ab" * 32, "usage 1 cannot be used for mail"),
        ("3 2 1 " + "ab" * 32, "selector 2 does not exist"),
        ("3 1 3 " + "ab" * 32, "matching type 3 does not exist"),
        ("3 1 1 abc", "64 hex digits, and this one 3"),
        ("3 1 2 " + "ab" * 32, "128 hex digits, and this one 64"),
        ("3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "digest of empty input"),
        ("3 0 0 abcd", "whole certificate"),
        ("3 1 0 abc", "whole public key"),
        ("3 1 1", "is written as"),
        ("hello", "is written as"),
    ],
)
def test_a_record_that_cannot_be_right_is_refused(tlsrpt, record, says):
    code, _, err = tlsrpt("plan", "good.example", "tlsa", record)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1


def test_the_live_policy_is_what_retiring_waits_for_though_no_check_was_made(tlsrpt, town):
    town.publish(POLICY.replace("1209600", "31536000").replace("testing", "enforce"))
    code, steps, _ = tlsrpt("plan", "good.example", "retire", "--format", "json")
    assert code == 0
    assert "mode: none" in steps[0]["publish"]
    assert (date.fromisoformat(steps[1]["earliest"]) - date.fromisoformat(steps[0]["earliest"])).days == 366
    assert "the policy served now (mode: enforce" in steps[0]["rests_on"][0]


def test_a_policy_that_a_check_read_is_waited_for_when_the_policy_host_is_gone(tlsrpt, town):
    town.publish(POLICY.replace("1209600", "31536000").replace("testing", "enforce"))
    tlsrpt("check")
    town.pages["mta-sts.good.example"] = Page(b"", 503)
    code, steps, _ = tlsrpt("plan", "good.example", "retire", "--format", "json")
    assert code == 0
    assert (date.fromisoformat(steps[1]["earliest"]) - date.fromisoformat(steps[0]["earliest"])).days == 366
    assert any("could not be checked" in sentence for sentence in steps[0]["rests_on"])


def test_a_policy_that_a_check_read_is_waited_for_when_a_shorter_one_is_served_now(tlsrpt, town):
    town.publish(POLICY.replace("1209600", "31536000").replace("testing", "enforce"))
    tlsrpt("check")
    town.publish(POLICY)
    _, steps, _ = tlsrpt("plan", "good.example", "retire", "--format", "json")
    assert (date.fromisoformat(steps[1]["earliest"]) - date.fromisoformat(steps[0]["earliest"])).days == 366


def test_the_records_of_an_alias_are_planned_where_they_are(tlsrpt):
    code, steps, _ = tlsrpt("plan", "alias.example", "tlsa", "3 1 1 " + "ab" * 32, "--format", "json")
    assert code == 0
    assert steps[0]["publish"] == ["_25._tcp.mx.secure.example. TLSA 3 1 1 " + "ab" * 32]
    assert steps[-1]["what"] == "remove 1 old record"


def test_records_that_several_hosts_share_are_planned_once_and_by_the_ttl_of_their_zone(tlsrpt):
    """The resolver keeps nothing for longer than a day, and says so; others may keep it for three."""
    code, steps, _ = tlsrpt("plan", "shared.example", "tlsa", "3 1 1 " + "ab" * 32, "--format", "json")
    assert code == 0
    assert steps[0]["publish"] == ["_tlsa.shared.example. TLSA 3 1 1 " + "ab" * 32]
    first, second = (date.fromisoformat(step["earliest"]) for step in steps[:2])
    assert second - first == timedelta(days=6)
    assert not [sentence for sentence in steps[0]["rests_on"] if "TTL" in sentence]


def test_the_ttl_of_the_resolver_is_named_where_no_authoritative_server_can_be_asked(tlsrpt, monkeypatch):
    monkeypatch.setattr(source_ttl, "PORT", 1)
    code, steps, _ = tlsrpt("plan", "shared.example", "tlsa", "3 1 1 " + "ab" * 32, "--format", "json")
    assert code == 0
    assert [sentence for sentence in steps[0]["rests_on"] if "no authoritative server could be asked" in sentence]


def test_a_domain_that_takes_no_mail_needs_no_tlsa_and_its_null_mx_is_replaced(tlsrpt):
    code, _, err = tlsrpt("plan", "null.example", "tlsa", "3 1 1 " + "ab" * 32)
    assert (code, "takes no mail" in err) == (2, True)
    code, (step,), _ = tlsrpt("plan", "null.example", "mx", "mx.good.example", "--format", "json")
    assert (code, step["publish"]) == (0, ["null.example. MX 10 mx.good.example."])
