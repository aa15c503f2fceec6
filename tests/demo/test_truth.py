"""Failures show exactly where the truth says: those days, reporters, hosts and addresses, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.demo.planted_incidents import CAUSES, DANE_CAUSES, POLICY_CAUSES
from pipeline.demo.simulated_reporters import BY_KEY
from pipeline.demo.world import World
from tests.some import some
from tests.worlds.random_worlds import random_world
from tests.worlds.true_readiness import refusals
from tests.worlds.truth import true_incidents


def calm(seed, kind):
    """A random world without strays, so that every failure is an incident's."""
    return World(random_world(seed, kind).spec._replace(stray_rate=0.0))


def failing(world):
    """Every failure detail of every document: (reporter, domain, day, detail)."""
    for report in world.reports():
        for policy in report.document["policies"]:
            for detail in policy.get("failure-details") or policy.get("failure_details") or ():
                yield report.reporter, report.domain, report.report_day, detail


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cause", CAUSES)
def test_failures_show_on_the_days_and_for_the_reporters_of_the_truth(cause, seed):
    world = calm(seed, cause)
    (truth,) = true_incidents(world)
    assert truth.cause == cause
    seen = list(failing(world))
    assert {day for _, _, day, _ in seen} == set(truth.days)
    assert {reporter for reporter, *_ in seen} == set(truth.reporters)
    assert {domain for _, domain, *_ in seen} == {truth.domain}
    assert {detail["result-type"] for *_, detail in seen} == set(truth.result_types)
    named = {detail.get("receiving-mx-hostname") for *_, detail in seen} - {None, ""}
    assert named <= set(truth.hosts)
    assert named or cause in POLICY_CAUSES


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("cause", CAUSES)
def test_the_truth_keeps_to_what_was_planted(cause, seed):
    (truth,) = true_incidents(calm(seed, cause))
    planted = truth.incident
    assert truth.first_day >= planted.first_day
    assert (truth.first_day - planted.first_day).days <= 2
    if planted.last_day is not None:
        # A repaired policy is not fetched by everybody before the next day.
        assert truth.last_day <= planted.last_day + timedelta(days=1)
    assert set(truth.reporters) <= set(planted.reporters or BY_KEY)
    assert truth.failed_sessions >= 5


@pytest.mark.parametrize("seed", range(5))
def test_a_quiet_world_without_strays_has_no_failure(seed):
    world = calm(seed, "quiet")
    assert list(failing(world)) == []
    assert true_incidents(world) == []


@pytest.mark.parametrize("seed", range(5))
def test_several_incidents_do_not_leak_beyond_their_days(seed):
    world = calm(seed, "mixed")
    allowed = {(truth.domain, day, reporter) for truth in true_incidents(world) for day in truth.days for reporter in truth.reporters}
    assert {(domain, day, reporter) for reporter, domain, day, _ in failing(world)} <= allowed


@pytest.mark.parametrize("cause", sorted(DANE_CAUSES))
def test_who_knows_no_dane_sees_nothing_of_it(cause):
    (truth,) = true_incidents(calm(6, cause))
    assert all(BY_KEY[reporter].dane != "none" for reporter in some(truth.reporters))
    if cause == "dane-missing":
        assert all(BY_KEY[reporter].requires_dane for reporter in truth.reporters)


def test_one_address_behind_one_host_fails_and_the_other_does_not():
    worlds = (calm(seed, "mx-certificate-expired") for seed in range(60))
    world = next(world for world in worlds if world.spec.incidents[0].addresses)
    (address,) = world.spec.incidents[0].addresses
    assert {detail["receiving-ip"] for *_, detail in failing(world)} == {address}


def test_a_senders_own_fault_shows_with_that_sender_alone():
    worlds = (calm(seed, "mx-certificate-untrusted") for seed in range(60))
    world = next(world for world in worlds if world.spec.incidents[0].fault == "sender")
    (truth,) = true_incidents(world)
    assert truth.reporters == world.spec.incidents[0].reporters
    assert len(truth.reporters) == 1


