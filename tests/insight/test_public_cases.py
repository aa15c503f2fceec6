"""Situations out of public forums, written anew: what a postmaster asked there is answered here."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.report.read import read_file
from pipeline.report.sts_policy import mx_matches, parse_policy
from tests.insight.asking import incidents, only, verdict
from tests.insight.book import DOMAIN, GOOGLE, MAILRU, MICROSOFT, MX1, Book, Fail, day, sts, tlsa
from tests.report_mails import document

LAST = 42
OF_A_WEEK = ("version: STSv1", "mode: testing", f"mx: {MX1}", "max_age: 604800")
OF_A_DAY = (*OF_A_WEEK[:-1], "max_age: 86400")


def test_one_sender_of_two_cannot_fetch_the_policy_and_it_is_the_senders():
    book = Book().every_day(GOOGLE, 0, LAST, sts(6, lines=OF_A_DAY)).every_day(MICROSOFT, 0, 24, sts(9, lines=OF_A_DAY))
    book.every_day(MICROSOFT, 25, LAST, sts(0, Fail("sts-policy-fetch-error", 2, None), lines=()))
    found = only(book, LAST)
    assert (found.cause, found.fault, found.first_day, found.reporters) == ("policy-unreachable", "sender", day(25), (MICROSOFT,))
    assert "curl" in found.fix or any("curl" in command for command in found.commands)


def test_a_policy_that_names_the_domain_and_not_its_mx_host_is_ours():
    lines = ("version: STSv1", "mode: testing", f"mx: {DOMAIN}", "max_age: 604800")
    book = Book()
    book.every_day(
        MICROSOFT,
        0,
        LAST,
        sts(
            0,
            Fail("validation-failure", 1, None, reason="MX_HOSTS_MISMATCH"),
            Fail("validation-failure", 1, MX1, reason="VALIDATION_FAILURE"),
            lines=lines,
        ),
    )
    book.every_day(GOOGLE, 0, LAST, sts(0, Fail("validation-failure", 3, MX1), lines=lines))
    found = only(book, LAST)
    assert (found.cause, found.fault, found.first_day) == ("mx-not-in-policy", "ours", day(0))
    assert {GOOGLE, MICROSOFT} == set(found.reporters)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("STARTTLS handshake failed: certificate has expired", "mx-certificate-expired"),
        ("STARTTLS=client, relay=mx1.example.org., version=TLSv1.3, verify=FAIL", "validation-failure"),
    ],
)
def test_the_word_starttls_in_a_reason_is_no_missing_starttls(reason, cause):
    book = Book().every_day(GOOGLE, 0, LAST, sts(40, lines=OF_A_WEEK)).every_day(MAILRU, 0, 19, sts(15, lines=OF_A_WEEK))
    book.every_day(MAILRU, 20, LAST, sts(1, Fail("validation-failure", 14, MX1, reason=reason), lines=OF_A_WEEK))
    found = only(book, LAST)
    assert "starttls" not in found.cause
    assert cause in ("validation-failure", found.cause)


def test_one_sender_alone_says_dnssec_invalid_where_nobody_else_checks_dane():
    book = Book().every_day(GOOGLE, 0, LAST, sts(40, lines=OF_A_WEEK)).every_day(MICROSOFT, 0, 19, sts(34, lines=OF_A_WEEK))
    book.every_day(MICROSOFT, 20, LAST, sts(30, lines=OF_A_WEEK), tlsa(0, Fail("dnssec-invalid", 4, None), host=None))
    found = only(book, LAST)
    assert (found.cause, found.first_day, found.reporters) == ("dnssec-broken", day(20), (MICROSOFT,))


def test_one_failure_a_day_without_a_reason_of_one_sender_of_two_is_not_ours():
    book = Book().every_day(MICROSOFT, 0, LAST, sts(40, lines=OF_A_WEEK))
    book.every_day(GOOGLE, 0, LAST, sts(39, Fail("validation-failure", 1, MX1), lines=OF_A_WEEK))
    assert [one for one in incidents(book, LAST) if one.fault == "ours"] == []
    assert verdict(book, LAST).would_refuse == 28


def test_names_in_capitals_are_the_same_names():
    """Momentum writes host, policy and domain as they were typed; the reader makes one name of them before a row is written."""
    report = document(4)
    report["policies"][0]["policy"] |= {
        "policy-domain": "Example.org",
        "policy-string": ["version: STSv1", "mode: enforce", "mx: Mail.Example.ORG", "max_age: 604800"],
    }
    report["policies"][0]["failure-details"] = [
        {"result-type": "certificate-host-mismatch", "receiving-mx-hostname": "MAIL.example.org", "failed-session-count": 3}
    ]
    (part,) = read_file(json.dumps(report).encode(), name="r.json", received_at=datetime(2026, 3, 12, tzinfo=UTC)).parts
    (policy,) = part.result.policies
    assert (policy.policy_domain, policy.failures[0].receiving_mx_hostname) == ("example.org", "mail.example.org")
    (pattern,) = parse_policy(policy.policy_strings).mx
    assert mx_matches(pattern, "MAIL.example.org")
