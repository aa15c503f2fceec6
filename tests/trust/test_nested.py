"""A report in a message within a message: its own signature speaks for it, and nobody else does."""

from __future__ import annotations

from tests.report.test_nested import wrapped
from tests.trust.signing import report_mail, rsa_key, sign


def test_the_own_signature_of_what_is_within_makes_it_verified(judge):
    signed = sign(report_mail(), rsa_key("s1"))
    assert judge(wrapped(signed)).trust_tier == "verified"
    changed = signed.replace(b"Subject: ", b"Subject: [list] ", 1)
    assert judge(wrapped(changed)).trust_tier == "unverified"


def test_nobody_else_vouches_for_what_is_within(judge):
    claims = "Authentication-Results: mx.example.org; dkim=pass header.d=reporter.example\n"
    assert judge(wrapped(report_mail(), more=claims), authserv_ids=("mx.example.org",)).trust_tier == "unverified"
