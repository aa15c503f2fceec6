"""Each reporter writes as its software does: members left out, odd types, ids, ends of day, words."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta

import pytest

from pipeline.demo.manners import MANNERS
from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import PlantedIncident
from pipeline.demo.simulated_reporters import REPORTERS
from pipeline.demo.spec import Spec
from pipeline.demo.wording import WORDS
from pipeline.demo.world import World

DAY = date(2026, 9, 10)
PLAIN = MxHost("mx1.example.com", ("203.0.113.10",))
DANE = PLAIN._replace(dane=True)
POLICY = PolicyVersion(DAY - timedelta(days=90), "testing", ("mx1.example.com",), 604_800, "1")


def reports(reporter, *, host=PLAIN, policies=(POLICY,), cause=None, **incident):
    domain = Domain("example.com", (host,), policies, sessions_a_day=2000)
    incidents = (PlantedIncident(cause, "example.com", DAY, None, **incident),) if cause else ()
    hosts = tuple(MxHost(name, ("203.0.113.99",)) for name in incident.get("hosts", ()) if name != host.name)
    domain = domain._replace(hosts=(host, *hosts))
    world = World(Spec(seed=3, first_day=DAY, last_day=DAY + timedelta(days=1), domains=(domain,), incidents=incidents, stray_rate=0.0))
    return [report.document for report in world.reports() if report.reporter == reporter]


def details(document):
    return [d for p in document["policies"] for d in p.get("failure-details") or p.get("failure_details") or ()]


def rows(document, kind):
    return [policy for policy in document["policies"] if policy["policy"]["policy-type"] == kind]


def words(reporter, cause, **incident):
    return {
        (detail["result-type"], detail.get("failure-reason-code", ""))
        for document in reports(reporter, cause=cause, **incident)
        for detail in details(document)
    }


def test_google():
    clean = reports("google")[0]
    assert clean["organization-name"] == "Google Inc."
    assert clean["report-id"] == "2026-09-10T00:00:00Z_example.com"
    assert clean["date-range"] == {"start-datetime": "2026-09-10T00:00:00Z", "end-datetime": "2026-09-10T23:59:59Z"}
    assert "failure-details" not in clean["policies"][0]
    assert clean["policies"][0]["policy"]["mx-host"] == ["mx1.example.com"]
    failed = details(reports("google", cause="mx-certificate-expired")[0])
    assert all("failure-reason-code" not in detail and "receiving-mx-helo" not in detail for detail in failed)
    assert all(detail["sending-mta-ip"] == "" for detail in details(reports("google", cause="policy-unreachable")[0]))
    assert rows(reports("google", host=DANE)[0], "tlsa") == []


def test_microsoft():
    document = reports("microsoft", host=DANE)[0]
    (sts,), (tlsa,) = rows(document, "sts"), rows(document, "tlsa")
    assert sts["summary"] == tlsa["summary"]
    assert tlsa["policy"]["policy-domain"] == "example.com"
    (text,) = tlsa["policy"]["policy-string"]
    assert json.loads(text) == [DANE.tlsa().upper()]
    assert not any("mx-host" in policy["policy"] or "failure-details" in policy for policy in document["policies"])
    ticks, _, domain = document["report-id"].partition("+")
    assert len(ticks) == 18
    assert domain == "example.com"
    (without,) = reports("microsoft", policies=())[0]["policies"]
    assert without["policy"] == {"policy-type": "no-policy-found", "policy-domain": "example.com"}
    failed = [d for document in reports("microsoft", cause="policy-unreachable") for d in details(document)]
    assert all(set(detail) == {"result-type", "failed-session-count"} for detail in failed)


def test_microsoft_names_the_host_outside_the_policy_only_sometimes():
    found = words("microsoft", "mx-not-in-policy", hosts=("mx9.example.com",))
    assert found <= {("validation-failure", "MX_HOSTS_MISMATCH"), ("validation-failure", "VALIDATION_FAILURE")}
    assert ("validation-failure", "MX_HOSTS_MISMATCH") in found
    for document in reports("microsoft", cause="mx-not-in-policy", hosts=("mx9.example.com",)):
        for detail in details(document):
            assert ("receiving-mx-hostname" in detail) == (detail["failure-reason-code"] == "VALIDATION_FAILURE")


def test_mailru():
    document = reports("mailru")[0]
    assert list(document) == sorted(document)
    assert document["date-range"]["end-datetime"] == "2026-09-11T00:00:00Z"
    assert document["contact-info"] == "tls_support@corp.mail.ru"
    assert document["report-id"].endswith("@mail.ru")
    uuid.UUID(document["report-id"].partition("@")[0])
    policies = (POLICY._replace(max_age_seconds=86_400),)
    failed = reports("mailru", cause="policy-unreachable", policies=policies)[1]
    assert {d["failure-reason-code"] for d in details(failed)} == {"bad https response code: 404", "bad https response code: 500"}
    (row,) = failed["policies"]
    assert sum(d["failed-session-count"] for d in details(failed)) > row["summary"]["total-failure-session-count"]
    assert "policy-string" not in row["policy"]


def test_fastmail():
    document = reports("fastmail")[0]
    (policy,) = document["policies"]
    assert policy["policy"]["mx-host"] == "mx1.example.com"
    assert policy["failure_details"] == []
    assert "failure-details" not in policy
    (without,) = reports("fastmail", policies=())[0]["policies"]
    assert without["policy"]["mx-host"] == ""
    assert without["policy"]["policy-string"] == []


def test_postfix():
    document = reports("campus")[0]
    assert document["report-id"] == "2026-09-10T00:00:00Z_idx1_example.com"
    assert document["policies"][0]["failure-details"] == []
    (without,) = reports("campus", policies=())[0]["policies"]
    assert without["policy"] == {"policy-type": "no-policy-found"}
    (tlsa,) = reports("campus", host=DANE)[0]["policies"]
    assert tlsa["policy"]["policy-domain"] == "mx1.example.com"
    assert words("campus", "mx-certificate-expired") == {("certificate-expired", "certificate_has_expired")}
    assert words("campus", "mx-certificate-untrusted", variant="self-signed") == {("validation-failure", "self-signed_certificate")}
    assert words("campus", "tlsa-mismatch", host=DANE) == {("validation-failure", "no_matching_DANE_TLSA_records")}
    helo = details(reports("campus", cause="mx-certificate-expired")[0])[0]["receiving-mx-helo"]
    assert helo.startswith("mx1.example.com\r\n")
    assert "STARTTLS" in helo
    assert "STARTTLS" not in details(reports("campus", cause="starttls-missing")[0])[0]["receiving-mx-helo"]


def test_stalwart():
    document = reports("studio")[0]
    assert document["contact-info"] is None
    assert document["date-range"]["end-datetime"] == "2026-09-11T00:00:00Z"
    assert [line.partition(":")[0] for line in document["policies"][0]["policy"]["policy-string"]] == ["version", "mode", "max_age", "mx"]
    assert document["report-id"].partition("_")[0] == "1788998400"
    (tlsa,) = reports("studio", host=DANE)[0]["policies"]
    assert tlsa["policy"]["policy-domain"] == "example.com"
    assert words("studio", "mx-certificate-expired") == {("certificate-not-trusted", "invalid peer certificate: Expired")}
    assert all("sending-mta-ip" not in detail for detail in details(reports("studio", cause="mx-certificate-expired")[0]))


def test_mox():
    document = reports("garden", host=DANE)[0]
    (sts,), (tlsa,) = rows(document, "sts"), rows(document, "tlsa")
    assert tlsa["policy"]["policy-domain"] == "mx1.example.com"
    assert sts["failure-details"] is None
    assert tlsa["policy"]["mx-host"] is None
    assert document["contact-info"] == "postmaster@garden.example"
    assert document["report-id"] == "20260910.example.com@garden.example"
    failed = details(reports("garden", cause="mx-certificate-expired")[0])[0]
    assert failed["additional-information"] == failed["failure-reason-code"] == ""
    assert words("garden", "mx-not-in-policy", hosts=("mx9.example.com",)) == {("validation-failure", "mtasts-policy-mx-mismatch")}
    assert words("garden", "tlsa-mismatch", host=DANE) == {("validation-failure", "dane-no-match")}


def test_halon():
    (without,) = reports("parcel", policies=())[0]["policies"]
    assert without["policy"]["policy-string"] == ""
    failed = details(reports("parcel", cause="mx-certificate-expired")[0])
    assert all("sending-mta-ip" not in detail and "failure-reason-code" not in detail for detail in failed)
    uuid.UUID(reports("parcel")[0]["report-id"])


def test_halon_gives_all_domains_of_a_run_one_id():
    domains = tuple(Domain(name, (PLAIN,), (POLICY,), sessions_a_day=500) for name in ("example.com", "example.net"))
    world = World(Spec(seed=3, first_day=DAY, last_day=DAY, domains=domains, stray_rate=0.0))
    ids = [r.document["report-id"] for r in world.reports() if r.reporter == "parcel"]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_who_does_dane_first_reports_no_sts_beside_it_and_who_does_both_reports_both():
    kinds = {r.key: {p["policy"]["policy-type"] for p in reports(r.key, host=DANE)[0]["policies"]} for r in REPORTERS}
    assert kinds["microsoft"] == kinds["garden"] == {"sts", "tlsa"}
    assert kinds["campus"] == kinds["studio"] == kinds["parcel"] == {"tlsa"}
    assert kinds["google"] == kinds["mailru"] == kinds["fastmail"] == {"sts"}


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda reporter: reporter.key)
def test_every_manner_has_words_for_every_kind_of_failure(reporter):
    assert set(WORDS["google"]) <= set(WORDS[reporter.manner])
    assert reporter.manner in MANNERS


@pytest.mark.parametrize("reporter", [r.key for r in REPORTERS])
def test_a_sender_that_enforces_reports_just_the_same(reporter):
    enforce = (POLICY._replace(mode="enforce"),)
    assert words(reporter, "mx-certificate-name", policies=enforce) == words(reporter, "mx-certificate-name")


def test_details_may_add_up_to_more_than_the_sessions_that_failed():
    domain = Domain("example.com", (PLAIN,), (POLICY,), sessions_a_day=1000)
    hosts = (PLAIN, MxHost("mx9.example.com", ("203.0.113.99",)))
    incidents = (
        PlantedIncident("mx-not-in-policy", "example.com", DAY, None, hosts=("mx9.example.com",)),
        PlantedIncident("mx-certificate-name", "example.com", DAY, None, hosts=("mx9.example.com",)),
    )
    world = World(Spec(seed=3, first_day=DAY, last_day=DAY, domains=(domain._replace(hosts=hosts),), incidents=incidents, stray_rate=0.0))
    google = next(r.document for r in world.reports() if r.reporter == "google")
    (policy,) = google["policies"]
    assert sum(d["failed-session-count"] for d in details(google)) == 2 * policy["summary"]["total-failure-session-count"] > 0
