"""Whom verdicts may rest on, and how much a stranger may send in a day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.message.shipped_reporters import REPORTERS, is_known_reporter
from pipeline.message.verdict import Verdict
from pipeline.report.rows import Ownership, RunStamp
from pipeline.trust.quota import Quota
from pipeline.workers.reading_task import build_rows
from tests.trust.signing import fetched, reading, report_json, report_mail


def test_the_shipped_reporters_are_known():
    assert all(is_known_reporter(reporter.domain) for reporter in REPORTERS)
    assert {"google.com", "microsoft.com"} <= {reporter.domain for reporter in REPORTERS}


@pytest.mark.parametrize("domain", ["google.com.evil.example", "evilgoogle.com", "com", "gmail.com", "outlook.com", "", "reporter.example"])
def test_a_similar_name_is_not_known(domain):
    assert not is_known_reporter(domain)


def test_the_configuration_adds_reporters():
    assert is_known_reporter("reporter.example", ["Reporter.Example."])


@pytest.mark.parametrize("domain", ["mail.google.com", "mail.reporter.example", "example"])
def test_a_domain_below_or_above_a_known_one_is_a_reporter_of_its_own(domain):
    assert not is_known_reporter(domain, ["Reporter.Example."])


def _message(verdict, sender="x@stranger.example"):
    mail = fetched(report_mail(report_json(contact=sender), sender=sender))
    stamp = RunStamp("run", datetime(2026, 5, 14, tzinfo=UTC), "0")
    return build_rows(fetched=mail, reading=reading(mail.content), verdicts=(verdict,), own=Ownership(), run=stamp).message


def _verified(domain):
    return _message(Verdict("verified", "dkim", dkim_result="pass", dkim_domain=domain, authenticated_domain=domain))


UNVERIFIED = Verdict("unverified", "none", dkim_result="none")


def test_a_stranger_gets_his_share_of_the_day_and_no_more():
    quota = Quota(3).having({"stranger.example": 1})
    assert [quota.admits(_verified("mail.stranger.example")) for _ in range(4)] == [True, True, False, False]
    assert quota.admits(_verified("other.example"))


def test_a_known_reporter_has_no_limit():
    quota = Quota(1, reporters=["reporter.example"])
    assert all(quota.admits(_verified(domain)) for domain in ["google.com", "reporter.example"] * 5)


def test_mail_that_somebody_vouches_for_has_no_limit():
    quota = Quota(1)
    assert all(quota.admits(_message(Verdict("vouched", "operator"))) for _ in range(5))


def test_a_claimed_name_does_not_use_up_the_share_of_its_owner():
    quota = Quota(2)
    forged = [quota.admits(_message(UNVERIFIED, "x@google.com")) for _ in range(4)]
    stranger = [quota.admits(_message(UNVERIFIED)) for _ in range(4)]
    assert forged == stranger == [True, True, False, False]
    assert quota.admits(_verified("stranger.example"))
    assert quota.admits(_verified("google.com"))


def test_a_new_name_in_every_mail_does_not_help():
    quota = Quota(2)
    admitted = sum(quota.admits(_message(UNVERIFIED, f"x@s{number}.example")) for number in range(60))
    assert admitted == 20
    again = Quota(2).having({f"?s{number}.example": 1 for number in range(19)})
    assert [again.admits(_message(UNVERIFIED, f"x@t{number}.example")) for number in range(2)] == [True, False]


def test_a_limit_of_zero_is_none():
    quota = Quota(0)
    assert all(quota.admits(_message(UNVERIFIED)) for _ in range(50))


def test_mail_that_is_no_report_is_not_counted():
    quota = Quota(1)
    message = _message(UNVERIFIED)._replace(outcome="not_tlsrpt")
    assert all(quota.admits(message) for _ in range(5))
    assert quota.share_of(message) is None
