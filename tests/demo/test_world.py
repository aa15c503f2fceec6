"""A world is the same every time, and what is planted is there."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta

import pytest

from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.spec import DaySpan
from pipeline.demo.world import Spec, World
from pipeline.demo.worldfile import read_spec
from tests.some import some
from tests.worlds.peculiar_worlds import PECULIAR, kind_below
from tests.worlds.random_worlds import random_world
from tests.worlds.true_readiness import refusals
from tests.worlds.truth import true_incidents

FIRST = date(2026, 9, 1)
LAST = date(2026, 9, 30)
HOST = MxHost("mx1.example.com", ("203.0.113.10",))
POLICY = PolicyVersion(FIRST - timedelta(days=90), "testing", ("mx1.example.com",), 604_800, "1")
DOMAIN = Domain("example.com", (HOST,), (POLICY,), sessions_a_day=400)


def spec(**changes):
    return Spec(seed=7, first_day=FIRST, last_day=LAST, domains=(DOMAIN,), stray_rate=0.0)._replace(**changes)


def sessions(report):
    return sum(sum(policy["summary"].values()) for policy in report.document["policies"])


def test_the_same_seed_gives_the_same_documents_in_another_process():
    code = (
        "import hashlib, json; from tests.worlds.random_worlds import random_world; "
        "print(hashlib.sha256(json.dumps([str(r) for r in random_world(11).reports()]).encode()).hexdigest())"
    )
    digests = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout for _ in range(2)}
    assert len(digests) == 1


def test_another_seed_gives_other_documents():
    assert list(random_world(1, "quiet").reports()) != list(random_world(2, "quiet").reports())


def test_some_days_alone_are_the_same_as_within_the_whole():
    world = random_world(5)
    first = world.spec.first_day + timedelta(days=20)
    part = [report for report in world.reports() if first <= report.report_day <= first + timedelta(days=3)]
    assert list(random_world(5).reports(first, first + timedelta(days=3))) == part


def test_a_longer_world_begins_with_the_shorter_one():
    longer = World(spec(last_day=LAST + timedelta(days=10)))
    assert list(longer.reports(FIRST, LAST)) == list(World(spec()).reports())


def test_every_reporter_reports_every_day_when_there_is_traffic():
    reports = list(World(spec()).reports())
    assert len(reports) == 8 * 30
    assert all(sessions(report) > 0 for report in reports)


def test_without_incident_and_without_strays_nothing_fails():
    reports = list(World(spec()).reports())
    assert len(reports) == 8 * 30
    for report in reports:
        assert all(policy["summary"]["total-failure-session-count"] == 0 for policy in report.document["policies"])


def test_weekends_are_quieter():
    reports = [report for report in World(spec()).reports() if report.reporter == "google"]
    weekend = [sessions(report) for report in reports if report.report_day.weekday() >= 5]
    working = [sessions(report) for report in reports if report.report_day.weekday() < 5]
    assert 0.3 < (sum(weekend) / len(weekend)) / (sum(working) / len(working)) < 0.6


def test_a_reporter_that_is_silent_sends_nothing_and_comes_back():
    silence = DaySpan(FIRST + timedelta(days=5), FIRST + timedelta(days=8), reporter="google")
    days = {report.report_day for report in World(spec(silences=(silence,))).reports() if report.reporter == "google"}
    assert len(days) == 26
    assert not any(silence.first_day <= day <= silence.last_day for day in days)


def test_a_newcomer_begins_on_its_day():
    world = World(spec(newcomers=(("mailru", FIRST + timedelta(days=12)),)))
    assert min(r.report_day for r in world.reports() if r.reporter == "mailru") == FIRST + timedelta(days=12)


def test_a_report_loop_is_one_session_a_day():
    world = World(spec(loops=(("garden", "example.com"),)))
    assert {sessions(report) for report in world.reports() if report.reporter == "garden"} == {1}


def test_a_lull_has_little_traffic():
    day = FIRST + timedelta(days=2)
    quiet = World(spec(lulls=(DaySpan(day, day, factor=0.1),)))
    usual = {r.reporter: sessions(r) for r in World(spec()).reports(day, day)}
    assert sum(sessions(r) for r in quiet.reports(day, day)) < 0.3 * sum(usual.values())


def test_reports_are_sent_on_the_day_after_at_the_hour_of_the_sender():
    hours: dict[str, list[float]] = {}
    for report in World(spec()).reports():
        assert report.sent_at.date() == report.report_day + timedelta(days=1)
        hours.setdefault(report.reporter, []).append(report.sent_at.hour + report.sent_at.minute / 60)
    assert 15.6 < min(hours["google"]) <= max(hours["google"]) < 15.8
    assert 20.4 < min(hours["microsoft"]) <= max(hours["microsoft"]) < 21.6


def test_a_stray_failure_is_one_session():
    world = World(spec(stray_rate=1.0))
    reports = list(world.reports())
    assert len(reports) == 8 * 30
    for report in reports:
        failures = [policy["summary"]["total-failure-session-count"] for policy in report.document["policies"]]
        assert sum(failures) == 1, report
    assert true_incidents(world) == []


def test_strays_are_as_rare_as_asked():
    world = World(spec(stray_rate=0.05, last_day=FIRST + timedelta(days=200)))
    failed = [r for r in world.reports() if any(p["summary"]["total-failure-session-count"] for p in r.document["policies"])]
    assert 0.03 < len(failed) / (8 * 201) < 0.07


def test_a_sender_goes_on_with_the_policy_it_holds_and_changes_within_a_day():
    change = FIRST + timedelta(days=10)
    newer = POLICY._replace(from_day=change, mode="enforce", id="2")
    world = World(spec(domains=(DOMAIN._replace(policies=(POLICY, newer)),)))
    modes: dict[date, set[str]] = {}
    for report in world.reports():
        for policy in report.document["policies"]:
            modes.setdefault(report.report_day, set()).update(line for line in policy["policy"]["policy-string"] if "mode" in line)
    assert modes[change - timedelta(days=1)] == {"mode: testing"}
    assert modes[change] == {"mode: testing", "mode: enforce"}
    assert modes[change + timedelta(days=1)] == {"mode: enforce"}


def test_a_sender_that_looks_at_the_id_alone_holds_the_old_policy_until_its_max_age():
    change = FIRST + timedelta(days=10)
    newer = POLICY._replace(from_day=change, mode="enforce")  # the id is what it was
    world = World(spec(domains=(DOMAIN._replace(policies=(POLICY, newer)),)))
    last_old: dict[str, date] = {}
    for report in world.reports():
        for policy in report.document["policies"]:
            if "mode: testing" in policy["policy"]["policy-string"]:
                last_old[report.reporter] = report.report_day
    assert last_old["google"] == change
    late = {key: (last_old[key] - change).days for key in ("microsoft", "mailru", "parcel", "studio")}
    assert all(days < 7 for days in late.values())
    assert max(late.values()) > 0


def test_the_demo_world_is_of_the_promised_size_and_kind():
    world = World(read_spec(_demo_file(), last_day=date(2026, 11, 22)))
    assert 2000 <= sum(1 for _ in world.reports()) <= 3000
    truth = {incident.domain: incident for incident in true_incidents(world) if incident.cause != "starttls-stripped"}
    assert {(t.cause, t.fault, t.open) for t in true_incidents(world)} == {
        ("mx-certificate-expired", "ours", True),
        ("starttls-stripped", "path", False),
        ("tlsa-mismatch", "ours", False),
        ("mx-certificate-untrusted", "sender", False),
        ("policy-stale", "ours", False),
    }
    assert truth["example.com"].hosts == ("mx2.example.com",)
    four_weeks = world.spec.last_day - timedelta(days=29)
    assert refusals(world, "example.net", four_weeks).refused == 0
    assert refusals(world, "example.net", four_weeks).sessions > 1000
    assert refusals(world, "example.com", four_weeks).refused > 100
    assert refusals(world, "orchard.example").modes == ("none",)


def test_every_kind_of_odd_mail_is_in_the_demo_world():
    from pipeline.demo.odd_mail import KINDS

    world = World(read_spec(_demo_file(), last_day=date(2026, 11, 22)))
    assert {odd.kind for odd in world.spec.odd_mail} == set(KINDS)
    assert len(list(world.odd_mails(world.spec.first_day, world.spec.last_day))) == len(world.spec.odd_mail)


def _demo_file():
    from pipeline.demo.demo_folder import WORLD_FILE

    return WORLD_FILE


@pytest.mark.parametrize("kind", ["mixed", "quiet"])
def test_documents_are_json(kind):
    reports = list(random_world(21, kind).reports())
    assert reports
    assert all(json.loads(json.dumps(report.document)) == report.document for report in reports)


def test_every_peculiar_kind_has_quiet_worlds_and_worlds_in_which_something_fails():
    kinds = some(PECULIAR)
    for seeds in (range(1, 76), range(10_001, 10_076)):
        for place, kind in enumerate(some(kinds)):
            below = [kind_below(seed) for seed in seeds if seed % len(kinds) == place]
            assert 2 <= below.count("quiet") <= len(below) - 2, kind
            assert len(set(below)) >= 4, kind