def test_stripped_starttls_comes_from_one_network_of_one_sender():
    world = calm(3, "starttls-stripped")
    (reporter,) = world.spec.incidents[0].reporters
    if reporter == "microsoft":  # does not say where it sent from
        world = next(w for w in (calm(s, "starttls-stripped") for s in range(40)) if w.spec.incidents[0].reporters == ("google",))
    (reporter,) = world.spec.incidents[0].reporters
    _, network = BY_KEY[reporter].networks
    senders = {detail["sending-mta-ip"] for *_, detail in failing(world)}
    assert senders <= set(network)


def test_the_wildcard_stands_for_one_label():
    worlds = (calm(seed, "mx-not-in-policy") for seed in range(60))
    world = next(world for world in worlds if world.spec.incidents[0].variant == "wildcard")
    (truth,) = true_incidents(world)
    (host,) = truth.hosts
    assert host == f"mx7.eu.{truth.domain}"
    assert any(pattern == f"*.{truth.domain}" for pattern in world.domain(truth.domain).policies[0].mx)


@pytest.mark.parametrize("cause", ["mx-certificate-expired", "mx-not-in-policy", "mx-certificate-name"])
def test_refusals_are_the_failed_sessions_under_a_policy(cause):
    world = calm(2, cause)
    domain = world.spec.domains[0].name
    said = refusals(world, domain)
    counted = 0
    for report in world.reports():
        for policy in report.document["policies"]:
            if policy["policy"]["policy-type"] == "sts":
                counted += policy["summary"]["total-failure-session-count"]
    assert said.would_refuse
    assert said.refused == counted


def test_a_policy_that_cannot_be_fetched_refuses_nothing():
    world = calm(2, "policy-unreachable")
    assert not refusals(world, world.spec.domains[0].name).would_refuse


def test_a_sender_beyond_the_max_age_is_the_only_one_to_fail():
    from datetime import date

    from pipeline.demo.places import Domain, MxHost, PolicyVersion
    from pipeline.demo.planted_incidents import PlantedIncident
    from pipeline.demo.spec import Spec

    day = date(2026, 9, 10)
    hosts = (MxHost("mx1.example.com", ("203.0.113.1",)), MxHost("mx2.example.com", ("203.0.113.2",)))
    policy = PolicyVersion(day - timedelta(days=99), "testing", ("mx1.example.com",), 86_400, "1")
    domain = Domain("example.com", hosts, (policy,), sessions_a_day=400)
    incident = PlantedIncident(
        "policy-stale", "example.com", day, day + timedelta(days=12), hosts=("mx2.example.com",), reporters=("google",), fault="sender"
    )
    world = World(
        Spec(seed=1, first_day=day - timedelta(days=5), last_day=day + timedelta(days=20), domains=(domain,), incidents=(incident,))
    )
    (truth,) = true_incidents(world)
    assert (truth.reporters, truth.fault, truth.first_day, truth.last_day) == (("google",), "sender", day, day + timedelta(days=12))
    # The others fetched the new policy, which names the new host, on the day itself.
    assert world.domain("example.com").published(day).covers("mx2.example.com")


@pytest.mark.parametrize("seed", range(6))
def test_a_stale_policy_is_applied_no_longer_than_its_max_age(seed):
    world = calm(seed, "policy-stale")
    (truth,) = true_incidents(world)
    max_age = max(policy.max_age_days for policy in world.domain(truth.domain).policies)
    assert (truth.last_day - truth.incident.first_day).days <= max_age
    assert truth.fault == "ours"


def test_mixed_worlds_have_every_cause_and_every_fault():
    planted = [incident for seed in range(60) for incident in random_world(seed).spec.incidents]
    assert {incident.cause for incident in planted} == set(CAUSES)
    assert {incident.fault for incident in planted} == {"ours", "sender", "path"}
    assert {incident.last_day is None for incident in planted} == {True, False}
