"""Whom to believe: every way in which a signature can be good, bad, or somebody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.trust.signing import RECEIVED, SIGNED, ed_key, key_record, report_json, report_mail, rsa_key, sign, stamp

GOOD = sign(report_mail(), rsa_key("s1"))


def _said(verdict):
    return verdict.trust_tier, verdict.dkim_result


def test_a_valid_signature_of_the_reporting_domain_is_verified(judge, keys):
    verdict = judge(GOOD)
    assert _said(verdict) == ("verified", "pass")
    assert (verdict.auth_method, verdict.authenticated_domain) == ("dkim", "reporter.example")
    assert (verdict.dkim_domain, verdict.dkim_selector, verdict.dkim_algorithm) == ("reporter.example", "s1", "rsa-sha256")
    assert verdict.dkim_key_bits == 2048
    assert verdict.dkim_key_record == keys.zone["s1._domainkey.reporter.example"]
    assert verdict.dkim_signed_headers == tuple(sorted(SIGNED))


@pytest.mark.parametrize("form", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple", "simple"])
def test_every_canonical_form_verifies(judge, form):
    name = form if "/" in form else f"{form}/simple"
    mail = sign(report_mail(), rsa_key("s1"), form=name)
    assert _said(judge(mail.replace(f"c={name}".encode(), f"c={form}".encode()) if name == form else mail)) == ("verified", "pass")


def test_a_mail_kept_with_bare_line_feeds_verifies(judge):
    assert _said(judge(GOOD.replace(b"\r\n", b"\n"))) == ("verified", "pass")


def test_a_mail_kept_with_an_mbox_line_verifies(judge):
    assert _said(judge(b"From noreply@reporter.example Wed May 13 15:43:00 2026\r\n" + GOOD)) == ("verified", "pass")


def test_an_ed25519_signature_is_verified(judge):
    verdict = judge(sign(report_mail(), ed_key("ed"), selector="ed"))
    assert _said(verdict) == ("verified", "pass")
    assert (verdict.dkim_algorithm, verdict.dkim_key_bits) == ("ed25519-sha256", 256)


def test_an_unsigned_mail_is_unverified(judge, keys):
    assert _said(judge(report_mail())) == ("unverified", "none")
    assert keys.questions == []


def test_a_signature_made_with_another_key_is_unverified(judge):
    assert _said(judge(sign(report_mail(), rsa_key("forger")))) == ("unverified", "fail")


def test_an_altered_body_is_unverified_without_asking_the_dns(judge, keys):
    assert _said(judge(GOOD.replace(b"A  report.", b"A false report."))) == ("unverified", "fail")
    assert keys.questions == []


def test_an_altered_signed_header_is_unverified(judge):
    assert _said(judge(GOOD.replace(b"TLS-Report-Domain: rcpt.example", b"TLS-Report-Domain: evil.example"))) == ("unverified", "fail")


def test_a_second_from_header_breaks_the_signature(judge):
    assert _said(judge(b"From: ceo@rcpt.example\r\n" + GOOD)) == ("unverified", "fail")


def test_a_length_tag_is_refused_even_when_it_is_exact(judge, keys):
    body = len(report_mail().partition(b"\r\n\r\n")[2])
    assert _said(judge(sign(report_mail(), rsa_key("s1"), form="relaxed/simple", tags=f"l={body}; "))) == ("unverified", "permerror")
    assert keys.questions == []


def test_sha1_is_refused(judge, keys):
    verdict = judge(sign(report_mail(), rsa_key("s1"), algorithm="rsa-sha1"))
    assert _said(verdict) == ("unverified", "weak")
    assert verdict.dkim_algorithm == "rsa-sha1"
    assert keys.questions == []


def test_a_key_of_1024_bits_is_accepted_as_microsoft_has_one(judge):
    verdict = judge(sign(report_mail(), rsa_key("old", 1024), selector="old"))
    assert (*_said(verdict), verdict.dkim_key_bits) == ("verified", "pass", 1024)


def test_a_key_of_512_bits_is_refused(judge):
    verdict = judge(sign(report_mail(), rsa_key("short", 512), selector="short"))
    assert (*_said(verdict), verdict.dkim_key_bits) == ("unverified", "weak", 512)


def test_a_signature_that_does_not_cover_from_is_refused(judge):
    assert _said(judge(sign(report_mail(), rsa_key("s1"), names=("to", "subject", "date")))) == ("unverified", "permerror")


def test_a_signature_of_another_domain_is_unaligned_and_its_key_is_not_looked_up(judge, keys):
    verdict = judge(sign(report_mail(), rsa_key("evil"), domain="evil.example"))
    assert _said(verdict) == ("unaligned", "unaligned")
    assert (verdict.dkim_domain, verdict.authenticated_domain) == ("evil.example", None)
    assert keys.questions == []


def test_a_report_in_the_name_of_another_is_unaligned(judge, keys):
    content = report_json(contact="smtp-tls-reporting@bigmail.example")
    mail = sign(report_mail(content, sender="noreply@evil.example"), rsa_key("evil"), domain="evil.example")
    assert _said(judge(mail)) == ("unaligned", "unaligned")
    assert keys.questions == []


def test_a_contact_address_in_a_sub_domain_is_aligned(judge):
    mail = sign(report_mail(report_json(contact="tls@corp.reporter.example")), rsa_key("s1"))
    assert _said(judge(mail)) == ("verified", "pass")


def test_a_signature_of_a_sub_domain_is_aligned(judge):
    verdict = judge(sign(report_mail(), rsa_key("corp"), domain="corp.reporter.example"))
    assert (*_said(verdict), verdict.authenticated_domain) == ("verified", "pass", "corp.reporter.example")


def test_without_contact_info_the_from_address_decides(judge):
    mine = sign(report_mail(report_json(contact=None)), rsa_key("s1"))
    other = sign(report_mail(report_json(contact=None), sender="x@evil.example"), rsa_key("s1"))
    assert _said(judge(mine)) == ("verified", "pass")
    assert _said(judge(other)) == ("unaligned", "unaligned")


@pytest.mark.parametrize(("domain", "contact"), [("co.uk", "a@b.co.uk"), ("example", "a@reporter.example"), ("github.io", "a@b.github.io")])
def test_a_public_suffix_speaks_for_nobody(judge, keys, domain, contact):
    assert _said(judge(sign(report_mail(report_json(contact=contact)), rsa_key("s1"), domain=domain))) == ("unaligned", "unaligned")
    assert keys.questions == []


def test_an_expiry_is_judged_by_the_time_of_receipt(judge):
    mail = sign(report_mail(), rsa_key("s1"), tags=f"t={stamp(0)}; x={stamp(7)}; ")
    assert _said(judge(mail)) == ("verified", "pass")
    assert _said(judge(mail, received_at=RECEIVED + timedelta(days=7, hours=2))) == ("verified", "pass")
    assert _said(judge(mail, received_at=RECEIVED + timedelta(days=8))) == ("unverified", "expired")


def test_a_signature_made_after_the_mail_was_received_is_let_pass_because_moved_mailboxes_have_odd_dates(judge):
    assert _said(judge(sign(report_mail(), rsa_key("s1"), tags=f"t={stamp(200)}; x={stamp(207)}; "))) == ("verified", "pass")


@pytest.mark.parametrize(
    "tags", ["x=9" * 3000 + "; ", "t=1e9; ", "x=-1; ", f"t={stamp(0)}; x={stamp(-1)}; ", "i=reporter.example; ", "q=dns; "]
)
def test_nonsense_in_a_tag_is_a_permanent_error(judge, tags):
    assert judge(sign(report_mail(), rsa_key("s1"), tags=tags)).trust_tier in {"unverified", "unaligned"}


def test_a_rotated_key_under_the_same_selector_fails(judge, keys):
    keys.zone["s1._domainkey.reporter.example"] = key_record(rsa_key("next"))
    verdict = judge(GOOD)
    assert _said(verdict) == ("unverified", "fail")
    assert verdict.dkim_key_record == key_record(rsa_key("next"))


def test_a_withdrawn_key_is_told_from_a_bad_signature(judge, keys):
    del keys.zone["s1._domainkey.reporter.example"]
    assert _said(judge(GOOD)) == ("unverified", "no_key")


def test_the_second_signature_counts_when_the_first_is_bad(judge):
    twice = sign(sign(report_mail(), rsa_key("s1")), rsa_key("forger"), selector="old")
    assert _said(judge(twice)) == ("verified", "pass")


def test_aligned_signatures_go_before_others(judge, keys):
    mail = GOOD
    for _ in range(5):
        mail = sign(mail, rsa_key("evil"), domain="evil.example")
    assert _said(judge(mail)) == ("verified", "pass")
    assert keys.questions == ["s1._domainkey.reporter.example"]


def test_no_more_than_three_signatures_are_tried(judge, keys):
    mail = GOOD
    for number in range(3):
        mail = sign(mail, rsa_key("forger"), selector=f"n{number}")
    assert judge(mail).trust_tier == "unverified"
    assert keys.questions == [f"n{number}._domainkey.reporter.example" for number in (2, 1, 0)]


def test_a_duplicated_header_is_not_among_the_signed_ones(judge):
    verdict = judge(b"TLS-Report-Domain: evil.example\r\n" + GOOD)
    assert _said(verdict) == ("verified", "pass")
    assert "tls-report-domain" not in verdict.dkim_signed_headers
    assert "tls-report-submitter" in verdict.dkim_signed_headers


def test_a_header_outside_the_signature_is_not_among_the_signed_ones(judge):
    verdict = judge(sign(report_mail(), rsa_key("s1"), names=("from", "to", "subject", "date")))
    assert verdict.dkim_signed_headers == ("date", "from", "subject", "to")


def test_a_mail_is_judged_again_when_the_dns_answers_again(judge, keys):
    keys.behave("servfail", "s1._domainkey.reporter.example")
    assert _said(judge(GOOD)) == ("unverified", "temperror")
    keys.behave("answer", "s1._domainkey.reporter.example")
    assert _said(judge(GOOD)) == ("verified", "pass")


@pytest.mark.parametrize("behaviour", ["drop", "refused", "servfail"])
def test_no_answer_is_a_temporary_error(judge, keys, behaviour):
    keys.behave(behaviour)
    assert _said(judge(GOOD)) == ("unverified", "temperror")


@pytest.mark.parametrize(("behaviour", "result"), [("nxdomain", "no_key"), ("empty", "no_key")])
def test_an_answer_without_key_is_final(judge, keys, behaviour, result):
    keys.behave(behaviour)
    assert _said(judge(GOOD)) == ("unverified", result)


@pytest.mark.parametrize("selector", ["revoked", "broken", "junk"])
def test_a_record_that_is_no_key_is_a_permanent_error_and_is_kept(judge, keys, selector):
    verdict = judge(sign(report_mail(), rsa_key("s1"), selector=selector))
    assert _said(verdict) == ("unverified", "permerror")
    assert verdict.dkim_key_record == keys.zone[f"{selector}._domainkey.reporter.example"]


@pytest.mark.parametrize(
    ("extra", "result"),
    [
        ("s=email; ", "pass"), ("s=tlsrpt; ", "pass"), ("s=*; ", "pass"), ("s=email:tlsrpt; ", "pass"), ("s=chat:*; ", "pass"),
        ("s=chat; ", "permerror"), ("t=y; ", "pass"), ("t=s; ", "pass"), ("h=sha256; ", "pass"), ("h=sha1:sha256; ", "pass"),
        ("h=sha1; ", "permerror"), ("n=a note; ", "pass"), ("g=; ", "pass"),
    ],
)  # fmt: skip
def test_what_the_key_record_asks_for_is_kept_to(judge, keys, extra, result):
    keys.zone["s1._domainkey.reporter.example"] = key_record(rsa_key("s1"), extra)
    assert judge(GOOD).dkim_result == result


def test_a_strict_key_wants_the_identity_in_the_domain_itself(judge, keys):
    keys.zone["s1._domainkey.reporter.example"] = key_record(rsa_key("s1"), "t=s; ")
    assert judge(sign(report_mail(), rsa_key("s1"), tags="i=@corp.reporter.example; ")).dkim_result == "permerror"
    assert judge(sign(report_mail(), rsa_key("s1"), tags="i=x@reporter.example; ")).dkim_result == "pass"


def test_a_key_longer_than_one_string_and_one_datagram_is_read(judge, keys):
    keys.zone["s1._domainkey.reporter.example"] = f"v=DKIM1; n={'x' * 1400}; p=" + key_record(rsa_key("s1")).partition("p=")[2]
    assert _said(judge(GOOD)) == ("verified", "pass")


def test_an_imported_mail_is_checked_and_vouched_for_where_the_check_does_not_pass(judge):
    assert _said(judge(GOOD, account="file")) == ("verified", "pass")
    forged = judge(sign(report_mail(), rsa_key("forger")), account="file")
    assert (*_said(forged), forged.auth_method) == ("vouched", "fail", "operator")
    assert _said(judge(report_mail(), account="file")) == ("vouched", "none")


def test_mail_received_before_the_date_vouched_for_is_vouched_where_the_check_does_not_pass(judge, keys):
    del keys.zone["s1._domainkey.reporter.example"]
    assert _said(judge(GOOD, vouch_before=RECEIVED + timedelta(days=1))) == ("vouched", "no_key")
    assert _said(judge(GOOD, vouch_before=RECEIVED)) == ("unverified", "no_key")


def test_with_checking_off_the_operator_vouches_for_the_mailbox(judge, keys):
    verdict = judge(sign(report_mail(), rsa_key("forger")), dkim="off")
    assert (*_said(verdict), verdict.auth_method) == ("vouched", "unchecked", "operator")
    assert keys.questions == []


def test_a_forged_mail_with_the_signature_and_results_of_a_real_one_is_not_verified(judge):
    """A real mail of the reporter whose report was replaced; it still carries the receiver's `dkim=pass` (seen in a public test corpus)."""
    real = b"Authentication-Results: mx.elsewhere.example;\r\n\tdkim=pass header.d=reporter.example header.s=s1\r\n" + GOOD
    forged = real.replace(*(report_mail(report_json(sessions=n)).partition(b"\r\n\r\n")[2] for n in (7, 7_000)))
    assert forged != real
    assert _said(judge(real)) == ("verified", "pass")
    assert _said(judge(forged)) == ("unverified", "fail")
    assert _said(judge(forged, authserv_ids=["mx.rcpt.example"])) == ("unverified", "fail")
