"""What a signature must cover before its domain's word is taken for a report: real senders' sets, and forgeries made of signed mail."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.demo.demo_folder import WORLD_FILE
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import BY_KEY, FURTHER
from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.trust.judge import Judge
from pipeline.trust.key_lookup import Resolver
from pipeline.trust.stored_verdict import stored_verdicts
from pipeline.workers.reading_task import Job, read_again, read_chunk
from tests.trust.signing import fetched, key_record, reading, report_json, report_mail, rsa_key, sign

GOOGLE, GOOGLE_SENDER = "google.com", "noreply-smtp-tls-reporting@google.com"
MICROSOFT, MICROSOFT_SENDER = "microsoft.com", "tlsrpt-noreply@microsoft.com"
SETS = {
    "google in 2020": "mime-version:date:tls-report-domain:tls-report-submitter:message-id:subject:from:to",
    "google since": "to:from:subject:message-id:tls-report-submitter:tls-report-domain:date:mime-version"
    ":from:to:cc:subject:date:message-id:reply-to",
    "microsoft": "from:date:subject:message-id:content-type:mime-version:x-ms-exchange-senderadcheck",
    "mail.ru": "from:to:subject:date:message-id:tls-report-domain:tls-report-submitter:mime-version:content-type",
    "rfc 6376 §5.4.1": "from:reply-to:subject:date:to:cc:mime-version:content-type:content-transfer-encoding",
    "rspamd": "from:from:reply-to:subject:subject:date:date:message-id:message-id:to:to:cc:mime-version:mime-version"
    ":content-type:content-type:content-transfer-encoding:content-transfer-encoding",
}
SUBJECT = "Report Domain: rcpt.example Submitter: google.com Report-ID: <1@google.com>"
PLAIN_TYPE = b"Content-Type: text/plain; charset=utf-8\r\n"
CALENDAR = "mime-version:date:message-id:subject:from:to"
"""What large senders sign of everyday mail."""
REPORT_TYPE = b'Content-Type: multipart/report; report-type=tlsrpt; boundary="X"\r\n'


@pytest.fixture(autouse=True)
def _keys_of_the_large(keys):
    for name in (GOOGLE, "sites.google.com", MICROSOFT, "mail.example.net"):
        keys.zone[f"s1._domainkey.{name}"] = key_record(rsa_key(name))


def _signed(mail, domain=GOOGLE, names=SETS["google since"], **options):
    return sign(mail, rsa_key(domain), domain=domain, names=tuple(names.split(":")), **options)


def _report(domain=GOOGLE, sender=GOOGLE_SENDER, *, contact=None, extra=""):
    return report_mail(report_json(contact=contact or f"tls@{domain}"), sender=sender, extra_headers=extra)


def _notice(
    text="", *, sender=f"Shared Documents <drive@{GOOGLE}>", kind="text/plain; charset=utf-8", subject="A document for you", extra=""
):
    """Mail that a large sender signs and in which a stranger has a say."""
    head = f"From: {sender}\r\nTo: a@rcpt.example\r\nSubject: {subject}\r\nDate: Wed, 13 May 2026 15:42:00 +0000\r\n"
    body = text or _as_part(report_json(contact=f"tls@{GOOGLE}"))
    return f"{head}Message-ID: <n1@{GOOGLE}>\r\nMIME-Version: 1.0\r\n{extra}Content-Type: {kind}\r\n\r\n{body}".encode()


def _as_part(report, boundary="X"):
    packed = base64.b64encode(gzip.compress(report, mtime=0)).decode()
    return (
        f"Somebody says:\r\n\r\n--{boundary}\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{packed}\r\n--{boundary}--\r\n\r\nOpen it\r\n"
    )


@pytest.mark.parametrize("names", SETS.values(), ids=SETS)
def test_what_real_senders_sign_is_enough(judge, names):
    verdict = judge(_signed(_report(), names=names))
    assert (verdict.trust_tier, verdict.dkim_result, verdict.authenticated_domain) == ("verified", "pass", GOOGLE)
    verdict = judge(_signed(_report("mail.example.net", "tls@mail.example.net"), "mail.example.net", names))
    assert (verdict.trust_tier, verdict.dkim_result) == ("verified", "pass")


def test_every_sender_that_the_demo_imitates_is_verified(judge, keys):
    day = date(2026, 11, 20)
    ring = KeyRing()
    world = World(read_spec(WORLD_FILE, last_day=day), ring)
    seen = {}
    further = tuple(one._replace(failures_only=False) for group in FURTHER.values() for one in group)
    for one in (world, World(world.spec._replace(reporters=further), ring)):
        for mail in one.mails(day - timedelta(days=3), day):
            if mail.reporter and mail.reporter not in seen:
                keys.zone.update(one.keys)
                seen[mail.reporter] = judge(mail.content, received_at=mail.received_at)
    assert {key: (verdict.trust_tier, verdict.authenticated_domain) for key, verdict in seen.items()} == {
        key: ("verified", reporter.signing_domain) for key, reporter in BY_KEY.items()
    }


@pytest.mark.parametrize(
    ("domain", "sender"),
    [
        (GOOGLE, GOOGLE_SENDER),
        (GOOGLE, f"Google TLS Reports <{GOOGLE_SENDER}>"),
        (GOOGLE, f'"TLS, by Google" <{GOOGLE_SENDER.upper()}>'),
        (MICROSOFT, f"<{MICROSOFT_SENDER}>"),
    ],
)
def test_a_shipped_reporter_is_believed_from_its_address(judge, domain, sender):
    assert judge(_signed(_report(domain, sender), domain)).trust_tier == "verified"


def _moved(mail, new):
    """The mail with its one Content-Type replaced."""
    lines = mail.split(b"\r\n")
    return b"\r\n".join(new.rstrip(b"\r\n") if line.startswith(b"Content-Type: text/plain; charset") else line for line in lines)


NOTICE_ALL = CALENDAR + ":content-type:content-transfer-encoding"
FORGERIES = {
    # a Content-Type that nobody signed
    "content-type replaced": (lambda: _moved(_signed(_notice(), names=CALENDAR), REPORT_TYPE), "not_covered"),
    "content-type replaced, sent from the reporter's address": (
        lambda: _moved(_signed(_notice(sender=GOOGLE_SENDER), names=CALENDAR), REPORT_TYPE), "not_covered",
    ),
    "the same, with the subject of a report": (
        lambda: _moved(_signed(_notice(sender=GOOGLE_SENDER, subject=SUBJECT),
                               names=CALENDAR), REPORT_TYPE), "not_covered",
    ),
    "tls-report headers put on top of it": (
        lambda: b"TLS-Report-Domain: rcpt.example\r\nTLS-Report-Submitter: google.com\r\n"
        + _moved(_signed(_notice(sender=GOOGLE_SENDER), names=CALENDAR), REPORT_TYPE), "not_covered",
    ),
    "tls-report headers that were signed as absent": (
        lambda: b"TLS-Report-Domain: rcpt.example\r\nTLS-Report-Submitter: google.com\r\n"
        + _moved(_signed(_notice(sender=GOOGLE_SENDER)), REPORT_TYPE), "fail",
    ),
    "one tls-report header signed, the other added": (
        lambda: b"TLS-Report-Submitter: google.com\r\n"
        + _moved(_signed(_notice(sender=GOOGLE_SENDER, extra="TLS-Report-Domain: rcpt.example\r\n"), names=f"{CALENDAR}:tls-report-domain"),
                 REPORT_TYPE), "not_covered",
    ),
    "a content-type where there was none, signed as absent": (
        lambda: REPORT_TYPE + _signed(_notice().replace(PLAIN_TYPE, b"", 1), names=NOTICE_ALL), "fail",
    ),
    "a content-type where there was none": (
        lambda: REPORT_TYPE + _signed(_notice().replace(PLAIN_TYPE, b"", 1), names=CALENDAR), "not_covered",
    ),
    # a second one
    "a second content-type on top": (lambda: REPORT_TYPE + _signed(_notice(), names=NOTICE_ALL), "not_covered"),
    "a second content-type in other letters": (
        lambda: REPORT_TYPE.replace(b"Content-Type", b"CONTENT-type") + _signed(_notice(), names=NOTICE_ALL), "not_covered",
    ),
    "a second content-type, folded": (
        lambda: b'Content-Type:\r\n multipart/report;\r\n boundary="X"\r\n' + _signed(_notice(), names=NOTICE_ALL), "not_covered",
    ),
    "a second content-type that the signature counts on": (
        lambda: REPORT_TYPE + _signed(_notice(), names=f"{NOTICE_ALL}:content-type"), "fail",
    ),
    "a second content-type below": (
        lambda: _signed(_notice(), names=NOTICE_ALL).replace(b"\r\n\r\n", b"\r\n" + REPORT_TYPE + b"\r\n", 1), None,
    ),
    "a content-type with a space before its colon": (
        lambda: REPORT_TYPE.replace(b"Content-Type:", b"Content-Type :") + _signed(_notice(), names=NOTICE_ALL), None,
    ),
    "a second content-type on top of a genuine report": (
        lambda: REPORT_TYPE.replace(b'"X"', b'"=b"') + _signed(_report()), "not_covered",
    ),
    "a second mime-version": (lambda: b"MIME-Version: 1.0\r\n" + _signed(_report()), "not_covered"),
    "a second transfer encoding": (
        lambda: b"Content-Transfer-Encoding: base64\r\n" + _signed(_report(extra="Content-Transfer-Encoding: 7bit\r\n")), "not_covered",
    ),
    "a second from": (lambda: f"From: {GOOGLE_SENDER}\r\n".encode() + _signed(_report(sender=f"drive@{GOOGLE}")), "fail"),
    # how the body is decoded
    "a transfer encoding for text of a stranger": (
        lambda: b"Content-Transfer-Encoding: base64\r\n" + _signed(
            _notice(base64.b64encode(report_json(contact=f"tls@{GOOGLE}")).decode(), sender=GOOGLE_SENDER),
            names=f"{CALENDAR}:content-type"),
        "not_covered",
    ),
    # another sender of the same domain
    "a report in a mail of another address of the reporter": (lambda: _signed(_report(sender=f"drive@{GOOGLE}")), "not_reporter"),
    "a flow that mails an attachment": (
        lambda: _signed(_report(MICROSOFT, f"flow@{MICROSOFT}"), MICROSOFT, SETS["microsoft"]), "not_reporter",
    ),
    "the reporter's address as a name": (lambda: _signed(_report(sender=f'"{GOOGLE_SENDER}" <drive@{GOOGLE}>')), "not_reporter"),
    "the reporter's address in a comment": (lambda: _signed(_report(sender=f"drive@{GOOGLE} ({GOOGLE_SENDER})")), "not_reporter"),
    "the reporter's address beside another": (lambda: _signed(_report(sender=f"<{GOOGLE_SENDER}>, drive@{GOOGLE}")), "not_reporter"),
    "the reporter's address as a group": (lambda: _signed(_report(sender=f"{GOOGLE_SENDER}: drive@{GOOGLE};")), "not_reporter"),
    "the reporter's address as an encoded word": (
        lambda: _signed(_report(sender=f"=?utf-8?q?{GOOGLE_SENDER.replace('@', '=40')}?= <drive@{GOOGLE}>")), "not_reporter",
    ),
    "two pairs of angle brackets": (lambda: _signed(_report(sender=f"<{GOOGLE_SENDER}> <drive@{GOOGLE}>")), "not_reporter"),
    "a longer address": (lambda: _signed(_report(sender=f"x{GOOGLE_SENDER}")), "not_reporter"),
    "the address under another domain": (lambda: _signed(_report(sender=f"{GOOGLE_SENDER}.evil.example")), "not_reporter"),
    "the address of the other reporter": (lambda: _signed(_report(sender=MICROSOFT_SENDER)), "not_reporter"),
    # a sub-domain that speaks for its parent
    "the key of a sub-domain": (lambda: _signed(_report(), "sites.google.com"), "not_reporter"),
    "the key of a sub-domain for a sibling": (
        lambda: _signed(_report(contact="tls@mail.google.com"), "sites.google.com"), "not_reporter",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "result"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_not_verified(judge, forge, result):
    mail = forge()
    if result is None:
        assert not reading(mail).parts, "it is not even read as a report"
        return
    verdict = judge(mail)
    assert verdict.trust_tier in {"unaligned", "unverified"}
    assert verdict.authenticated_domain is None
    assert verdict.dkim_result == result
    assert verdict.trust_tier == ("unaligned" if result.startswith("not_") else "unverified")
    assert judge(mail, account="file").trust_tier == "vouched", "what the operator imports he vouches for"


def test_a_sub_domain_is_a_reporter_of_its_own(judge):
    mail = _signed(_report("sites.google.com", "tls@sites.google.com", contact="tls@a.sites.google.com"), "sites.google.com")
    verdict = judge(mail)
    assert (verdict.trust_tier, verdict.authenticated_domain) == ("verified", "sites.google.com")


def test_a_header_on_top_takes_nothing_from_what_was_signed(judge):
    verdict = judge(b"TLS-Report-Domain: evil.example\r\n" + _signed(_report()))
    assert verdict.trust_tier == "verified"
    assert "tls-report-domain" not in verdict.dkim_signed_headers


def test_a_second_signature_may_cover_what_the_first_does_not(judge):
    mail = _signed(_signed(_report(), names=SETS["microsoft"]), names=CALENDAR)
    assert judge(mail).trust_tier == "verified"


OURS = ("mx.rcpt.example",)


@pytest.mark.parametrize(
    ("mail", "tier"),
    [
        (_signed(_report()), "attested"),
        (_report(), "attested"),
        (_moved(_signed(_notice(sender=GOOGLE_SENDER), names=CALENDAR), REPORT_TYPE), "unaligned"),
        (REPORT_TYPE + _signed(_notice(sender=GOOGLE_SENDER), names=NOTICE_ALL), "unaligned"),
        (_signed(_report(sender=f"drive@{GOOGLE}")), "unaligned"),
        # a signature of a forger's own making beside the one that the server found good
        (_signed(_moved(_signed(_notice(sender=GOOGLE_SENDER), names=CALENDAR), REPORT_TYPE), names=NOTICE_ALL), "unaligned"),
    ],
)
def test_the_word_of_the_own_server_is_no_more_than_what_the_signature_covers(judge, keys, mail, tier):
    keys.zone[f"s1._domainkey.{GOOGLE}"] = key_record(rsa_key("rotated"))
    attested = b"Authentication-Results: mx.rcpt.example; dkim=pass header.d=google.com header.s=s1\r\n" + mail
    assert judge(attested, authserv_ids=OURS).trust_tier == tier


PASS = b"Authentication-Results: mx.rcpt.example; dkim=pass header.d=reporter.example\r\n"


@pytest.mark.parametrize(
    ("above", "mail"),
    [
        (b"dkim=fail header.d=reporter.example", report_mail()),
        (b"dkim=none", report_mail()),
        (b"dkim=fail reason=key", report_mail()),
        (b"dkim=pass header.d=evil.example", sign(report_mail(), rsa_key("evil"), domain="evil.example")),
        (b"dkim=pass header.d=evil.example; dkim=fail header.d=REPORTER.example", sign(report_mail(), rsa_key("forger"))),
    ],
)
def test_a_field_below_that_of_the_own_server_does_not_unsay_it(judge, above, mail):
    both = b"Authentication-Results: mx.rcpt.example; " + above + b"\r\n" + PASS + mail
    assert judge(both, authserv_ids=OURS).trust_tier != "attested"


def test_the_domain_of_a_server_s_result_is_kept_in_small_letters(judge):
    verdict = judge(PASS.replace(b"reporter.example", b"REPORTER.example") + report_mail(), authserv_ids=OURS)
    assert (verdict.trust_tier, verdict.dkim_domain, verdict.authenticated_domain) == ("attested", *["reporter.example"] * 2)


def _row_of_before(keys, mail, **changes):
    """The ledger row of a program that asked the key and nothing else."""
    from tests.trust.test_later import _rows

    _, rows = _rows(keys, mail)
    return rows.message._replace(**{"trust_tier": "verified", "dkim_result": "pass", "dkim_domain": GOOGLE, **changes})


@pytest.mark.parametrize(
    ("mail", "tier"),
    [
        (_moved(_signed(_notice(), names=CALENDAR), REPORT_TYPE), "unaligned"),
        (REPORT_TYPE + _signed(_notice(), names=NOTICE_ALL), "unaligned"),
        (_signed(_report(sender=f"drive@{GOOGLE}")), "unaligned"),
        (_signed(_report()), "verified"),
        (b"TLS-Report-Domain: evil.example\r\n" + _signed(_report()), "verified"),
    ],
)
def test_a_rebuild_holds_old_verdicts_against_the_rule_without_asking_the_dns(keys, mail, tier):
    row = _row_of_before(keys, mail)
    asked = len(keys.questions)
    (verdict,) = stored_verdicts(row, fetched(mail), reading(mail), TrustSettings())
    assert (verdict.trust_tier, verdict.authenticated_domain) == (tier, GOOGLE if tier == "verified" else None)
    assert (verdict.dkim_selector, verdict.dkim_key_record) == ("s1", row.dkim_key_record)
    assert verdict.dkim_signed_headers == row.dkim_signed_headers
    assert len(keys.questions) == asked


def test_a_rebuild_believes_again_what_a_stricter_rule_did_not(keys):
    mail = _signed(_report())
    row = _row_of_before(keys, mail, trust_tier="unaligned", dkim_result="not_covered")
    (verdict,) = stored_verdicts(row, fetched(mail), reading(mail), TrustSettings())
    assert (verdict.trust_tier, verdict.dkim_result, verdict.authenticated_domain) == ("verified", "pass", GOOGLE)


def test_a_rebuild_holds_what_a_server_attested_against_the_rule(keys):
    mail = PASS.replace(b"reporter.example", b"google.com") + _moved(_signed(_notice(), names=CALENDAR), REPORT_TYPE)
    attested = {"trust_tier": "attested", "auth_method": "authres", "dkim_result": "fail", "dkim_selector": None, "authserv_id": OURS[0]}
    row = _row_of_before(keys, mail, **attested)
    (verdict,) = stored_verdicts(row, fetched(mail), reading(mail), TrustSettings())
    assert (verdict.trust_tier, verdict.authenticated_domain) == ("unaligned", None)
    good = PASS.replace(b"reporter.example", b"google.com") + _signed(_report())
    row = _row_of_before(keys, good, **attested)
    (verdict,) = stored_verdicts(row, fetched(good), reading(good), TrustSettings())
    assert (verdict.trust_tier, verdict.authenticated_domain) == ("attested", GOOGLE)


def test_the_rule_costs_no_look_up(keys):
    mail = _signed(_report(sender=f"drive@{GOOGLE}"))
    what = fetched(mail)
    rules = TrustSettings(dkim="verify", resolver=keys.address, dns_timeout=0.5)
    Judge(rules, Resolver(keys.address, timeout=0.5)).judge(what, reading(mail))
    assert len(keys.questions) == 1


def _about_a_host(names, **changes):
    """A genuine report about a host of somebody's, as a row of type tlsa alone."""
    report = json.loads(report_json())
    report["policies"][0]["policy"] = {
        "policy-type": "tlsa",
        "policy-string": ["3 1 1 " + "ab" * 32],
        "policy-domain": "mx.elsewhere.example",
    }
    mail = report_mail(json.dumps(report).encode())
    for old, new in changes.items():
        mail = mail.replace(old.encode(), new.encode())
    return sign(mail, rsa_key("s1"), names=names)


