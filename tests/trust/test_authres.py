"""Authentication-Results: whose word counts, where it must stand, and what a sender could smuggle into it (RFC 8601)."""

from __future__ import annotations

import pytest

from pipeline.trust.authres import aligned_pass, attested_results
from pipeline.trust.signed_mail import SignedMail
from tests.trust.signing import report_mail, rsa_key, sign

OURS = "mx.rcpt.example"
PASS = f"{OURS}; dkim=pass header.d=reporter.example"


def _results(*fields, ids=(OURS,), name="Authentication-Results"):
    head = "".join(f"{name}: {field}\r\n" for field in fields)
    return attested_results(SignedMail(f"{head}From: a@reporter.example\r\n\r\nbody".encode()), ids)


def _passes(*fields, **options):
    return aligned_pass(_results(*fields, **options), "reporter.example") is not None


@pytest.mark.parametrize(
    "field",
    [
        PASS,
        f"{OURS} 1; dkim=pass header.d=reporter.example",
        f"{OURS.upper()}; DKIM=Pass Header.D=Reporter.Example",
        f"{OURS}; spf=fail smtp.mailfrom=x@y.example; dkim=pass (2048-bit key (rsa; good)) header.d=reporter.example header.b=aB/",
        f"{OURS};\r\n\tdkim=pass\r\n\theader.d=\r\n  reporter.example;\r\n\tdmarc=pass (p=reject,d=none)\r\n\theader.from=reporter.example",
        f'{OURS}; dkim=pass reason="good; signature" header.d=mail.reporter.example',
        f"{OURS}; dkim=fail header.d=reporter.example; dkim=pass header.d=reporter.example",
        f"{OURS}; dkim=pass header.d=reporter.example;",
    ],
)
def test_a_pass_of_the_own_server_for_the_reporting_domain_counts(field):
    assert _passes(field)


@pytest.mark.parametrize(
    "field",
    [
        "mx.elsewhere.example; dkim=pass header.d=reporter.example",
        f"x{OURS}; dkim=pass header.d=reporter.example",
        f"{OURS}.evil.example; dkim=pass header.d=reporter.example",
        f"{OURS}; dkim=pass header.d=evil.example",
        f"{OURS}; dkim=pass header.d=reporter.example.evil.example",
        f"{OURS}; dkim=fail header.d=reporter.example",
        f"{OURS}; dkim=pass header.i=@reporter.example",
        f"{OURS}; spf=pass smtp.mailfrom=reporter.example",
        f"{OURS}; none",
        f"{OURS}",
        "",
        "dkim=pass header.d=reporter.example",
        f"{OURS} 1 2; dkim=pass header.d=reporter.example",
        f"{OURS}; dkim=pass header.d=evil.example header.d=reporter.example",
        f"{OURS}; dkim=pass header.d=reporter.example header.d=evil.example",
        f"{OURS}; dkim=pass HEADER.D=evil.example header.d=reporter.example",
    ],
)
def test_everything_else_does_not(field):
    assert not _passes(field)


@pytest.mark.parametrize(
    "field",
    [
        f"{OURS}; spf=fail (sender said: ; dkim=pass header.d=reporter.example ) smtp.mailfrom=x",
        f'{OURS}; spf=fail smtp.mailfrom="; dkim=pass header.d=reporter.example"@evil.example',
        f'{OURS}; spf=fail smtp.mailfrom="a\\"; dkim=pass header.d=reporter.example; x=\\""@evil.example',
        f"{OURS}; spf=fail (a ( b) ; dkim=pass header.d=reporter.example",
        f'{OURS}; spf=fail smtp.mailfrom="; dkim=pass header.d=reporter.example',
        f"{OURS}; spf=fail smtp.mailfrom=a b@evil.example; dkim=pass header.d=reporter.example",
        f"{OURS}; spf=fail smtp.mailfrom=a=b@evil.example; dkim=pass header.d=reporter.example",
        f"{OURS}; spf=fail (\\) ; dkim=pass header.d=reporter.example",
    ],
)
def test_text_that_a_sender_put_into_another_result_cannot_pass(field):
    assert not _passes(field)


@pytest.mark.parametrize("name", ["X-Authentication-Results", "Authentication-Results-Original", "ARC-Authentication-Results"])
def test_fields_of_similar_names_are_not_read(name):
    assert not _passes(PASS, name=name)


def test_only_the_topmost_block_counts():
    mail = (
        f"Received: x\r\nAuthentication-Results: {OURS}; spf=pass\r\nReceived: y\r\nAuthentication-Results: {PASS}\r\nFrom: a@b.example\r\n"
    )
    assert attested_results(SignedMail(mail.encode()), [OURS]) == []
    assert not _passes("mx.elsewhere.example; dkim=fail", PASS)


def test_a_server_may_write_one_field_per_check():
    assert _passes(f"{OURS}; spf=pass smtp.mailfrom=x.example", f"{OURS}; dkim=fail header.d=a.example", PASS)


def test_several_own_servers_may_be_named():
    assert _passes(f"inner.{OURS}; spf=pass", PASS, ids=(OURS, f"inner.{OURS}"))


def test_a_field_that_is_too_long_or_one_of_too_many_is_not_read():
    assert not _passes(f"{OURS}; {'spf=pass x.y=z; ' * 2000} dkim=pass header.d=reporter.example")
    assert not _passes(*[f"{OURS}; spf=pass"] * 11, PASS)


def test_an_aligned_pass_of_the_own_server_attests_mail_that_no_longer_verifies(judge):
    banner = sign(report_mail(), rsa_key("s1")).replace(b"A  report.", b"CAUTION external mail! A report.")
    attested = b"Authentication-Results: mx.rcpt.example; dkim=pass header.d=reporter.example header.s=s1 header.a=rsa-sha256\r\n" + banner
    verdict = judge(attested, authserv_ids=(OURS,))
    assert (verdict.trust_tier, verdict.auth_method, verdict.dkim_result) == ("attested", "authres", "fail")
    assert (verdict.authserv_id, verdict.authenticated_domain) == (OURS, "reporter.example")
    assert (verdict.dkim_domain, verdict.dkim_selector, verdict.dkim_algorithm) == ("reporter.example", "s1", "rsa-sha256")
    assert {"from", "tls-report-domain"} <= set(verdict.dkim_signed_headers), "what the signature covers that the server found good"
    assert judge(attested).trust_tier == "unverified"


def test_what_an_imported_file_says_of_its_checks_is_not_believed(judge):
    mail = f"Authentication-Results: {PASS}\r\n".encode() + report_mail()
    assert judge(mail, authserv_ids=(OURS,)).trust_tier == "attested"
    assert judge(mail, authserv_ids=(OURS,), account="file").trust_tier == "vouched"


def test_a_signature_that_verifies_goes_before_the_word_of_the_server(judge):
    verdict = judge(f"Authentication-Results: {PASS}\r\n".encode() + sign(report_mail(), rsa_key("s1")), authserv_ids=(OURS,))
    assert (verdict.trust_tier, verdict.auth_method) == ("verified", "dkim")


def test_a_pass_for_another_domain_makes_an_unsigned_report_unaligned(judge):
    mail = f"Authentication-Results: {OURS}; dkim=pass header.d=evil.example\r\n".encode() + report_mail()
    verdict = judge(mail, authserv_ids=(OURS,))
    assert (verdict.trust_tier, verdict.auth_method, verdict.dkim_result) == ("unaligned", "authres", "none")
