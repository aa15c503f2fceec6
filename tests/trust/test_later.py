"""What is judged later: mail that waits for the DNS, and mail that is read again with its stored verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.model import Rejected
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.trust.dns_retry import rejudge, waiting_since
from pipeline.trust.stored_verdict import stored_verdicts
from pipeline.workers.reading_task import Job, read_chunk
from tests.trust.signing import RECEIVED, fetched, reading, report_json, report_mail, rsa_key, sign

_RUNS = count(1)
NOW = datetime(2026, 5, 14, 4, tzinfo=UTC)
GOOD = sign(report_mail(), rsa_key("s1"))


def _rows(keys, mail, *, at=NOW, **settings):
    """A function that reads chunks in a run of its own, and the rows it gives of the mail."""
    run = f"run-{next(_RUNS)}"
    settings = {"dkim": "verify", "resolver": keys.address, "dns_timeout": 0.5, **settings}
    job = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(**settings), RunStamp(run, at, "0"))
    return lambda chunk: read_chunk(chunk, job), read_chunk([fetched(mail)], job)[0]


def test_a_mail_that_waits_is_replaced_when_the_dns_answers(keys):
    keys.behave("servfail")
    _, waits = _rows(keys, GOOD)
    assert (waits.message.dkim_result, waits.message.trust_tier, waits.message.outcome) == ("temperror", "unverified", "stored")
    keys.behave("answer")
    later = NOW + timedelta(days=1)
    read, _ = _rows(keys, GOOD, at=later)
    (rows,) = rejudge([waits.message], raw=lambda rows: {row.message_sha256: GOOD for row in rows}, read=read, now=later)
    assert (rows.message.trust_tier, rows.message.dkim_result) == ("verified", "pass")
    assert (rows.message.run_id, rows.message.ingested_at, rows.message.changed_at) == (waits.message.run_id, NOW, later)
    unchanged = ("account", "folder", "uidvalidity", "uid", "item", "received_at", "message_sha256")
    assert all(getattr(rows.message, name) == getattr(waits.message, name) for name in unchanged)
    assert [report.report.trust_tier for report in rows.reports] == ["verified"]
    assert rows.reports[0].report.identity == waits.reports[0].report.identity
    assert rows.reports[0].report.report_key != waits.reports[0].report.report_key


def test_a_mail_that_still_waits_and_one_without_bytes_are_left_alone(keys):
    keys.behave("servfail")
    read, waits = _rows(keys, GOOD)
    assert list(rejudge([waits.message], raw=lambda rows: {row.message_sha256: GOOD for row in rows}, read=read, now=NOW)) == []
    assert list(rejudge([waits.message], raw=lambda _rows: {}, read=read, now=NOW)) == []


def test_bytes_are_looked_up_by_the_chunk_and_no_more_is_held_than_that(keys, monkeypatch):
    monkeypatch.setattr("pipeline.trust.dns_retry.CHUNK", 4)
    keys.behave("servfail")
    _, waits = _rows(keys, GOOD)
    keys.behave("answer")
    read, _ = _rows(keys, GOOD)
    asked = []

    def raw(rows):
        asked.append(len(rows))
        return {row.message_sha256: GOOD for row in rows}

    judged = rejudge([waits.message._replace(uid=number) for number in range(10)], raw=raw, read=read, now=NOW)
    assert next(judged).message.uid == 0
    assert asked == [4], "the next bytes are fetched when the first have been taken"
    assert [rows.message.uid for rows in judged] == list(range(1, 10))
    assert asked == [4, 4, 2]


def test_a_final_no_replaces_too(keys):
    keys.behave("servfail")
    _, waits = _rows(keys, GOOD)
    keys.behave("nxdomain")
    read, _ = _rows(keys, GOOD)
    (rows,) = rejudge([waits.message], raw=lambda rows: {row.message_sha256: GOOD for row in rows}, read=read, now=NOW)
    assert (rows.message.trust_tier, rows.message.dkim_result) == ("unverified", "no_key")


def test_five_days_are_waited():
    assert waiting_since(NOW) == datetime(2026, 5, 9, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "mail", [GOOD, report_mail(), sign(report_mail(), rsa_key("evil"), domain="evil.example"), sign(report_mail(), rsa_key("forger"))]
)
def test_a_stored_verdict_comes_back_as_it_was(keys, mail):
    _, rows = _rows(keys, mail)
    asked = len(keys.questions)
    (verdict,) = stored_verdicts(rows.message, fetched(mail), reading(mail), TrustSettings())
    names = [name for name in verdict._fields if name != "authenticated_domain"]
    assert {name: getattr(verdict, name) for name in names} == {name: getattr(rows.message, name) for name in names}
    assert verdict.authenticated_domain == ("reporter.example" if verdict.trust_tier == "verified" else None)
    assert len(keys.questions) == asked


def test_a_report_that_only_a_newer_parser_reads_is_held_against_the_stored_signature(keys):
    mail = sign(report_mail(report_json(contact="a@bigmail.example")), rsa_key("s1"))
    _, rows = _rows(keys, mail)
    was = rows.message._replace(trust_tier="verified", auth_method="dkim", dkim_result="pass", dkim_domain="reporter.example")
    (verdict,) = stored_verdicts(was, fetched(mail), reading(mail), TrustSettings())
    assert (verdict.trust_tier, verdict.authenticated_domain, verdict.dkim_result) == ("unaligned", None, "pass")


def test_a_server_that_is_believed_since_attests_mail_that_was_not_proved(keys):
    mail = b"Authentication-Results: mx.rcpt.example; dkim=pass header.d=reporter.example\r\n" + sign(report_mail(), rsa_key("forger"))
    _, rows = _rows(keys, mail)
    assert rows.message.trust_tier == "unverified"
    (verdict,) = stored_verdicts(rows.message, fetched(mail), reading(mail), TrustSettings(authserv_ids=("mx.rcpt.example",)))
    assert (verdict.trust_tier, verdict.dkim_result, verdict.authenticated_domain) == ("attested", "fail", "reporter.example")


def test_an_operator_may_vouch_for_mail_that_was_not_proved_and_changes_nothing_else(keys):
    later = RECEIVED + timedelta(days=1)
    for mail, tier in ((sign(report_mail(), rsa_key("forger")), "vouched"), (GOOD, "verified")):
        _, rows = _rows(keys, mail)
        (verdict,) = stored_verdicts(rows.message, fetched(mail), reading(mail), TrustSettings(), vouch_before=later)
        assert verdict.trust_tier == tier
        assert verdict.dkim_result == rows.message.dkim_result
        (same,) = stored_verdicts(rows.message, fetched(mail), reading(mail), TrustSettings(), vouch_before=RECEIVED)
        assert same.trust_tier == rows.message.trust_tier


def test_a_part_that_is_no_report_is_judged_by_the_from_address(keys):
    mail = sign(report_mail(b'{"report-id": '), rsa_key("s1"))
    _, rows = _rows(keys, mail)
    assert isinstance(reading(mail).parts[0].result, Rejected)
    assert (rows.message.outcome, rows.message.trust_tier, rows.message.dkim_domain) == ("quarantined", "verified", "reporter.example")