CONTENT = ("from", "to", "date", "message-id", "mime-version", "content-type")


@pytest.mark.parametrize(
    ("names", "tier", "source"),
    [
        (CONTENT, "unaligned", "unsigned_header"),
        ((*CONTENT, "subject"), "verified", "signed_subject"),
        ((*CONTENT, "tls-report-domain"), "verified", "signed_header"),
    ],
)
@pytest.mark.parametrize("mx", [(), ("mx.rcpt.example",)])
def test_a_genuine_report_about_others_hosts_does_not_count_for_a_domain_that_nobody_signed(keys, names, tier, source, mx):
    mail = _about_a_host(names)
    job = Job(
        DEFAULT_LIMITS,
        Ownership(("rcpt.example",), mx),
        TrustSettings(dkim="verify", resolver=keys.address, dns_timeout=0.5),
        RunStamp(f"run {names} {mx}", datetime(2026, 5, 14, tzinfo=UTC), "0"),
    )
    (rows,) = read_chunk([fetched(mail)], job)
    assert (rows.reports[0].report.trust_tier, rows.message.trust_tier) == (tier, tier)
    assert rows.reports[0].policies[0].report_domain_source == source
    again = read_again(rows.message, fetched(mail), job)
    assert (again.message, again.reports) == (rows.message, rows.reports), "a rebuild changes nothing"
    older = rows.message._replace(trust_tier="verified", dkim_result="pass")
    assert read_again(older, fetched(mail), job).reports == rows.reports, "and heals what was taken before"


