"""Which rows are the same sessions depends on the sender: counted by what it does in all its reports (decision 0039)."""

from __future__ import annotations

import pytest

from pipeline.config import Settings
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings
from tests.kept import engines_kept
from tests.query.small_lake import detail, policy, report, rows, verdict
from tests.report_mails import mail_of

OURS = DomainSettings(own=("example.org", "example.net"), mx=("mx1.example.org",))
SUMS = "select sum(sessions) as sessions, sum(authenticated) as good, sum(failed) as bad, sum(unprotected) as bare from sessions"


class Told:
    """Collects the mails of a lake."""

    def __init__(self, where, own=OURS):
        self.where, self.own = where, own
        self.mails = []

    def tell(self, reporter, day, *policies, about="example.org"):
        number = len(self.mails) + 1
        signed = verdict(reporter, "verified")._replace(dkim_signed_headers=("tls-report-domain",))
        document = report(number, f"2026-05-{day:02}", reporter, *policies)
        self.mails.append(rows(number, mail_of(document, domain=about, reporter=reporter), signed, own=self.own))
        return self

    def sums(self, *, domains=OURS, where="true"):
        if not self.where.exists():
            with LakeWriter(self.where, run_id="run") as writer:
                writer.commit(self.mails)
        with open_lake(self.where, settings=Settings(domains=domains)) as lake:
            return tuple(lake.sql(f"{SUMS} where {where}").to_pylist()[0].values())

    def asked(self, name, *, domains=OURS, **parameters):
        with open_lake(self.where, settings=Settings(domains=domains)) as lake:
            return lake.ask(name, since="2026-05-01", until="2026-05-31", as_of="2026-06-10", **parameters)


@pytest.fixture
def told(tmp_path):
    with engines_kept():
        yield Told(tmp_path / "lake")


def test_a_sender_that_reports_each_session_under_one_policy_is_summed(told):
    for day in range(1, 13):
        told.tell(
            "postfix.example",
            day,
            policy("sts", "example.org", 20, 20, detail("certificate-expired", 20)),
            policy("tlsa", "example.org", 30),
        )
    assert told.sums() == (70 * 12, 50 * 12, 20 * 12, 0)
    assert [tuple(row.values()) for row in told.asked("failures_by_result_type").select(["result_type", "mentions"]).to_pylist()] == [
        ("certificate-expired", 240)
    ]


def test_a_sender_that_failed_both_ways_is_summed_in_incidents_as_in_sessions(told):
    both = (
        policy("sts", "example.org", 20, 20, detail("certificate-expired", 20, "mx1.example.org")),
        policy("tlsa", "example.org", 20, 10, detail("certificate-expired", 10, "mx1.example.org")),
    )
    for day in range(1, 13):
        told.tell("postfix.example", day, *both)
    assert told.sums() == (70 * 12, 40 * 12, 30 * 12, 0)
    cube = told.asked("insight_failures").to_pylist()
    assert {row["apart"] for row in cube} == {1}
    assert sum(row["mentions"] for row in cube) == 30 * 12


@pytest.mark.parametrize(("reporter", "days"), [("microsoft.com", 1), ("checks-both.example", 12)])
def test_a_sender_that_checks_both_is_counted_once_and_has_failed_where_either_failed(told, reporter, days):
    for day in range(1, days + 1):
        told.tell(reporter, day, policy("sts", "example.org", 30, 0), policy("tlsa", "example.org", 10, 20, detail("tlsa-invalid", 20)))
    assert told.sums() == (30 * days, 10 * days, 20 * days, 0)


def test_of_a_sender_nothing_is_known_of_the_larger_counts_are_taken(told):
    told.tell("new.example", 1, policy("sts", "example.org", 20, 20), policy("tlsa", "example.org", 30))
    assert told.sums() == (40, 20, 20, 0)


def test_the_rule_of_a_sender_is_the_same_for_every_period_and_shown(told):
    for day in range(1, 13):
        told.tell("postfix.example", day, policy("sts", "example.org", 20), policy("tlsa", "example.org", 30))
    assert told.sums() == (50 * 12, 50 * 12, 0, 0)
    assert told.sums(where="report_day = '2026-05-03'") == (50, 50, 0, 0)
    with open_lake(told.where, settings=Settings(domains=OURS)) as lake:
        assert [tuple(row.values()) for row in lake.sql("select * from submitters").to_pylist()] == [("postfix.example", 12, 0, "apart")]


def test_a_few_small_reports_prove_nothing(told):
    for day in range(1, 13):
        told.tell("small.example", day, policy("sts", "example.org", 2), policy("tlsa", "example.org", 3))
    assert told.sums() == (3 * 12, 3 * 12, 0, 0)


def test_sessions_without_a_policy_are_not_among_those_under_dane_where_these_are_more(told):
    told.tell("microsoft.com", 1, policy("no-policy-found", "example.org", 40), policy("tlsa", "example.org", 60))
    assert told.sums() == (100, 60, 0, 40)


ONE = DomainSettings(own=("example.org",), mx=("mx1.example.org",))


