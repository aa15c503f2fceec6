"""The answers of the small lake, computed by hand from the table at the top of `small_lake`."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.config import Settings
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.query.small_lake import OURS, PERIOD


def day(number: int, month: int = 5) -> date:
    return date(2026, month, number)


def columns(answer, *names):
    return list(zip(*(answer.column(name).to_pylist() for name in names), strict=True))


def test_sessions_by_day(lake):
    answer = lake.ask("sessions_by_day", **PERIOD)
    assert columns(answer, "report_day", "sessions", "authenticated", "failed", "unprotected", "reporters", "incomplete") == [
        (day(30, 4), 11, 4, 1, 6, 1, False),
        (day(1), 142, 140, 2, 0, 2, False),  # 100 of Google, 42 of Microsoft, once
        (day(2), 146, 100, 16, 30, 3, False),  # 90 + 5 + 5 good, 10 + 1 + 5 bad, 30 without a policy
        (day(3), 51, 51, 0, 0, 1, False),  # the conflict counts once, the forged reports do not
        (day(4), 7, 7, 0, 0, 1, False),  # example.edu on our MX host
        (day(9), 11, 10, 1, 0, 1, True),
    ]
    assert answer.column("success_rate").to_pylist()[1] == pytest.approx(140 / 142)


def test_microsofts_sessions_count_once_and_show_under_both_types(lake):
    answer = lake.ask("sessions_by_day_and_policy_type", **PERIOD)
    assert columns(answer.slice(2, 2), "report_day", "policy_type", "sessions", "failed") == [
        (day(1), "sts", 142, 2),
        (day(1), "tlsa", 42, 2),
    ]
    found = lake.sql(
        "select counted_type, sessions, authenticated, failed, sts_success, tlsa_success, tlsa_failure from sessions "
        "where submitter_domain = 'microsoft.com' order by report_day"
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("sts", 42, 40, 2, 40, 40, 2),  # a tie: sts
        ("tlsa", 6, 5, 1, 3, 5, 1),  # 6 of two MX hosts are more than 3
        ("tlsa", 7, 7, 0, 0, 7, 0),  # the sts row of example.edu is not ours
    ]


def test_sessions_have_one_row_per_report_and_domain_and_the_sums_of_their_parts(lake):
    totals = "select sum(sessions), sum(authenticated), sum(failed), sum(unprotected), sum(sts_success), sum(tlsa_failure) from "
    both = [list(lake.sql(totals + view).to_pylist()[0].values()) for view in ("sessions", "session_parts")]
    assert both[0] == both[1]
    assert lake.sql("select count(*) as n from sessions group by report_key, report_domain having n > 1").num_rows == 0
    assert lake.sql("select 1 from sessions where sessions <> authenticated + failed + unprotected").num_rows == 0


def test_sessions_by_domain_and_reporter(lake):
    assert columns(lake.ask("sessions_by_domain", **PERIOD), "report_domain", "sessions", "authenticated", "failed", "unprotected") == [
        ("example.org", 325, 300, 19, 6),
        ("example.net", 36, 5, 1, 30),
        ("example.edu", 7, 7, 0, 0),
    ]
    answer = lake.ask("sessions_by_reporter", **PERIOD)
    assert columns(answer, "submitter_domain", "sessions", "domains", "days", "trust_tiers") == [
        ("google.com", 292, 2, 4, ["verified"]),
        ("microsoft.com", 55, 3, 3, ["verified"]),
        ("mail.ru", 11, 1, 1, ["verified"]),
        ("postfix.example", 10, 1, 1, ["attested"]),
    ]


def test_the_success_rate(lake):
    row = lake.ask("success_rate", **PERIOD).to_pylist()[0]
    assert (row["sessions"], row["authenticated"], row["failed"], row["unprotected"]) == (368, 312, 20, 36)
    assert row["success_rate"] == pytest.approx(312 / 368)
    # sts: 4 + 100 + 40 + 90 + 3 + 51 + 10 good, 1 + 2 + 10 + 1 bad; tlsa: 40 + 5 + 5 + 7 good, 2 + 1 + 5 bad
    assert row["sts_success_rate"] == pytest.approx(298 / 312)
    assert row["tlsa_success_rate"] == pytest.approx(57 / 65)
    assert (row["domains"], row["reporters"], row["days"], row["complete_days"]) == (3, 4, 6, 5)


def test_a_domain_and_a_tier_narrow_every_question(lake):
    one = lake.ask("success_rate", domain="example.net", **PERIOD).to_pylist()[0]
    assert (one["sessions"], one["authenticated"]) == (36, 5)
    attested = lake.ask("success_rate", tiers=["attested"], **PERIOD).to_pylist()[0]
    assert (attested["sessions"], attested["failed"]) == (10, 5)
    assert lake.ask("success_rate", tiers=["unverified"], **PERIOD).to_pylist()[0]["sessions"] == 0


def test_failures_by_result_type_take_a_failure_told_under_sts_and_tlsa_once(lake):
    answer = lake.ask("failures_by_result_type", **PERIOD)
    assert columns(answer, "result_type", "mentions", "mx_hosts", "reporters", "first_day", "last_day") == [
        ("certificate-expired", 9, 1, 2, day(1), day(2)),  # 2 of Microsoft, not 4
        ("validation-failure", 7, 1, 3, day(30, 4), day(9)),
        ("starttls-not-supported", 3, 1, 1, day(2), day(2)),
        ("sts-policy-fetch-error", 1, 0, 1, day(30, 4), day(30, 4)),
        ("tlsa-invalid", 1, 1, 1, day(2), day(2)),
    ]


def test_failures_by_day_host_address_network_reason_and_flow(lake):
    by_day = lake.ask("failures_by_day_and_result_type", **PERIOD)
    assert (day(9), "validation-failure", 1, True) in columns(by_day, "report_day", "result_type", "mentions", "incomplete")
    assert columns(lake.ask("failures_by_mx", **PERIOD), "receiving_mx_hostname", "result_type", "mentions")[:3] == [
        ("mx1.example.org", "certificate-expired", 9),
        ("mx1.example.org", "validation-failure", 5),
        ("mx2.example.org", "starttls-not-supported", 3),
    ]
    addresses = columns(lake.ask("failures_by_address", **PERIOD), "receiving_mx_hostname", "receiving_ip", "mentions")
    assert ("mx1.example.org", "192.0.2.1", 7) in addresses
    assert ("mx1.example.org", None, 2) in addresses
    networks = columns(lake.ask("failures_by_sending_network", **PERIOD), "sending_network", "result_type", "mentions")
    assert ("198.51.100.0/24", "certificate-expired", 7) in networks
    assert ("2001:db8:1::/48", "certificate-expired", 2) in networks
    reasons = columns(lake.ask("failures_by_reason", **PERIOD), "result_type", "failure_reason_code", "mentions")
    assert ("validation-failure", "self-signed_certificate", 5) in reasons
    flows = columns(
        lake.ask("failures_by_reporter_and_mx", **PERIOD), "submitter_domain", "receiving_mx_hostname", "result_type", "mentions"
    )
    assert ("microsoft.com", "mx1.example.org", "certificate-expired", 2) in flows


def test_worst_domains_come_first_and_name_what_fails_most(lake):
    answer = lake.ask("worst_domains", **PERIOD)
    assert columns(answer, "report_domain", "failed", "leading_result_type", "last_failed_day", "reporters_failing") == [
        ("example.org", 19, "certificate-expired", day(9), 4),
        ("example.net", 1, "tlsa-invalid", day(2), 1),
    ]
    assert lake.ask("worst_domains", at_most=1, **PERIOD).num_rows == 1


def test_the_fleet_has_the_domain_without_authenticated_sessions_first_and_knows_what_each_publishes(lake):
    answer = lake.ask("fleet", own=["silent.example"], **PERIOD)
    rows = {row["report_domain"]: row for row in answer.to_pylist()}
    rates = [row["success_rate"] for row in answer.to_pylist()]
    assert 0 not in rates[1:] or rates[0] == 0
    assert (rows["example.org"]["sts_mode"], rows["example.org"]["sts_max_age_seconds"]) == ("enforce", 604800)
    assert rows["example.org"]["last_day"] == day(9)
    assert (rows["silent.example"]["sessions"], rows["silent.example"]["success_rate"], rows["silent.example"]["last_day"]) == (
        0,
        None,
        None,
    )
    assert lake.ask("fleet", domain="example.net", **PERIOD).num_rows == 1


def test_policies_seen(lake):
    rows = {(row["report_domain"], row["policy_type"]): row for row in lake.ask("policies_seen", **PERIOD).to_pylist()}
    sts = rows["example.org", "sts"]
    assert (sts["sts_mode"], sts["sts_max_age_seconds"], sts["mx_patterns"]) == ("enforce", 604800, ["*.example.org"])
    assert (sts["first_day"], sts["last_day"], sts["reporters"]) == (day(30, 4), day(9), 3)
    assert sts["sessions"] == 5 + 100 + 42 + 100 + 51 + 11
    assert ("example.edu", "sts") not in rows


def test_who_reported_on_which_day(lake):
    days = columns(lake.ask("coverage_by_reporter_day", **PERIOD), "submitter_domain", "report_day", "domains", "sessions")
    assert ("google.com", day(2), 2, 130) in days
    assert ("google.com", day(3), 1, 51) in days


def test_domains_and_reporters_to_choose_from(lake):
    assert columns(lake.ask("domains_and_reporters", **PERIOD), "kind", "name") == [
        ("domain", "example.org"),
        ("domain", "example.net"),
        ("domain", "example.edu"),
        ("reporter", "google.com"),
        ("reporter", "microsoft.com"),
        ("reporter", "mail.ru"),
        ("reporter", "postfix.example"),
    ]


def test_quirks_by_reporter(lake):
    found = columns(lake.ask("quirks_by_reporter", **PERIOD), "submitter_domain", "quirk", "reports", "all_reports")
    assert ("mail.ru", "count_mismatch", 1, 1) in found
    assert ("postfix.example", None, 1, 1) in found
    assert ("microsoft.com", None, 3, 3) in found


def test_what_does_not_count_says_why(lake):
    assert sorted(columns(lake.ask("not_counted", **PERIOD), "submitter_domain", "trust_tier", "reason", "reports")) == [
        ("google.com", "unverified", "superseded", 1),
        ("google.com", "unverified", "tier", 1),
        ("google.com", "verified", "conflict", 1),
        ("google.com", "verified", "not_our_domain", 1),
    ]
    assert columns(lake.ask("not_proved"), "submitter_domain", "trust_tier", "dkim_result", "reports") == [
        ("google.com", "unverified", "no_key", 1)
    ]


def test_a_conflict_shows_all_contents_of_one_identity_and_which_one_counts(lake):
    rows = lake.ask("conflicts", **PERIOD).to_pylist()
    assert [(row["trust_tier"], row["report_id"], row["counted"]) for row in rows] == [
        ("verified", "r8", True),
        ("verified", "r8", False),
        ("unverified", "r8", False),
    ]
    rivals = lake.ask("report_rivals", report_key=rows[0]["report_key"]).to_pylist()
    assert [(row["superseded_by"], row["reason"]) for row in rivals] == [
        (None, None),
        (rows[0]["report_key"], "conflict"),
        (rows[0]["report_key"], "better_tier"),
    ]


def test_the_mail_and_what_became_of_it(lake):
    assert dict(columns(lake.ask("outcomes"), "outcome", "messages")) == {
        "stored": 13,
        "conflict": 2,
        "duplicate": 1,
        "quarantined": 1,
        "not_tlsrpt": 1,
    }
    assert dict(columns(lake.ask("table_rows"), "table_name", "row_count")) == {
        "failures": 9,
        "messages": 18,
        "policies": 20,
        "raw": 16,
        "reports": 15,
        "superseded": 2,
    }
    assert columns(lake.ask("mailboxes"), "account", "folder", "messages") == [("rua", "INBOX", 17), ("second", "INBOX", 1)]
    assert columns(lake.ask("tiers"), "trust_tier", "reports", "counted") == [
        ("verified", 11, 10),
        ("attested", 1, 1),
        ("unverified", 1, 0),
    ]
    run = lake.ask("ingest_runs").to_pylist()
    assert [(row["run_id"], row["messages"], row["stored"], row["duplicates"], row["quarantined"]) for row in run] == [
        ("run-1", 18, 13, 1, 1)
    ]
    health = lake.ask("ingest_health", since="2026-05-01", until="2026-05-12", as_of="2026-05-12")
    assert sum(health.column("messages").to_pylist()) == 18
    assert lake.ask("duplicates", since="2026-05-01", as_of="2026-05-12").column("account").to_pylist() == ["second"]
    assert lake.ask("extent").to_pylist()[0]["first_day"] == day(30, 4)


def test_rejects_are_quarantined_mail_and_not_letters(lake):
    rows = lake.ask("rejects", since="2026-05-01", as_of="2026-05-12").to_pylist()
    assert [(row["uid"], row["outcome"], row["from_domain"]) for row in rows] == [(16, "quarantined", "broken.example")]
    assert lake.ask("rejects", since="2026-05-01", as_of="2026-05-12", code="other").num_rows == 0
    assert lake.ask("rejects_by_code", since="2026-05-01", as_of="2026-05-12").column("messages").to_pylist() == [1]


def test_reports_are_found_by_domain_reporter_words_failure_and_whether_they_count(lake):
    def ids(**wish):
        return sorted(lake.ask("reports_found", **PERIOD, **wish).column("report_id").to_pylist())

    assert len(ids()) == 14  # all but the one after the as-of date
    assert ids(domain="example.net") == ["r5", "r6"]
    assert ids(reporter="mail.ru") == ["r1"]
    assert ids(words="R13") == ["r13"]
    assert ids(words="postf") == ["r7"]
    assert ids(result_type="starttls-not-supported") == ["r4"]
    assert ids(counted=False) == ["r11", "r12", "r8", "r8"]
    assert ids(failing=True, counted=True) == ["r1", "r14", "r3", "r4", "r6", "r7"]
    assert ids(tiers=["unverified"]) == ["r11", "r8"]
    assert ids(words="%") == []
    failing = lake.sql("select * from failures where result_type = 'starttls-not-supported'").to_pylist()[0]
    assert ids(host=failing["receiving_mx_hostname"] or "", result_type="starttls-not-supported") == ["r4"]
    assert ids(host="nowhere.example") == ids(address="192.0.2.99") == ids(network="192.0.2.0/24", quirk="no_such") == []
    named = lake.sql("select report_id, quirks from reports where len(quirks) > 0 order by all").to_pylist()[0]
    assert named["report_id"] in ids(quirk=named["quirks"][0])


def test_one_report_with_its_policies_failures_and_mails(lake):
    key = lake.ask("reports_found", **PERIOD, words="r6").column("report_key").to_pylist()[0]
    assert lake.ask("report_one", report_key=key).to_pylist()[0]["report_domains"] == ["example.net"]
    assert columns(lake.ask("report_policies", report_key=key), "policy_type", "repeats_sessions") == [
        ("sts", True),
        ("tlsa", False),
        ("tlsa", False),
    ]
    assert columns(lake.ask("report_failures", report_key=key), "policy_ix", "result_type", "counted") == [(2, "tlsa-invalid", True)]
    twice = lake.ask("reports_found", **PERIOD, words="r2").column("report_key").to_pylist()[0]
    assert lake.ask("report_messages", report_key=twice).column("account").to_pylist() == ["second", "rua"]  # by time
    assert lake.ask("report_messages", report_key=twice, since="2026-05-12", as_of="2026-05-12").num_rows == 2
    assert lake.ask("report_messages", report_key=twice, since="2026-05-13", as_of="2026-05-13").num_rows == 0


def test_days_after_the_day_of_asking_do_not_exist_yet(lake):
    later = lake.ask("sessions_by_day", since="2026-05-09", as_of="2026-05-12")
    assert columns(later, "report_day", "sessions", "incomplete") == [(day(9), 11, False), (day(11), 500, True)]
    assert lake.ask("sessions_by_day", since="2026-05-09", as_of="2026-05-13").column("incomplete").to_pylist() == [False, False]
    assert lake.ask("sessions_by_day", since="2026-05-09", until="2026-05-20", as_of="2026-05-10").num_rows == 1


def test_a_changed_configuration_changes_what_counts_without_touching_the_lake(lake_folder):
    def sessions(**settings):
        with open_lake(lake_folder, settings=Settings(**settings)) as opened:
            return opened.ask("success_rate", **PERIOD).to_pylist()[0]["sessions"]

    believed = TrustSettings(count=("verified", "attested", "vouched", "unverified"))
    assert sessions() == 368 + 1000  # every domain is ours; of example.edu the sts rows carry the sessions
    assert sessions(domains=OURS, trust=believed) == 368 + 777  # a better report of the same identity still stands above the other
    assert sessions(domains=OURS, trust=TrustSettings(count=("attested",))) == 10
    assert sessions(domains=DomainSettings(own=("example.net",))) == 36
    assert sessions(domains=DomainSettings(own=("net",))) == 0  # a name stands for itself, not for what is below it
    assert sessions(domains=DomainSettings(own=("example.org", "example.net"))) == 361  # without mx, example.edu is nobody's
    assert sessions(trust=TrustSettings(count=())) == 0


def test_reports_say_whether_they_count_as_their_policies_do(lake):
    odd = lake.sql(
        "from reports r join (select report_key, bool_or(counted) as any_counts from policies group by report_key) p using (report_key) "
        "where r.counted <> p.any_counts"
    )
    assert odd.num_rows == 0