@pytest.mark.parametrize(
    ("names", "tier", "source"),
    [
        ([CONTENT], "unaligned", "unsigned_header"),
        ([(*CONTENT, "subject")], "attested", "signed_subject"),
        ([(*CONTENT, "tls-report-domain")], "attested", "signed_header"),
        # of two signatures nobody knows which one the server found good
        ([(*CONTENT, "tls-report-domain"), CONTENT], "unaligned", "unsigned_header"),
        # a server that takes the signatures out leaves no header of which it is known that it was signed
        ([], "unaligned", "unsigned_header"),
    ],
)
def test_what_a_server_attested_about_others_hosts_does_not_count_for_a_domain_that_nobody_signed(keys, names, tier, source):
    mail = _about_a_host(names[0] if names else CONTENT)
    for more in names[1:]:
        mail = sign(mail, rsa_key("s1"), names=more)
    if not names:
        mail = mail[mail.index(b"From:") :]
    moved = PASS + mail.replace(b"\r\n\r\n", b"\r\n\r\nA banner of our own\r\n", 1)
    own, trust = Ownership(("rcpt.example",), ()), TrustSettings(resolver=keys.address, dns_timeout=0.5, authserv_ids=OURS)
    job = Job(DEFAULT_LIMITS, own, trust, RunStamp(f"attested {names}", datetime(2026, 5, 14, tzinfo=UTC), "0"))
    (rows,) = read_chunk([fetched(moved)], job)
    assert (rows.reports[0].report.trust_tier, rows.message.trust_tier, rows.message.auth_method) == (tier, tier, "authres")
    assert rows.reports[0].policies[0].report_domain_source == source
    again = read_again(rows.message, fetched(moved), job)
    assert (again.message, again.reports) == (rows.message, rows.reports), "a rebuild changes nothing"
    older = rows.message._replace(trust_tier="attested", dkim_domain="reporter.example", authserv_id=OURS[0], dkim_signed_headers=())
    assert read_again(older, fetched(moved), job).reports == rows.reports, "and heals what was taken before"