@pytest.mark.parametrize("domain", ["example.org"])
def test_with_one_domain_of_ours_a_report_about_the_host_is_about_that_domain_and_adds_nothing(tmp_path, domain):
    told = Told(tmp_path / "lake", own=ONE)
    told.tell("mox.example", 1, policy("sts", domain, 7))
    told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 6, 1), about="mx1.example.org")
    assert told.sums(domains=ONE) == (7, 7, 0, 0)


@pytest.mark.parametrize("domains", [OURS, DomainSettings()], ids=["configured", "every-domain-is-ours"])
class TestReportsAboutAnMxHost:
    def test_a_session_told_at_the_domain_and_at_the_host_counts_once(self, told, domains):
        told.tell("mox.example", 1, policy("sts", "example.org", 7))
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 7), about="mx1.example.org")
        assert told.sums(domains=domains) == (7, 7, 0, 0)
        with open_lake(told.where, settings=Settings(domains=domains)) as lake:
            at_host = lake.sql(
                "select report_domain, sessions, told_at_host, tlsa_success from sessions where told_at_host > 0"
            ).to_pylist()
        assert [tuple(row.values()) for row in at_host] == [("mx1.example.org", 0, 7, 7)]

    def test_where_dane_was_met_for_all_the_sessions_are_authenticated(self, told, domains):
        told.tell("mox.example", 1, policy("no-policy-found", "example.org", 7))
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 7), about="mx1.example.org")
        assert told.sums(domains=domains) == (7, 7, 0, 0)

    def test_where_the_sums_differ_or_some_failed_they_stay_as_reported(self, told, domains):
        told.tell("mox.example", 1, policy("no-policy-found", "example.org", 7))
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 5), about="mx1.example.org")
        told.tell("mox.example", 2, policy("no-policy-found", "example.org", 7))
        told.tell("mox.example", 2, policy("tlsa", "mx1.example.org", 5, 2), about="mx1.example.org")
        assert told.sums(domains=domains) == (14, 0, 0, 14)

    def test_one_host_of_many_domains(self, told, domains):
        told.tell("mox.example", 1, policy("no-policy-found", "example.org", 4))
        told.tell("mox.example", 1, policy("no-policy-found", "example.net", 3))
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 7), about="mx1.example.org")
        assert told.sums(domains=domains) == (7, 7, 0, 0)

    def test_one_host_that_another_sender_names(self, told, domains):
        told.tell("mox.example", 1, policy("no-policy-found", "example.net", 7), about="example.net")
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 7), about="mx1.example.org")
        told.tell("postfix.example", 1, policy("tlsa", "mx1.example.org", 5), about="example.net")
        told.tell("postfix.example", 1, policy("sts", "example.org", 5))
        assert told.sums(domains=domains) == (17, 17, 0, 0)

    def test_a_report_about_the_host_that_names_the_domain(self, told, domains):
        told.tell("mox.example", 1, policy("sts", "example.org", 7), policy("tlsa", "mx1.example.org", 7))
        at_host = policy("tlsa", "example.org", 7)
        at_host["policy"]["mx-host"] = ["mx1.example.org"]
        told.tell("mox.example", 1, at_host, about="mx1.example.org")
        assert told.sums(domains=domains) == (7, 7, 0, 0)

    def test_both_in_one_report(self, told, domains):
        told.tell("mox.example", 1, policy("no-policy-found", "example.org", 7), policy("tlsa", "mx1.example.org", 7))
        assert told.sums(domains=domains) == (7, 7, 0, 0)

    def test_a_host_that_nobody_reports_the_domain_of_counts(self, told, domains):
        told.tell("mox.example", 1, policy("tlsa", "mx1.example.org", 7), about="mx1.example.org")
        told.tell("other.example", 1, policy("sts", "example.org", 5))
        assert told.sums(domains=domains) == (12, 12, 0, 0)


def test_a_domain_that_only_dane_protects_is_no_host(told):
    told.tell("microsoft.com", 1, policy("tlsa", "example.net", 7), about="example.net")
    told.tell("microsoft.com", 1, policy("sts", "example.org", 5))
    assert told.sums() == (12, 12, 0, 0)


@pytest.mark.parametrize("beside", [(), (policy("tlsa", "mx1.example.org", 5),)], ids=["mta-sts", "both"])
@pytest.mark.parametrize("host", ["mx1.example.net", "mx1.example.org"])
def test_what_a_sender_tells_of_a_domain_with_dane_alone_counts_beside_its_other_domains(told, host, beside):
    """tlsrpt-reporter names the MX host in the policy and the domain around the report: it reports on no host."""
    for day in range(1, 13):
        told.tell("postfix.example", day, policy("sts", "example.org", 30), *beside)
        told.tell("postfix.example", day, policy("tlsa", host, 50, 10), about="example.net")
    where = "report_day = '2026-05-01' and report_domain = 'example.net'"
    assert told.sums(where=where) == (60, 50, 10, 0)


def test_a_sender_that_tells_each_session_once_has_not_told_those_at_a_host_elsewhere(told):
    for day in range(1, 13):
        told.tell("postfix.example", day, policy("sts", "example.org", 30), policy("tlsa", "mx1.example.org", 20))
        told.tell("postfix.example", day, policy("tlsa", "mx1.example.org", 10), about="mx1.example.org")
    assert told.sums() == (60 * 12, 60 * 12, 0, 0)
